// Rules change, and agents die, while connections are opened all the time: what must always pass does each time, and what
// must never pass never does. One rule takes the place of another without a moment of neither or both.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleInput } from '../../src/model/rule.ts'
import { startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import { Load } from '../support/load.ts'
import { LabNetmaster, namespaceOf } from '../support/policy-lab.ts'
import { type Probe, Prober, type Seat, type Service } from '../support/prober.ts'
import { type Step, stepsOf } from '../support/steps.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'editr' } },
  { title: 'VLAN, bridge', lab: { name: 'editb', netMode: 'vlan' } },
]

const edits = 200
const hosts = ['node1', 'node2'] as const
const tcp = (port: number): Service => ({ kind: 'tcp', port })
const udp = (port: number): Service => ({ kind: 'udp', port })
const echo: Service = { kind: 'icmp', port: 0 }
const [always, never] = [
  [tcp(7000), udp(7000), echo],
  [tcp(7001), udp(7001)],
] as const
/** One of them is open at a time. */
const doors = [7100, 7200] as const
const services = [...always, ...never, ...doors.flatMap((port) => [tcp(port), udp(port)])]

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 200_000 }, (t) =>
    withLab(mode.lab, async (lab) => {
      const netmaster = await LabNetmaster.connect(lab)
      try {
        const seats = await populate(lab, netmaster)
        const prober = new Prober([seats.server, ...seats.friends, ...seats.foes], services)
        try {
          const cast = { lab, netmaster, prober, ...seats }
          const step = stepsOf(t)
          await edited(step, cast, (line) => t.diagnostic(line))
          await withoutAgents(step, cast)
          await killedInBetween(step, cast)
          await control(step, cast)
        } finally {
          prober.close()
        }
      } finally {
        netmaster.close()
      }
    }),
  )
}

interface Seats {
  readonly server: Seat
  /** One on each host, as the foes. */
  readonly friends: readonly Seat[]
  readonly foes: readonly Seat[]
}

interface Cast extends Seats {
  readonly lab: TestLab
  readonly netmaster: LabNetmaster
  readonly prober: Prober
}

async function populate(lab: TestLab, netmaster: LabNetmaster): Promise<Seats> {
  await lab.execOk('node1', 'netctl net create town --subnet 10.6.0.0/16 --gateway 10.6.255.254 --pkt-tag 601')
  for (const policy of ['gate', 'friend']) await lab.execOk('node1', `netctl policy create ${policy}`)
  for (const group of ['gate -p gate', 'friend -p friend', 'foe']) {
    await lab.execOk('node1', `netctl group create town ${group}`)
  }
  const spec = (group: string, host: string) =>
    ({ name: `${group}-${host}`, host, network: `${group}.town`, command: ['sleep', '1000'] }) as const
  const containers = await startContainers(lab, [
    spec('gate', 'node1'),
    ...['friend', 'foe'].flatMap((group) => hosts.map((host) => spec(group, host))),
  ])
  const [server, friend1, friend2, foe1, foe2] = containers.map((container): Seat => {
    const { name, ipv4 } = container
    return { name, namespace: namespaceOf(lab, container), ipv4, ipv6: '' }
  })
  assert.ok(server && friend1 && friend2 && foe1 && foe2)
  const seats = { server, friends: [friend1, friend2], foes: [foe1, foe2] }
  for (const rule of Object.values(wordings(seats))) await put(netmaster, rule[0]!)
  await put(netmaster, door(0))
  await netmaster.untilEnforced()
  return seats
}

function ruleOf(
  policyName: string,
  ruleId: string,
  rest: Omit<RuleInput, 'tenantName' | 'policyName' | 'ruleId'>,
): RuleInput {
  return { tenantName: 'default', policyName, ruleId, ...rest }
}

async function put(netmaster: LabNetmaster, rule: RuleInput): Promise<void> {
  await netmaster.client.rules.put(keyOf(rule), rule)
}

function keyOf({ policyName, ruleId }: Pick<RuleInput, 'policyName' | 'ruleId'>): string {
  return `default:${policyName}:${ruleId}`
}

/** The rules that the load is about, each in several wordings that mean the same to it. */
function wordings({ friends, foes }: Seats): Readonly<Record<string, readonly RuleInput[]>> {
  const [friendly, hostile] = [friends, foes].map((seats) => seats.map(({ ipv4 }) => ipv4).join())
  const enter = (id: string, protocol: string, priority: number, more: Partial<RuleInput>) =>
    ruleOf('gate', id, { direction: 'in', action: 'allow', protocol, priority, ...more })
  const allowed = (id: string, protocol: string, ports: readonly Partial<RuleInput>[]) => [
    enter(id, protocol, 10, { fromEndpointGroup: 'friend', ...ports[0] }),
    enter(id, protocol, 10, { fromIpAddress: friendly, ...ports[1] }),
    enter(id, protocol, 12, { fromEndpointGroup: 'friend', fromIpAddress: '10.6.0.0/16', ...ports[1] }),
    enter(id, protocol, 50, { fromEndpointGroup: 'friend', ...ports[0] }),
  ]
  const refused = (id: string, priority: number, more: Partial<RuleInput>) =>
    ruleOf('gate', id, { direction: 'in', action: 'deny', priority, ...more })
  const ports = [{ port: 7000 }, { ports: '6990-7000,7002' }]
  return {
    nobody: [refused('nobody', 1, {}), refused('nobody', 2, {}), refused('nobody', 3, { fromIpAddress: '10.0.0.0/8' })],
    tcp: allowed('tcp', 'tcp', ports),
    udp: allowed('udp', 'udp', ports),
    icmp: allowed('icmp', 'icmp', [{}, {}]),
    foe: [
      refused('foe', 20, { fromEndpointGroup: 'foe' }),
      refused('foe', 20, { fromIpAddress: hostile }),
      refused('foe', 60, { fromEndpointGroup: 'foe' }),
    ],
  }
}

function door(which: number): RuleInput {
  const port = doors[which % doors.length]
  return ruleOf('gate', 'door', { direction: 'in', action: 'allow', priority: 10, fromEndpointGroup: 'friend', port })
}

/** Each several times: new connections all of them. */
function steady({ server, friends, foes }: Seats): readonly Probe[] {
  const to = (from: readonly Seat[], wanted: readonly Service[], expected: boolean) =>
    from.flatMap((seat) => wanted.map((service) => ({ from: seat, to: server, isV6: false, service, expected })))
  const once = [...to(friends, always, true), ...to(friends, never, false), ...to(foes, [...always, ...never], false)]
  return [...once, ...once, ...once]
}

/** Another rule comes, changes and goes again, of either side; those in question are put in other words. */
function edit(seats: Seats, number: number): { readonly rule: RuleInput; readonly isRemoval: boolean } {
  const round = Math.floor(number / 8)
  const policy = round % 2 === 0 ? 'gate' : 'friend'
  const sides = policy === 'gate' ? (['in', 'fromEndpointGroup'] as const) : (['out', 'toEndpointGroup'] as const)
  const other = (group: string, action: 'allow' | 'deny', port: number) =>
    ruleOf(policy, 'other', { direction: sides[0], action, protocol: 'tcp', port, priority: 30, [sides[1]]: group })
  const own = Object.values(wordings(seats))
  switch (number % 8) {
    case 0:
      return { rule: other('friend', 'allow', 8000 + round), isRemoval: false }
    case 1:
      return { rule: other(policy === 'gate' ? 'foe' : 'gate', 'deny', 9000 + round), isRemoval: false }
    case 2:
      return { rule: other('friend', 'allow', 0), isRemoval: true }
    default: {
      const forms = own[(number % 8) - 3] ?? []
      return { rule: forms[(round + 1) % forms.length]!, isRemoval: false }
    }
  }
}

async function edited(step: Step, cast: Cast, tell: (line: string) => void): Promise<void> {
  const { lab, netmaster, prober } = cast
  await step(`${edits} edits of rules pass nothing wrongly and drop nothing wrongly`, async () => {
    const load = new Load(lab, prober, steady(cast))
    await load.more(1)
    for (let number = 0; number < edits; number++) {
      const { rule, isRemoval } = edit(cast, number)
      if (isRemoval) await netmaster.client.rules.remove(keyOf(rule))
      else await put(netmaster, rule)
      await netmaster.untilEnforced()
    }
    await load.more(1)
    const { passed, denied } = await load.stop()
    tell(`${edits} edits, meanwhile ${passed} connections passed and ${denied} denied`)
    assert.ok(passed > edits && denied > edits, `too little load: ${passed} passed, ${denied} denied`)
  })
}

async function withoutAgents(step: Step, cast: Cast): Promise<void> {
  const { lab, prober } = cast
  await step('the policy holds while agents are killed, while they are away, and while they come back', async () => {
    const load = new Load(lab, prober, steady(cast))
    await load.more(1)
    for (const host of hosts) await lab.kill(host, 'netplugin')
    await load.more(20)
    for (const host of hosts) await lab.start(host, 'netplugin')
    await load.more(20)
    await load.stop()
  })
}

/** Which doors are open to friends, of both hosts and by both protocols alike. */
async function openDoors({ prober, server, friends }: Cast): Promise<readonly number[]> {
  const probes = friends.flatMap((from) =>
    doors.flatMap((port) =>
      [tcp(port), udp(port)].map((service) => ({ from, to: server, isV6: false, service, expected: true })),
    ),
  )
  const outcomes = await prober.probe(probes)
  return doors.filter((port) => {
    const answers = outcomes.filter(({ probe }) => probe.service.port === port).map(({ answered }) => answered)
    assert.equal(new Set(answers).size, 1, `door ${port} is neither open nor closed: ${answers}`)
    return answers[0]
  })
}

async function killedInBetween(step: Step, cast: Cast): Promise<void> {
  const { lab, netmaster, prober } = cast
  await step(
    'an agent killed in the middle of a burst of edits leaves one of the policies, and comes back to the last',
    async () => {
      for (let attempt = 0; attempt < 2; attempt++) {
        let load = new Load(lab, prober, steady(cast))
        await load.more(1)
        const burst = async (first: number, last: number) => {
          for (let number = first; number <= last; number++) await put(netmaster, door(number + attempt))
        }
        await burst(0, 20)
        await Promise.all([lab.kill('node1', 'netplugin'), burst(21, 60)])
        await load.more(5)
        await load.stop()
        assert.equal((await openDoors(cast)).length, 1)
        load = new Load(lab, prober, steady(cast))
        await lab.start('node1', 'netplugin')
        await netmaster.untilEnforced()
        await load.more(5)
        await load.stop()
        assert.deepEqual(await openDoors(cast), [doors[attempt % 2]])
      }
    },
  )
}

/** Else the load might be denied for want of a way. */
async function control(step: Step, cast: Cast): Promise<void> {
  const { netmaster, prober } = cast
  await step('what never passed does when the rules are gone', async () => {
    for (const id of ['nobody', 'foe']) await netmaster.client.rules.remove(keyOf({ policyName: 'gate', ruleId: id }))
    await netmaster.untilEnforced()
    const outcomes = await prober.probe(steady(cast).map((probe) => ({ ...probe, expected: true })))
    assert.ok(outcomes.every(({ answered }) => answered))
  })
}
