// A real Open vSwitch that plays the hosts of simulated clusters, one after the other, on one bridge: all of them number
// ports alike. It is given a host's flows and tells what it would do with a packet (`ofproto/trace`).

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { fieldsOf, packetOf, type SimPacket } from '../../src/core/pipeline/simulate/packet.ts'
import type { Step } from '../../src/core/pipeline/simulate/world.ts'
import { SimSwitch, simulate } from '../../src/core/pipeline/simulate.ts'
import { planAllFlows } from '../../src/core/plan/flows.ts'
import { planGroups } from '../../src/core/plan/groups.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { type Flow, type Group, OpenFlowConnection } from '../../src/protocols/openflow/index.ts'
import { ControlSocket } from '../../src/protocols/unixctl/index.ts'
import { type OpenVswitch, startOpenVswitch } from '../support/open-vswitch.ts'
import { flowText, parsePorts, tracedOutputs } from './datapath-actions.ts'

const bridge = 'np-int'
const tunnelPort = 1
const lastPort = 18
const traceMs = 10_000

/**
 * Behind a `ct` the trace takes the tunnel end a flow has set for the one the packet came to, and would not send it there.
 * Packets do not have that trouble: test/system/policy.test.ts sends them.
 */
const falseSelf = 'Not tunneling to our own address'

type Groups = ReadonlyMap<number, Group>

const noGroups: Groups = new Map()

/**
 * A trace ends where the datapath is asked for a hash. With one bucket there is nothing to choose: test/system/services.test.ts
 * chooses, with packets.
 */
export function traceable(groups: Groups): Groups {
  for (const { buckets } of groups.values()) assert.equal(buckets.length, 1)
  return new Map([...groups].map(([id, group]) => [id, { ...group, type: 'all' }]))
}

export class OracleSwitch {
  readonly #dir: string
  readonly #ovs: OpenVswitch
  readonly #connection: OpenFlowConnection
  readonly #control: ControlSocket
  readonly #ports: ReadonlyMap<number, number>
  #compared = 0

  private constructor(
    dir: string,
    ovs: OpenVswitch,
    connection: OpenFlowConnection,
    control: ControlSocket,
    ports: ReadonlyMap<number, number>,
  ) {
    this.#dir = dir
    this.#ovs = ovs
    this.#connection = connection
    this.#control = control
    this.#ports = ports
  }

  static async start(): Promise<OracleSwitch> {
    const dir = await mkdtemp(join(tmpdir(), 'pipeline-oracle-'))
    const ovs = await startOpenVswitch(join(dir, 'ovs'), { log: silentLog })
    try {
      await ovs.vsctl(...bridgeArguments())
      await bringUpUnderlay(ovs)
      const ports = parsePorts(await ovs.appctl('dpif/show'), bridge)
      const path = join(ovs.runDir, `${bridge}.mgmt`)
      const connection = await OpenFlowConnection.connect({ path }, { log: silentLog, clock: systemClock })
      const control = await ControlSocket.connect({ path: ovs.switchControl }, AbortSignal.timeout(traceMs))
      return new OracleSwitch(dir, ovs, connection, control, ports)
    } catch (error) {
      await ovs.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#control.close()
    this.#connection.close()
    await this.#ovs.stop()
    await rm(this.#dir, { recursive: true, force: true })
  }

  /** How many packets were compared so far. */
  get compared(): number {
    return this.#compared
  }

  /** Makes the flows of the switch these, and its groups, in one bundle. */
  async load(flows: readonly Flow[], groups: Groups = noGroups): Promise<void> {
    const connection = this.#connection
    const wanted = flows.flatMap(({ meter }) => (meter === undefined ? [] : [meter]))
    const held = new Set(wanted.length === 0 ? [] : (await connection.meters()).map(({ id }) => id))
    const meters = new Set(wanted.filter((meter) => !held.has(meter)))
    await connection.send([...meters].map((id) => ({ op: 'add-meter', meter: { id, rate: 1_000, burst: 250 } })))
    const desired = new FlowSets(new Map([['all', new Map([['test', flows]])]]))
    const { before, after } = planGroups(groups, await connection.groups(), { remove: true })
    const changes = planAllFlows(desired, await connection.flows(), { remove: true })
    await connection.bundle([...before, ...changes, ...after])
    const groupsLeft = planGroups(groups, await connection.groups(), { remove: true })
    assert.deepEqual(groupsLeft, { before: [], after: [] }, 'the switch reports other groups than it was sent')
    const left = planAllFlows(desired, await connection.flows(), { remove: true })
    assert.deepEqual(left, [], 'the switch reports other flows than it was sent')
  }

  /** What the switch says of a packet, in its own words. */
  trace({ inPort, packet }: Pick<Step, 'inPort' | 'packet'>): Promise<string> {
    return this.#control.command('ofproto/trace', [bridge, flowText(inPort, packet)], AbortSignal.timeout(traceMs))
  }

  /** Whether a trace lets its packet out, anywhere. */
  passes(trace: string, packet: SimPacket): boolean {
    return trace.includes(falseSelf) || tracedOutputs(trace, packet, this.#ports).length > 0
  }

  /** Simulator and switch, side by side; the switch must have been given these flows and groups. */
  async compare(
    flows: readonly Flow[],
    step: Pick<Step, 'inPort' | 'packet'>,
    groups: Groups = noGroups,
  ): Promise<void> {
    const trace = await this.trace(step)
    const expected = simulate(new SimSwitch({ flows, groups: groups.values() }), step)
    const told = `${flowText(step.inPort, step.packet)}\n${trace}\n${expected.trace.join('\n')}`
    const isTunnelled = expected.outputs.some(({ port }) => port === tunnelPort)
    const isFalseSelf = trace.includes(falseSelf)
    assert.ok(isTunnelled || !isFalseSelf, `into a tunnel: ${told}`)
    const actual = tracedOutputs(trace, step.packet, this.#ports)
    // Copies for the agent's log leave no port.
    const leaving = expected.outputs.filter(({ port }) => port !== 'controller')
    const possible = leaving.filter(({ port }) => port !== tunnelPort || !isFalseSelf)
    assert.deepEqual(actual.map(comparable), possible.map(comparable), told)
    this.#compared++
  }
}

function bridgeArguments(): string[] {
  const words = ['add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev', 'fail_mode=secure']
  words.push('--', 'add-br', 'underlay', '--', 'set', 'bridge', 'underlay', 'datapath_type=netdev')
  words.push('--', 'add-port', 'underlay', 'wire', '--', 'set', 'interface', 'wire', 'type=internal')
  for (let port = 1; port <= lastPort; port++) {
    const name = port === tunnelPort ? 'np-vxlan' : `p${port}`
    const type = port === tunnelPort ? ['type=vxlan', 'options:remote_ip=flow', 'options:key=flow'] : ['type=internal']
    words.push('--', 'add-port', bridge, name, '--', 'set', 'interface', name, `ofport_request=${port}`, ...type)
  }
  return words
}

/** Tunnels need a way to their other ends, or the switch drops what goes into them. */
async function bringUpUnderlay(ovs: OpenVswitch): Promise<void> {
  await ovs.inside('ip', 'address', 'add', '192.0.2.200/24', 'dev', 'underlay')
  await ovs.inside('ip', 'link', 'set', 'underlay', 'up')
  await ovs.appctl('ovs/route/add', '192.0.2.0/24', 'underlay')
  for (const host of [1, 2, 3]) {
    await ovs.appctl('tnl/neigh/set', 'underlay', `192.0.2.${host}`, `02:00:00:00:00:0${host}`)
  }
}

function comparable({ port, packet }: { readonly port: unknown; readonly packet: SimPacket }) {
  const { tun_src: _source, ...rest } = packetOf(fieldsOf(packet))
  return port === tunnelPort ? { port, packet: rest } : { port, packet: withoutTunnel(rest) }
}

function withoutTunnel({ tun_id: _id, tun_dst: _dst, ...rest }: SimPacket): SimPacket {
  return rest
}
