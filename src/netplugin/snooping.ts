// Who listens to which multicast group on this host: the switch hands up what containers say (IGMP, MLD), and the agent asks
// them now and then, so that it knows again after a restart. Until those have had time to answer that were there before
// the agent, they get everything.

import type { MembersHere } from '../core/compile/node-multicast.ts'
import type { LocalEndpoint, NodeNetwork } from '../core/compile/node-network.ts'
import { generalQueries, groupQuery, queryIntervalMs } from '../core/multicast/queries.ts'
import { heardIn } from '../core/multicast/reports.ts'
import { membershipMark } from '../core/pipeline/features/multicast.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { PacketIn, PacketOut } from '../protocols/openflow/index.ts'
import { GroupMembers, lastMemberMs, type Question } from './group-members.ts'

interface Deps {
  readonly clock: Clock
  readonly log: Log
  readonly send: (packets: readonly PacketOut[], signal: AbortSignal) => Promise<void>
  /** Somebody joined or left. */
  readonly changed: () => void
}

/** Answers are spread over this time; less after a start, when everybody gets everything meanwhile. */
const answersMs = { regular: 10_000, first: 2_000 } as const
/** After the last answer may have been sent. */
const graceMs = 1_000

export class Snooping {
  readonly #deps: Deps
  readonly #members = new GroupMembers()
  readonly #wakeup = new Wakeup()
  /** Endpoints in force in networks that are snooped, by OpenFlow port. */
  #byPort: ReadonlyMap<number, LocalEndpoint> = new Map()
  /** Networks of endpoints here that were not snooped. */
  #others: ReadonlySet<string> = new Set()
  #isComplete = false
  /** Queries that are due, by port. */
  readonly #unasked = new Set<number>()
  #questions: Question[] = []
  #askAllAt = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** By network; the same objects while they say the same. */
  view(): ReadonlyMap<string, MembersHere> {
    return this.#members.view()
  }

  /** Any packet that the switch handed up: others than about groups are left alone. */
  packetIn({ packet, fields, userdata }: PacketIn): void {
    if (userdata !== membershipMark || typeof fields.in_port !== 'number') return
    const endpoint = this.#byPort.get(fields.in_port)
    if (endpoint === undefined) return
    const now = this.#deps.clock.now()
    this.#change(() => {
      this.#questions.push(...this.#members.heard(endpoint.network.key, endpoint.endpointId, heardIn(packet), now))
    })
  }

  /** What is in force. `complete`: it is what netmaster says, and not what was saved. */
  passed({ local }: NodeNetwork, ofPorts: ReadonlyMap<string, number>, complete: boolean): void {
    const now = this.#deps.clock.now()
    const byPort = new Map<number, LocalEndpoint>()
    const snooped = new Set<string>()
    const others = new Set<string>()
    for (const endpoint of local.values()) {
      const port = ofPorts.get(endpoint.portName)
      if (endpoint.network.multicast !== 'snoop') others.add(endpoint.network.key)
      else snooped.add(endpoint.network.key)
      if (endpoint.network.multicast === 'snoop' && port !== undefined) byPort.set(port, endpoint)
    }
    const before = new Set([...this.#byPort].map(([port, { endpointId }]) => `${port} ${endpointId}`))
    this.#change(() => {
      for (const key of this.#members.view().keys()) if (!snooped.has(key)) this.#members.close(key)
      for (const key of snooped) this.#members.open(key)
      this.#members.keep((endpointId, key) => local.get(endpointId)?.network.key === key)
      for (const [port, { endpointId, network }] of byPort) {
        if (before.has(`${port} ${endpointId}`)) continue
        this.#unasked.add(port)
        // It may have joined before anybody listened.
        const mayHaveJoined = !this.#isComplete || this.#others.has(network.key)
        if (mayHaveJoined) this.#members.everything(network.key, endpointId, now + answersMs.first + graceMs)
      }
    })
    this.#byPort = byPort
    this.#others = others
    this.#isComplete ||= complete
    if (this.#unasked.size > 0) this.#wakeup.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, send, log } = this.#deps
    this.#askAllAt = clock.now() + queryIntervalMs
    while (!signal.aborted) {
      const now = clock.now()
      this.#change(() => this.#questions.push(...this.#members.pass(now)))
      const packets = this.#packets(now)
      if (packets.length > 0) {
        // A question that is lost is asked again: at the latest when all are.
        await send(packets, signal).catch((error: unknown) => {
          if (!signal.aborted) log.debug('members not asked', { reason: asNetpluginError(error).message })
        })
      }
      const next = Math.min(this.#askAllAt, this.#members.next()) - clock.now()
      if (this.#unasked.size === 0 && this.#questions.length === 0 && next > 0) {
        await this.#wakeup.waitAtMost(Math.min(next, queryIntervalMs), { clock }, signal)
      }
    }
  }

  #packets(now: number): readonly PacketOut[] {
    const packets: PacketOut[] = []
    // A clock that was set back must not put it off.
    if (now >= this.#askAllAt || this.#askAllAt - now > queryIntervalMs) {
      this.#askAllAt = now + queryIntervalMs
      packets.push(...toPorts(generalQueries(answersMs.regular), [...this.#byPort.keys()]))
    }
    packets.push(
      ...toPorts(
        generalQueries(answersMs.first),
        [...this.#unasked].filter((port) => this.#byPort.has(port)),
      ),
    )
    this.#unasked.clear()
    const ports = new Map([...this.#byPort].map(([port, { endpointId }]) => [endpointId, port]))
    for (const { endpointId, group } of this.#questions) {
      const port = ports.get(endpointId)
      if (port !== undefined) packets.push(...toPorts([groupQuery(group, lastMemberMs)], [port]))
    }
    this.#questions = []
    return packets
  }

  #change(change: () => void): void {
    const { version } = this.#members
    const questions = this.#questions.length
    change()
    const hasChanged = this.#members.version !== version
    if (hasChanged) this.#deps.changed()
    if (hasChanged || this.#questions.length > questions) this.#wakeup.wake()
  }
}

function toPorts(queries: readonly Buffer[], ports: readonly number[]): readonly PacketOut[] {
  if (ports.length === 0) return []
  const actions = ports.map((port) => ({ type: 'output', port }) as const)
  return queries.map((packet) => ({ inPort: 'controller', actions, packet }))
}
