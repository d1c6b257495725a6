import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Action, Flow, Group, Match } from '../../protocols/openflow/index.ts'
import { echoRequest, type SimPacket, tcp, udp, withVlan } from './simulate/packet.ts'
import { SimSwitch, simulate, type Verdict } from './simulate.ts'

const web = { mac: '02:00:00:00:00:01', ip: '10.0.0.1' }
const db = { mac: '02:00:00:00:00:02', ip: '10.0.0.2' }
const ping = echoRequest(web, db)
const ports = { source: 30000, destination: 80 }

interface FlowOptions {
  readonly table?: number
  readonly priority?: number
  readonly match?: Match
  readonly goto?: number
}

function flow(actions: readonly Action[], { table = 0, priority = 10, match = {}, goto }: FlowOptions = {}): Flow {
  return { table, priority, cookie: 0n, match, actions, ...(goto === undefined ? {} : { goto }) }
}

function out(port: number): Action {
  return { type: 'output', port }
}

function run(flows: readonly Flow[], packet: SimPacket = ping, groups: readonly Group[] = []): Verdict {
  return simulate(new SimSwitch({ flows, groups }), { inPort: 1, packet })
}

function sentTo(verdict: Verdict): (number | string)[] {
  return verdict.outputs.map(({ port }) => port)
}

describe('matching', () => {
  test('the flow of highest priority wins, whatever the order they came in', () => {
    const flows = [flow([out(2)], { priority: 5 }), flow([out(3)], { priority: 7 }), flow([out(4)], { priority: 6 })]
    assert.deepEqual(sentTo(run(flows)), [3])
  })

  test('a masked match looks at the bits of the mask only', () => {
    const match = { eth_type: 0x0800, ipv4_dst: { value: '10.0.0.0', mask: '255.255.255.252' } }
    assert.deepEqual(sentTo(run([flow([out(2)], { match })])), [2])
    const elsewhere = { ...ping, ipv4_dst: '10.0.0.4' }
    assert.equal(run([flow([out(2)], { match })], elsewhere).dropped, 'Classify')
  })

  test('a packet that no flow matches is dropped, and the trace says where', () => {
    const verdict = run([flow([], { goto: 4 })])
    assert.equal(verdict.dropped, 'SpoofGuard')
    assert.deepEqual(verdict.trace, ['Classify 10: any -> goto SpoofGuard', 'SpoofGuard: no flow: dropped'])
  })
})

describe('changing a packet', () => {
  test('a register written in one table is matched in the next', () => {
    const set: Action = { type: 'set_field', field: 'reg1', value: 0x50000, mask: 0xffff0000 }
    const match = { reg1: { value: 0x50000, mask: 0xffff0000 } }
    const verdict = run([flow([set], { goto: 4 }), flow([out(2)], { table: 4, match })])
    assert.deepEqual(verdict.outputs, [{ port: 2, packet: ping }], 'and does not leave with the packet')
  })

  test('a move copies bits between parts of fields', () => {
    const actions: Action[] = [
      { type: 'set_field', field: 'ipv4_src', value: '172.19.0.0', mask: '255.255.0.0' },
      {
        type: 'move',
        from: { field: 'in_port', offset: 0, bits: 16 },
        to: { field: 'ipv4_src', offset: 0, bits: 16 },
      },
      out(2),
    ]
    assert.equal(run([flow(actions)]).outputs[0]?.packet.ipv4_src, '172.19.0.1')
  })

  test('each output carries the packet as it was then', () => {
    const tag: Action = { type: 'set_field', field: 'vlan_vid', value: 0x1005 }
    const verdict = run([flow([out(2), { type: 'push_vlan' }, tag, out(3), { type: 'pop_vlan' }, out(4)])])
    assert.deepEqual(
      verdict.outputs.map(({ packet }) => packet.vlan_vid),
      [undefined, 0x1005, undefined],
    )
  })

  test('a TTL that runs out ends the packet', () => {
    const flows = [flow([{ type: 'dec_ttl' }, out(2)])]
    assert.equal(run(flows).outputs[0]?.packet.nw_ttl, 63)
    assert.equal(run(flows, { ...ping, nw_ttl: 1 }).dropped, 'Classify')
  })

  test('what a second tag would do is not guessed', () => {
    assert.throws(() => run([flow([{ type: 'push_vlan' }])], withVlan(ping, 5)), { code: 'SIMULATE_UNSUPPORTED' })
  })
})

describe('leaving', () => {
  test('a packet goes back to its port only by in_port', () => {
    assert.deepEqual(sentTo(run([flow([out(1), out(2)])])), [2])
    assert.deepEqual(sentTo(run([flow([{ type: 'output', port: 'in_port' }])])), [1])
  })

  test('a field names the port', () => {
    const set: Action = { type: 'set_field', field: 'reg3', value: 7 }
    const output: Action = { type: 'output_field', from: { field: 'reg3', offset: 0, bits: 16 } }
    assert.deepEqual(sentTo(run([flow([set, output])])), [7])
  })

  test('buckets of an all group each get the packet as it came', () => {
    const bucket = (mac: string, port: number) => ({
      actions: [{ type: 'set_field', field: 'eth_dst', value: mac } as const, out(port)],
    })
    const group: Group = {
      id: 5,
      type: 'all',
      buckets: [bucket('02:00:00:00:00:0a', 2), { actions: [out(3)] }],
    }
    const verdict = run([flow([{ type: 'group', group: 5 }, out(4)])], ping, [group])
    assert.deepEqual(
      verdict.outputs.map(({ port, packet }) => [port, packet.eth_dst]),
      [
        [2, '02:00:00:00:00:0a'],
        [3, db.mac],
        [4, db.mac],
      ],
    )
  })

  test('a select group uses one bucket', () => {
    const group: Group = { id: 5, type: 'select', buckets: [{ actions: [out(2)] }, { actions: [out(3)] }] }
    assert.equal(run([flow([{ type: 'group', group: 5 }])], ping, [group]).outputs.length, 1)
  })

  test('a resubmit comes back, with what the other table did', () => {
    const set: Action = { type: 'set_field', field: 'eth_dst', value: '02:00:00:00:00:0b' }
    const flows = [
      flow([{ type: 'resubmit', table: 4 }, out(2)]),
      flow([set, out(3)], { table: 4, match: { in_port: 1 } }),
    ]
    const verdict = run(flows)
    assert.deepEqual(sentTo(verdict), [3, 2])
    assert.equal(verdict.outputs[1]?.packet.eth_dst, '02:00:00:00:00:0b')
  })

  test('a loop of resubmits ends', () => {
    assert.throws(() => run([flow([{ type: 'resubmit', table: 0 }])]), { code: 'SIMULATE_UNSUPPORTED' })
  })
})

describe('conjunctions', () => {
  const part = (id: number, clause: number): Action => ({ type: 'conjunction', id, clause, of: 2 })
  const source = (ip: string) => ({ eth_type: 0x0800, ipv4_src: ip })
  const port = (number: number) => ({ eth_type: 0x0800, ip_proto: 6, tcp_dst: number })
  const flows = [
    flow([part(7, 0)], { priority: 20, match: source('10.0.0.1') }),
    flow([part(7, 1)], { priority: 20, match: port(80) }),
    flow([out(2)], { priority: 20, match: { conj_id: 7 } }),
    flow([out(3)], { priority: 0 }),
  ]
  const to = (destination: number) => tcp(web, db, { source: 30000, destination })

  test('decide when every clause matched', () => assert.deepEqual(sentTo(run(flows, to(80))), [2]))
  test('leave the packet to lower priorities when one did not', () => {
    assert.deepEqual(sentTo(run(flows, to(81))), [3])
    assert.deepEqual(sentTo(run(flows, { ...to(80), ipv4_src: '10.0.0.3' })), [3])
  })
  test('lose to a plain flow of the same or a higher priority', () => {
    const plain = flow([out(4)], { priority: 20, match: { in_port: 1 } })
    assert.deepEqual(sentTo(run([...flows, plain], to(80))), [4])
  })
  test('one flow may be part of several', () => {
    const shared = [
      flow([part(7, 0), part(8, 0)], { priority: 20, match: source('10.0.0.1') }),
      flow([part(8, 1)], { priority: 20, match: port(443) }),
      flow([out(5)], { priority: 20, match: { conj_id: 8 } }),
      ...flows.slice(1),
    ]
    assert.deepEqual(sentTo(run(shared, to(443))), [5])
    assert.deepEqual(sentTo(run(shared, to(80))), [2])
  })
})

describe('connection tracking', () => {
  const track = (more: Partial<Extract<Action, { type: 'ct' }>> = {}): Action => ({
    type: 'ct',
    zone: 5,
    table: 4,
    ...more,
  })
  const states = (bits: number) => ({ ct_state: { value: bits, mask: 0xff } })
  const stateFlows = [
    flow([out(2)], { table: 4, match: states(0x21) }),
    flow([out(3)], { table: 4, match: states(0x22) }),
    flow([out(4)], { table: 4, match: states(0x2a) }),
  ]
  const request = udp(web, db, ports)
  const reply = udp(db, web, { source: ports.destination, destination: ports.source })

  test('a connection is new until it was answered, then established in both directions', () => {
    const sim = new SimSwitch({ flows: [flow([track({ commit: true })]), ...stateFlows] })
    const send = (packet: SimPacket) => sentTo(simulate(sim, { inPort: 1, packet }))
    assert.deepEqual([send(request), send(request), send(reply), send(request)], [[2], [2], [4], [3]])
  })

  test('what is not committed stays new', () => {
    const sim = new SimSwitch({ flows: [flow([track()]), ...stateFlows] })
    const send = (packet: SimPacket) => sentTo(simulate(sim, { inPort: 1, packet }))
    assert.deepEqual([send(request), send(reply), send(request)], [[2], [2], [2]])
  })

  test('zones do not see each other', () => {
    const zone = { field: 'reg1', offset: 16, bits: 16 } as const
    const tenant = (id: number, inPort: number): Flow =>
      flow([{ type: 'set_field', field: 'reg1', value: id * 65536 }, track({ commit: true, zone })], {
        match: { in_port: inPort },
      })
    const sim = new SimSwitch({ flows: [tenant(1, 8), tenant(2, 9), ...stateFlows] })
    simulate(sim, { inPort: 8, packet: request })
    assert.deepEqual(sentTo(simulate(sim, { inPort: 9, packet: reply })), [2])
    assert.deepEqual(sentTo(simulate(sim, { inPort: 8, packet: reply })), [4])
  })

  test('without a table the packet goes on as it was', () => {
    const verdict = run([flow([{ type: 'ct', commit: true, zone: 5 }, out(2)])], request)
    assert.deepEqual(verdict.outputs, [{ port: 2, packet: request }])
  })

  test('ARP is not a connection', () => {
    const arp = { eth_type: 0x0806, eth_src: web.mac, eth_dst: db.mac, arp_op: 1 }
    const invalid = flow([out(9)], { table: 4, match: { ct_state: { value: 0x10, mask: 0x10 } } })
    assert.deepEqual(sentTo(run([flow([track()]), invalid], arp)), [9])
  })

  test('marks and labels are remembered and come back with later packets', () => {
    const exec: Action[] = [{ type: 'set_field', field: 'ct_mark', value: 3 }]
    const sim = new SimSwitch({
      flows: [
        flow([track({ commit: true, exec })], { match: { in_port: 1 } }),
        flow([track()], { match: { in_port: 2 } }),
        flow([out(7)], { table: 4, match: { ct_mark: 3 } }),
      ],
    })
    assert.deepEqual(sentTo(simulate(sim, { inPort: 1, packet: request })), [7])
    assert.deepEqual(sentTo(simulate(sim, { inPort: 2, packet: reply })), [7])
  })

  const all = flow([out(2)], { table: 4 })
  test('a translated destination is put back in the answer', () => {
    const nat = { kind: 'dst', min: '10.9.9.9', portMin: 5353 } as const
    const sim = new SimSwitch({
      flows: [
        flow([track({ commit: true, nat })], { match: { in_port: 1 } }),
        flow([track({ nat: 'restore' })], { match: { in_port: 3 } }),
        all,
      ],
    })
    const there = simulate(sim, { inPort: 1, packet: request }).outputs[0]?.packet
    assert.deepEqual([there?.ipv4_dst, there?.udp_dst], ['10.9.9.9', 5353])
    const answer = udp({ mac: db.mac, ip: '10.9.9.9' }, web, { source: 5353, destination: ports.source })
    const back = simulate(sim, { inPort: 3, packet: answer }).outputs[0]?.packet
    assert.deepEqual([back?.ipv4_src, back?.udp_src], [db.ip, ports.destination])
  })

  test('a translated source gets another port when its own is taken', () => {
    const nat = { kind: 'src', min: '192.0.2.1' } as const
    const sim = new SimSwitch({ flows: [flow([track({ commit: true, nat })]), all] })
    const first = simulate(sim, { inPort: 1, packet: request }).outputs[0]?.packet
    const other = { ...web, ip: '10.0.0.3' }
    const second = simulate(sim, { inPort: 1, packet: udp(other, db, ports) }).outputs[0]?.packet
    assert.deepEqual([first?.ipv4_src, first?.udp_src], ['192.0.2.1', 30000])
    assert.deepEqual([second?.ipv4_src, second?.udp_src], ['192.0.2.1', 30001])
  })

  test('two destinations translated to one are told apart by the port of the source', () => {
    const nat = { kind: 'dst', min: '10.9.9.9' } as const
    const sim = new SimSwitch({
      flows: [
        flow([track({ commit: true, nat })], { match: { in_port: 1 } }),
        flow([track({ nat: 'restore' })], { match: { in_port: 3 } }),
        all,
      ],
    })
    const other = { ...db, ip: '10.0.0.4' }
    const [first, second] = [db, other].map((to) =>
      simulate(sim, { inPort: 1, packet: udp(web, to, ports) }).outputs.map(({ packet }) => packet.udp_src),
    )
    assert.deepEqual([first, second], [[30000], [30001]])
    const answer = udp({ ...db, ip: '10.9.9.9' }, web, { source: 80, destination: 30001 })
    const back = simulate(sim, { inPort: 3, packet: answer }).outputs[0]?.packet
    assert.deepEqual([back?.ipv4_src, back?.udp_dst], [other.ip, 30000])
  })

  test('forced, the side that answered may begin anew', () => {
    const force = track({ commit: true, force: true })
    const sim = new SimSwitch({
      flows: [flow([track({ commit: true })], { match: { in_port: 1 } }), flow([force]), ...stateFlows],
    })
    simulate(sim, { inPort: 1, packet: request })
    assert.deepEqual(sentTo(simulate(sim, { inPort: 5, packet: reply })), [2], 'new, where it would be a reply')
  })
})
