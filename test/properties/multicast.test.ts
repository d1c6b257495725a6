// Multicast in the simulator: whoever joins, leaves and restarts on which hosts, members get what is sent to their group; and
// once it is known who they are, nobody else does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KnownMembers } from '../../src/core/compile/node-multicast.ts'
import { macOfGroup } from '../../src/core/multicast/groups.ts'
import { portNames } from '../../src/core/pipeline/facts.ts'
import { udp } from '../../src/core/pipeline/simulate/packet.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import type { HostMembers, MulticastMode } from '../../src/model/multicast.ts'
import { multicastOf } from '../../src/model/network.ts'
import type { ClusterState, EndpointRecord } from '../../src/model/state.ts'
import { GroupMembers } from '../../src/netplugin/group-members.ts'
import { clusterState } from '../support/cluster.ts'
import { cluster, numberedHosts } from './arbitrary-cluster.ts'

const groups4 = ['239.1.1.1', '239.129.1.1', '232.0.0.1'] as const
const groups6 = ['ff15::1', 'ff05::2'] as const

type Step =
  | { readonly kind: 'join' | 'leave'; readonly endpoint: number; readonly group: number }
  /** The agent of a host dies and comes back; the first thing that it tells is that nothing holds any more. */
  | { readonly kind: 'restart'; readonly node: number }
  /** Those that were there before a restart have answered. */
  | { readonly kind: 'answered' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: change('join') },
  { weight: 2, arbitrary: change('leave') },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), node: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'answered' } as const) },
)

function change(kind: 'join' | 'leave') {
  return fc.record({ kind: fc.constant(kind), endpoint: fc.nat(), group: fc.nat() })
}

const networkOf = ({ tenantName, networkName }: EndpointRecord) => `${tenantName}:${networkName}`

/** A cluster's agents as far as groups go, and the truth about who listens. */
class Hosts {
  readonly #state: ClusterState
  readonly #joined = new Map<string, Set<string>>()
  readonly #agents = new Map<string, GroupMembers>()
  readonly #told = new Map<string, Map<string, HostMembers>>()
  #now = 0

  constructor(state: ClusterState) {
    this.#state = state
    for (const node of state.nodes.keys()) this.#start(node)
    for (const id of state.endpoints.keys()) this.#joined.set(id, new Set())
    this.do({ kind: 'answered' })
  }

  /** Whether it is known of all who listens to what. */
  isKnown = true

  do(step: Step): void {
    const nodes = [...this.#state.nodes.keys()]
    switch (step.kind) {
      case 'join':
      case 'leave': {
        const record = [...this.#state.endpoints.values()][step.endpoint % Math.max(1, this.#state.endpoints.size)]
        if (record === undefined) return
        const all = record.ipv6 === '' ? groups4 : [...groups4, ...groups6]
        this.#change(record, step.kind, all[step.group % all.length] ?? '')
        break
      }
      case 'restart': {
        const node = nodes[step.node % nodes.length] ?? ''
        this.#start(node)
        for (const hosts of this.#told.values()) hosts.delete(node)
        this.isKnown = false
        return
      }
      case 'answered':
        for (const record of this.#state.endpoints.values()) {
          const agent = this.#agents.get(record.node)
          const said = [...(this.#joined.get(record.endpointId) ?? [])].map((group) => ({
            group,
            what: 'member' as const,
          }))
          agent?.open(networkOf(record))
          agent?.heard(networkOf(record), record.endpointId, said, this.#now)
        }
        this.isKnown = true
    }
    for (const node of nodes) this.#tell(node)
  }

  known(node: string): KnownMembers {
    const elsewhere = new Map([...this.#told].map(([key, hosts]) => [key, new Map(hosts)]))
    for (const hosts of elsewhere.values()) hosts.delete(node)
    return { here: this.#agents.get(node)?.view() ?? new Map(), elsewhere }
  }

  listens(id: string, group: string): boolean {
    return this.#joined.get(id)?.has(group) ?? false
  }

  /** As the agent does it: nothing is known of a network until its endpoints have been asked. */
  #start(node: string): void {
    this.#agents.set(node, new GroupMembers())
  }

  #change(record: EndpointRecord, kind: 'join' | 'leave', group: string): void {
    const agent = this.#agents.get(record.node)
    const joined = this.#joined.get(record.endpointId)
    if (kind === 'join') joined?.add(group)
    else joined?.delete(group)
    const what = kind === 'join' ? 'member' : 'leaving'
    agent?.heard(networkOf(record), record.endpointId, [{ group, what }], this.#now)
    if (kind === 'join') return
    // Nobody answers for it.
    this.#now += 2_000
    agent?.pass(this.#now)
  }

  #tell(node: string): void {
    for (const [key, { everything, groups }] of this.#agents.get(node)?.view() ?? []) {
      const hosts = this.#told.get(key) ?? new Map<string, HostMembers>()
      hosts.set(node, { everything: everything.size > 0, groups: [...groups.keys()] })
      this.#told.set(key, hosts)
    }
  }
}

/** Who must get it, and who may. */
function check(state: ClusterState, world: World, hosts: Hosts, sender: EndpointRecord, group: string): void {
  const isV6 = group.includes(':')
  if (isV6 && sender.ipv6 === '') return
  const from = { mac: sender.mac, ip: isV6 ? sender.ipv6 : sender.ipv4 }
  const packet = udp(from, { mac: macOfGroup(group), ip: group }, { source: 5_000, destination: 5_000 })
  const { deliveries, trace } = world.send(sender.endpointId, { ...packet, nw_ttl: 1 })
  const got = deliveries.map(({ to }) => to).sort()
  const network = networkOf(sender)
  const record = state.networks.get(network)
  const mode = record === undefined ? 'off' : multicastOf(record, state.global)
  const others = [...state.endpoints.values()].filter(
    (one) => networkOf(one) === network && one.endpointId !== sender.endpointId,
  )
  const listeners = others.map(({ endpointId }) => endpointId).filter((id) => hosts.listens(id, group))
  const why = () => `${sender.endpointId} to ${group} (${mode})\n${trace.join('\n')}`
  assert.equal(new Set(got).size, got.length, `nobody gets it twice: ${why()}`)
  if (mode === 'off') assert.deepEqual(got, [], why())
  else if (mode === 'flood') assert.deepEqual(got, others.map(({ endpointId }) => endpointId).sort(), why())
  else if (hosts.isKnown) assert.deepEqual(got, listeners.sort(), why())
  else {
    for (const id of listeners) assert.ok(got.includes(id), `${id} hears nothing: ${why()}`)
    for (const id of got)
      assert.ok(
        others.some(({ endpointId }) => endpointId === id),
        `${id} hears: ${why()}`,
      )
  }
}

const modes = fc.array(fc.constantFrom<MulticastMode | undefined>('snoop', 'flood', 'off', undefined), {
  minLength: 5,
  maxLength: 5,
})

test('members get what is sent to their group, and nobody else once they are known', () => {
  const counted = { sent: 0, heard: 0 }
  fc.assert(
    fc.property(cluster, modes, fc.array(step, { minLength: 3, maxLength: 15 }), (plain, chosen, steps) => {
      const networks = [...plain.networks].map(([key, record], index) => {
        const multicast = chosen[index]
        return [key, multicast === undefined ? record : { ...record, multicast }] as const
      })
      const state = { ...plain, networks: new Map(networks) }
      const hosts = new Hosts(state)
      let world: World | undefined
      for (const each of steps) {
        hosts.do(each)
        const knowing = numberedHosts(state).map((host) => ({ ...host, members: hosts.known(host.node) }))
        world = new World({ state, hosts: knowing, after: world })
        for (const sender of state.endpoints.values()) {
          for (const group of [...groups4, ...groups6]) {
            counted.sent++
            if ([...state.endpoints.keys()].some((id) => hosts.listens(id, group))) counted.heard++
            check(state, world, hosts, sender, group)
          }
        }
      }
    }),
    { numRuns: 40 },
  )
  assert.ok(counted.heard > 1_000, `only ${counted.heard} of ${counted.sent} packets had listeners`)
})

/** Two hosts; everybody listens; members of a group with a policy must not get UDP. */
function guardedWorld(fwdMode: 'bridge' | 'routing', kind: 'vxlan' | 'vlan') {
  const encap = kind === 'vxlan' ? ({ kind, vni: 7 } as const) : ({ kind, vlan: 7 } as const)
  const plain = clusterState({
    global: { fwdMode },
    tenants: ['red'],
    networks: [{ key: 'red:net', encap, subnet: '10.1.0.0/24' }],
    groups: [{ key: 'red:shy', network: 'net', policies: ['p'] }],
    rules: [{ policy: 'red:p', id: '1', direction: 'in', action: 'deny', protocol: 'udp' }],
    endpoints: [
      { id: 'sender', network: 'red:net', node: 'node1', ipv4: '10.1.0.1' },
      { id: 'shy1', network: 'red:net', node: 'node1', ipv4: '10.1.0.2', group: 'shy' },
      { id: 'open1', network: 'red:net', node: 'node1', ipv4: '10.1.0.3' },
      { id: 'deaf1', network: 'red:net', node: 'node1', ipv4: '10.1.0.4' },
      { id: 'shy2', network: 'red:net', node: 'node2', ipv4: '10.1.0.5', group: 'shy' },
      { id: 'open2', network: 'red:net', node: 'node2', ipv4: '10.1.0.6' },
      { id: 'deaf2', network: 'red:net', node: 'node2', ipv4: '10.1.0.7' },
    ],
    nodes: [
      { node: 'node1', vtep: '192.0.2.1' },
      { node: 'node2', vtep: '192.0.2.2' },
    ],
  })
  const network = { ...plain.networks.get('red:net')!, multicast: 'snoop' as const }
  const state = { ...plain, networks: new Map([['red:net', network]]) }
  const told = (host: string) => new Map([['red:net', new Map([[host, { everything: false, groups: ['239.1.1.1'] }]])]])
  const here = (...ids: string[]) =>
    new Map([['red:net', { everything: new Set<string>(), groups: new Map([['239.1.1.1', new Set(ids)]]) }]])
  const known = {
    node1: { here: here('shy1', 'open1'), elsewhere: told('node2') },
    node2: { here: here('shy2', 'open2'), elsewhere: told('node1') },
  }
  const hosts = numberedHosts(state).map((host) => ({ ...host, members: known[host.node as keyof typeof known] }))
  return { state, world: new World({ state, hosts }) }
}

test('rules of a policy hold for multicast, too, on the way that fewer get it', () => {
  for (const [mode, kind] of [
    ['bridge', 'vxlan'],
    ['bridge', 'vlan'],
    ['routing', 'vxlan'],
  ] as const) {
    const { state, world } = guardedWorld(mode, kind)
    const { mac, ipv4: ip } = state.endpoints.get('sender')!
    const to = { mac: macOfGroup('239.1.1.1'), ip: '239.1.1.1' }
    const packet = udp({ mac, ip }, to, { source: 5_000, destination: 5_000 })
    const heard = () => world.send('sender', packet).deliveries.map(({ to }) => to)
    assert.deepEqual(heard().sort(), ['open1', 'open2'], `${mode} ${kind}`)
    const tcpLike = { ...packet, ip_proto: 200 }
    const others = world.send('sender', tcpLike).deliveries.map(({ to }) => to)
    assert.deepEqual(others.sort(), ['open1', 'open2', 'shy1', 'shy2'], `${mode} ${kind}`)
  }
})

test('what endpoints say about groups reaches the agent and routers on the wire, and no other endpoint', () => {
  for (const kind of ['vxlan', 'vlan'] as const) {
    const { state, world } = guardedWorld('bridge', kind)
    const { mac, ipv4 } = state.endpoints.get('open1')!
    const report = {
      eth_src: mac,
      eth_dst: macOfGroup('239.1.1.1'),
      eth_type: 0x0800,
      ipv4_src: ipv4,
      ipv4_dst: '239.1.1.1',
      ip_proto: 2,
      nw_ttl: 1,
    }
    const steps: string[] = []
    const heard = new World({
      state,
      hosts: numberedHosts(state),
      machines: [{ name: 'router', vlan: 7, mac: '02:aa:00:00:00:01', ipv4: '10.1.0.254/24' }],
      onStep: ({ node }) => steps.push(node),
    }).send('open1', report)
    const endpoints = heard.deliveries.filter(({ to }) => to !== 'router')
    // On a wire other hosts get it as routers do; by its address it is for members there.
    if (kind === 'vxlan') assert.deepEqual([steps, endpoints], [['node1'], []])
    else assert.ok(heard.deliveries.some(({ to }) => to === 'router'))
    assert.ok(
      heard.trace.some((line) => line.includes('userdata=6d63')),
      heard.trace.join('\n'),
    )
    assert.ok(world.host('node1').facts.ofPorts.has(portNames.uplink))
  }
})
