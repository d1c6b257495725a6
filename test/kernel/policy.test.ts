// Policy on Open vSwitch's kernel datapath: a few policies in short, each connection there could be tried with real
// packets, with IPv4 and IPv6, on one host and between two. `make kernel-test` runs this in an emulated machine, so the
// connections are opened from this process: a program started in a container takes seconds there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterState } from '../../src/model/state.ts'
import { patient } from '../../src/netlab/wait.ts'
import { findLayer } from '../../src/protocols/packet/index.ts'
import { Capture } from '../support/capture.ts'
import { clusterState, type GroupIntent, type RuleIntent } from '../support/cluster.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { LabNetmaster, namespaceOf } from '../support/policy-lab.ts'
import { Prober, type Seat, type Service } from '../support/prober.ts'
import { openTalk, sendVolley } from '../support/seat-talk.ts'
import { stepsOf } from '../support/steps.ts'
import { assertTable, type Row, truthTable, tryAll, withAddresses } from '../support/truth-table.ts'

interface Mode {
  readonly title: string
  readonly name: string
  readonly encap: 'vxlan' | 'vlan'
}

const modes: readonly Mode[] = [{ title: 'VXLAN, routing', name: 'kernelr', encap: 'vxlan' }]

/** Name, group, host. */
const members = [
  ['web1', 'web', 1],
  ['web2', 'web', 2],
  ['db1', 'db', 1],
  ['db2', 'db', 2],
] as const

const services: readonly Service[] = [
  { kind: 'tcp', port: 80 },
  { kind: 'tcp', port: 443 },
  { kind: 'udp', port: 80 },
  { kind: 'icmp', port: 0 },
]

const isWeb = (name: string) => name.startsWith('web')

/** What one set of rules of `web` is to close, said once by a rule and once in our own words. */
interface Case {
  readonly title: string
  readonly rules: readonly Omit<RuleIntent, 'policy' | 'id'>[]
  readonly closes: (row: Row) => boolean
}

const denyTcp = { direction: 'in', action: 'deny', protocol: 'tcp' } as const
const toWebByTcp = ({ to, service }: Row) => isWeb(to) && service.kind === 'tcp'

const cases: readonly Case[] = [
  { title: 'without rules everything opens', rules: [], closes: () => false },
  { title: 'TCP is denied', rules: [denyTcp], closes: toWebByTcp },
  {
    title: 'but for a port: an edit of rules takes effect',
    rules: [denyTcp, { direction: 'in', action: 'allow', protocol: 'tcp', port: 80, priority: 10 }],
    closes: (row) => toWebByTcp(row) && row.service.port !== 80,
  },
  {
    title: 'but for a group',
    rules: [denyTcp, { direction: 'in', action: 'allow', protocol: 'tcp', fromEndpointGroup: 'db', priority: 10 }],
    closes: (row) => toWebByTcp(row) && isWeb(row.from),
  },
  {
    title: 'but for an address; outgoing UDP and all ICMP are denied too, and replies pass',
    rules: [
      denyTcp,
      { direction: 'in', action: 'allow', protocol: 'tcp', fromIpAddress: '10.1.0.4', priority: 10 },
      { direction: 'out', action: 'deny', protocol: 'udp' },
      { direction: 'in', action: 'deny', protocol: 'icmp' },
    ],
    closes: (row) =>
      (toWebByTcp(row) && (row.from !== 'db2' || row.isV6)) ||
      (isWeb(row.from) && row.service.kind === 'udp') ||
      (isWeb(row.to) && row.service.kind === 'icmp'),
  },
]

function cluster({ encap }: Mode, rules: Case['rules'], group: Partial<GroupIntent> = {}): ClusterState {
  return clusterState({
    tenants: ['red'],
    networks: [
      {
        key: 'red:net',
        encap: encap === 'vlan' ? { kind: 'vlan', vlan: 1001 } : { kind: 'vxlan', vni: 1001 },
        subnet: '10.1.0.0/24',
        gateway: '10.1.0.254',
        ipv6Subnet: '2001:db8:1::/64',
        ipv6Gateway: '2001:db8:1::fe',
      },
    ],
    groups: [
      { key: 'red:web', network: 'net', policies: ['web'], ...group },
      { key: 'red:db', network: 'net' },
    ],
    rules: rules.map((rule, index) => ({ ...rule, policy: 'red:web', id: String(index + 1) })),
    endpoints: members.map(([id, name, host], index) => ({
      id,
      network: 'red:net',
      group: name,
      node: `node${host}`,
      ipv4: `10.1.0.${index + 1}`,
    })),
    nodes: [1, 2].map((host) => ({ node: `node${host}` })),
  })
}

/** What a container does is to be there: busybox alone is enough, and quickly loaded. */
const importBusybox = `d=$(mktemp -d) && mkdir $d/bin && cp "$(command -v busybox)" $d/bin/busybox &&
  ln -s busybox $d/bin/sleep && tar -C $d -c . | docker import - busybox && rm -r $d`

interface Cast {
  readonly lab: TestLab
  readonly netmaster: LabNetmaster
  readonly containers: ReadonlyMap<string, Container>
  readonly seats: ReadonlyMap<string, Seat>
  readonly prober: Prober
}

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: patient(60_000) }, (t) =>
    withLab({ name: mode.name, netMode: mode.encap, without: ['images'] }, async (lab) => {
      const step = stepsOf(t)
      await step("both hosts are on the kernel's datapath", async () => {
        for (const host of ['node1', 'node2']) {
          const shown = () => lab.execOk(host, 'ovs-appctl dpctl/show')
          assert.match(
            await lab.until(`a datapath on ${host}`, async () => (await shown()) || undefined),
            /^system@ovs-system:/,
          )
        }
      })
      const netmaster = await LabNetmaster.connect(lab)
      try {
        const containers = await populate(lab, netmaster, mode)
        const seats = new Map(
          [...containers].map(([name, one]) => [name, { ...one, namespace: namespaceOf(lab, one) }]),
        )
        const prober = new Prober([...seats.values()], services)
        try {
          await story({ lab, netmaster, containers, seats, prober }, mode, step)
        } finally {
          prober.close()
        }
      } finally {
        netmaster.close()
      }
    }),
  )
}

async function populate(lab: TestLab, netmaster: LabNetmaster, mode: Mode): Promise<Map<string, Container>> {
  await Promise.all(['node1', 'node2'].map((host) => lab.execOk(host, importBusybox)))
  await lab.execOk('node1', 'netctl tenant create red')
  const subnets = '--subnet 10.1.0.0/24 --gateway 10.1.0.254 --subnetv6 2001:db8:1::/64 --gatewayv6 2001:db8:1::fe'
  await lab.execOk('node1', `netctl net create -t red -e ${mode.encap} net ${subnets} --pkt-tag 1001`)
  await netmaster.enforce(cluster(mode, []))
  const specs = members.map(([name, group, host], index) => ({
    name,
    host: `node${host}`,
    network: `${group}.net/red`,
    options: ['--ip', `10.1.0.${index + 1}`],
    command: ['sleep', '100000'],
  }))
  return new Map((await startContainers(lab, specs)).map((container) => [container.name, container]))
}

async function story(cast: Cast, mode: Mode, step: ReturnType<typeof stepsOf>): Promise<void> {
  const { lab, netmaster, seats, prober } = cast
  const check = async ({ title, rules, closes }: Case) => {
    const state = withAddresses(cluster(mode, rules), seats)
    const wrong = truthTable(state, services).filter((row) => row.verdict.allowed === closes(row))
    assert.deepEqual(wrong, [], 'the rules and the words of this test disagree')
    assertTable(await tryAll(state, services, seats, prober), title)
  }
  for (const one of cases) {
    await step(one.title, async () => {
      await netmaster.enforce(cluster(mode, one.rules))
      await check(one)
    })
  }
  const last = cases.at(-1)!
  await step('policy holds while the agents are dead, and after they came back', async () => {
    for (const host of ['node1', 'node2']) await lab.kill(host, 'netplugin')
    await check(last)
    for (const host of ['node1', 'node2']) await lab.start(host, 'netplugin')
    await check(last)
  })
  await step("another's address is not believed", () => checkSpoofing(cast))
  await step('open connections go on when TCP is denied, and end when the rule says so', async () => {
    await netmaster.enforce(cluster(mode, []))
    const talks = await Promise.all([
      openTalk(lab, seats.get('db1')!, seats.get('web2')!, false),
      openTalk(lab, seats.get('db2')!, seats.get('web2')!, true),
    ])
    await netmaster.enforce(cluster(mode, [denyTcp]))
    for (const talk of talks) assert.equal(await talk.answers(), true)
    await netmaster.enforce(cluster(mode, [{ ...denyTcp, established: 'drop' }]))
    for (const talk of talks) assert.equal(await talk.answers(), false)
    for (const talk of talks) talk.end()
  })
  await step('a profile limits and marks', () => checkProfile(cast, mode))
}

/** With the address of its neighbour on the other host, which it was given by an administrator of its own. */
async function checkSpoofing({ lab, containers, seats, prober }: Cast): Promise<void> {
  const [liar, friend, victim] = ['db1', 'db2', 'web2'].map((name) => seats.get(name)!) as [Seat, Seat, Seat]
  const pid = String(containers.get('db1')!.pid)
  const address = (verb: string) => ['nsenter', '-t', pid, '-n', 'ip', 'addr', verb, `${friend.ipv4}/32`, 'dev', 'eth0']
  const probe = (from: Seat, expected: boolean) =>
    ({ from, to: victim, isV6: false, service: { kind: 'udp', port: 80 }, expected }) as const
  await lab.execOk('node1', address('add'))
  const [lie, truth] = [probe({ ...liar, ipv4: friend.ipv4 }, false), probe(liar, true)]
  const outcomes = await prober.probe([lie, truth])
  await lab.execOk('node1', address('del'))
  const heard = (probe: typeof lie) => [...outcomes.find((outcome) => outcome.probe === probe)!.heardBy]
  assert.deepEqual([heard(lie), heard(truth)], [[], ['web2']])
}

const volley = { datagrams: 400, datagramBytes: 1_200 }
const dscp = 46
/** Bytes a second, and at once: the least burst on this datapath. */
const [rate, burst] = [(256 * 1024) / 8, 64 * 1024]

async function checkProfile(cast: Cast, mode: Mode): Promise<void> {
  const { lab, netmaster, containers, seats } = cast
  const { datagrams, datagramBytes } = volley
  const [web1, web2, db2] = ['web1', 'web2', 'db2'].map((name) => seats.get(name)!) as [Seat, Seat, Seat]
  await netmaster.enforce(cluster(mode, []))
  const free = await sendVolley(web1, db2, volley)
  assert.ok(free.arrived > datagrams / 2, `only ${free.arrived} of ${datagrams} arrive without a profile`)
  const profile = { tenantName: 'red', profileName: 'slow', bandwidth: '256Kbps', DSCP: dscp, burst: 0 }
  await netmaster.client.netprofiles.put('red:slow', profile)
  await netmaster.enforce(cluster(mode, [], { netProfile: 'slow' }))
  const capture = await Capture.inContainer(lab, containers.get('db2')!, { device: 'eth0', filter: 'udp' })
  for (const [from, to] of [
    [web1, db2],
    [db2, web2],
  ] as const) {
    const { arrived, seconds } = await sendVolley(from, to, volley)
    const most = Math.min(datagrams, (1.3 * (burst + rate * seconds)) / datagramBytes)
    assert.ok(
      arrived > 0 && arrived < most,
      `${arrived} of ${datagrams} arrive in ${seconds} s, at most ${most} should`,
    )
  }
  await capture.seen('marked datagrams', (frame) => findLayer(frame, 'ipv4')?.dscp === dscp)
  await capture.stop()
}
