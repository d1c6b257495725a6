// What hosts tell each other about members of multicast groups, by way of netmaster: this one says what changed, network by
// network, and hears what others say. When the stream begins anew both sides begin anew: netmaster keeps nothing.

import type { NodeClient } from '../api/node-client.ts'
import type { MembersHere } from '../core/compile/node-multicast.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { type HostMembers, type HostReport, type MembersBody, maxReports } from '../model/multicast.ts'
import type { StreamMessage } from '../model/state.ts'

interface Deps {
  readonly client: Pick<NodeClient, 'members'>
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  /** By network. */
  readonly here: () => ReadonlyMap<string, MembersHere>
  /** Others have or lost members. */
  readonly changed: () => void
}

type Message = Extract<StreamMessage, { type: 'members' | 'members-begin' }>

export class MemberExchange {
  readonly #deps: Deps
  readonly #wakeup = new Wakeup()
  /** By network and host; inner maps are never changed in place. */
  readonly #heard = new Map<string, ReadonlyMap<string, HostMembers>>()
  #elsewhere: ReadonlyMap<string, ReadonlyMap<string, HostMembers>> = new Map()
  /** What netmaster knows; undefined: nothing. */
  #told: Map<string, MembersHere> | undefined
  #isConnected = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** What other hosts said, by network and host. */
  get elsewhere(): ReadonlyMap<string, ReadonlyMap<string, HostMembers>> {
    return this.#elsewhere
  }

  hear(message: Message): void {
    if (message.type === 'members-begin') {
      this.#heard.clear()
      this.#told = undefined
      this.#isConnected = true
    } else {
      const { network, host, members } = message
      const hosts = new Map(this.#heard.get(network))
      if (members === null) hosts.delete(host)
      else hosts.set(host, members)
      this.#heard.set(network, hosts)
    }
    this.#elsewhere = new Map(this.#heard)
    this.#wakeup.wake()
    this.#deps.changed()
  }

  /** Members here changed, perhaps. */
  lookAgain(): void {
    this.#wakeup.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, log, random } = this.#deps
    const backoff = new Backoff({ firstMs: 200, maxMs: 5_000, random })
    while (!signal.aborted) {
      const next = this.#isConnected ? this.#next() : undefined
      if (next === undefined) {
        await this.#wakeup.wait(signal)
        continue
      }
      const { body, told } = next
      this.#told = told
      try {
        await client.members(body, signal)
        backoff.reset()
      } catch (error) {
        if (signal.aborted) return
        log.debug('members not told', { reason: asNetpluginError(error).message })
        // Whether it was taken is not known.
        this.#told = undefined
        await clock.after(backoff.next(), signal).catch(() => {})
      }
    }
  }

  /** What is to be told next, and what netmaster knows then; undefined: it knows all. */
  #next(): { readonly body: MembersBody; readonly told: Map<string, MembersHere> } | undefined {
    const here = this.#deps.here()
    const told = new Map(this.#told)
    const networks: { network: string; report: HostReport | null }[] = []
    for (const network of told.keys()) {
      if (here.has(network) || networks.length >= maxReports) continue
      networks.push({ network, report: null })
      told.delete(network)
    }
    for (const [network, members] of here) {
      if (told.get(network) === members || networks.length >= maxReports) continue
      networks.push({ network, report: reportOf(members) })
      told.set(network, members)
    }
    const first = this.#told === undefined
    return networks.length === 0 && !first ? undefined : { body: { first, networks }, told }
  }
}

function reportOf({ everything, groups }: MembersHere): HostReport {
  return {
    everything: everything.size > 0,
    groups: [...groups].map(([group, members]) => ({ group, members: members.size })),
  }
}
