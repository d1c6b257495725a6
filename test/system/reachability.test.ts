// Who reaches whom, how large packets may be, and what the wire carries: two tenants with the same two subnets, two hosts,
// two containers each, in every mode. The same address is owned twice, on different hosts where that can be.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { findLayer, vxlanPort } from '../../src/protocols/packet/index.ts'
import { Capture, describeFrame, type Frame, hasLayer, insideTunnel } from '../support/capture.ts'
import { bigBytes, type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import { askAll, assertSameTable, echoesHeard, echoOnly, silence, type Table } from '../support/reachability.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
  /** Networks of one tenant reach each other. */
  readonly routed: boolean
  readonly encap: 'vxlan' | 'vlan'
  /** Inside the networks, bytes. */
  readonly mtu: number
}

const modes: readonly Mode[] = [
  {
    title: 'VXLAN, routing',
    lab: { name: 'dpreachvr', mtu: 1600 },
    routed: true,
    encap: 'vxlan',
    mtu: 1550,
  },
  {
    title: 'VXLAN, bridge',
    lab: { name: 'dpreachvb', mtu: 1500, fwdMode: 'bridge' },
    routed: false,
    encap: 'vxlan',
    mtu: 1450,
  },
  {
    title: 'VLAN, bridge',
    lab: { name: 'dpreachlb', mtu: 1500, netMode: 'vlan' },
    routed: false,
    encap: 'vlan',
    mtu: 1500,
  },
]

const tenants = ['red', 'blue'] as const
/** Ids on the wire: each network's own. */
const networks = [
  { name: 'front', prefix: '10.1.1', tags: { red: 1101, blue: 1201 } },
  { name: 'back', prefix: '10.1.2', tags: { red: 1102, blue: 1202 } },
] as const
/** Hosts of the addresses .1 to .4, per tenant. */
const hosts = { red: ['node1', 'node1', 'node2', 'node2'], blue: ['node2', 'node1', 'node1', 'node2'] } as const

interface Member {
  readonly tenant: (typeof tenants)[number]
  readonly network: (typeof networks)[number]
  readonly container: Container
}

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 180_000 }, (t) => withLab(mode.lab, (lab) => checkMode(t, lab, mode)))
}

async function checkMode(t: TestContext, lab: TestLab, mode: Mode): Promise<void> {
  const members = await populate(lab)
  const wire = await Capture.onHost(lab, 'underlay', { device: 'data' })
  for (const tenant of tenants) {
    await t.test(`every container of ${tenant} reaches whom it may, and nobody of the other tenant hears it`, () =>
      checkTenant(members, tenant, mode),
    )
  }
  await t.test('names are those of the own network', () => checkNames(lab, members))
  await t.test('an address that nobody has is answered by nobody', async () => {
    const { container } = members[0]!
    assert.equal(await container.succeeds('ping -c 1 -W 1 10.1.1.77'), false)
  })
  await t.test("packets on the wire carry their network's id, and only what they may", async () => {
    // The last packet of all: when it has been seen, all others have.
    const [from, to] = [find(members, 'red', 'front', 'node1')[0]!, find(members, 'red', 'front', 'node2')[1]!]
    await from.sh(`ping -c 1 -W 2 -s 555 ${to.ipv4}`)
    await wire.seen('the last echo reply on the wire', (frame) => isLastReply(insideTunnel(frame) ?? frame))
    await wire.stop()
    checkWire(wire.frames, mode)
  })
  await t.test(`the MTU is ${mode.mtu}, and TCP fills it between the hosts`, () => checkSizes(lab, members, mode))
}

async function populate(lab: TestLab): Promise<Member[]> {
  for (const tenant of tenants) {
    await lab.execOk('node1', `netctl tenant create ${tenant}`)
    for (const { name, prefix, tags } of networks) {
      const subnet = `--subnet ${prefix}.0/24 --gateway ${prefix}.254 --pkt-tag ${tags[tenant]}`
      await lab.execOk('node1', `netctl net create -t ${tenant} ${name} ${subnet}`)
    }
  }
  const specs = tenants.flatMap((tenant) =>
    networks.flatMap((network) =>
      hosts[tenant].map((host, index) => ({
        tenant,
        network,
        spec: {
          name: `${tenant}-${network.name}-${index + 1}`,
          host,
          network: `${network.name}/${tenant}`,
          options: ['--ip', `${network.prefix}.${index + 1}`],
          image: 'tools' as const,
        },
      })),
    ),
  )
  const containers = await startContainers(
    lab,
    specs.map(({ spec }) => spec),
  )
  return specs.map(({ tenant, network }, index) => ({ tenant, network, container: containers[index]! }))
}

async function checkTenant(members: readonly Member[], tenant: Member['tenant'], mode: Mode): Promise<void> {
  const own = members.filter((member) => member.tenant === tenant)
  const others = members.filter((member) => member.tenant !== tenant).map(({ container }) => container)
  const addresses = networks.flatMap(({ prefix }) => [1, 2, 3, 4, 254].map((last) => `${prefix}.${last}`))
  const before = await echoesHeard(others)
  const actual = await askAll(
    own.map(({ container }) => container),
    addresses,
  )
  assertSameTable(actual, expectedTable(own, addresses, mode))
  assert.deepEqual(await echoesHeard(others), before)
}

async function checkNames(lab: TestLab, members: readonly Member[]): Promise<void> {
  for (const tenant of tenants) {
    const asking = find(members, tenant, 'front', 'node1')[0]!
    const known = find(members, tenant, 'front', 'node2')[0]!
    const ask = (names: readonly string[]) =>
      asking.sh(names.map((name) => `echo ${name} is $(dig +short +time=10 +tries=1 ${name})`).join('\n'))
    const answer = `${known.name} is ${known.ipv4}\n`
    // Names come from the engine, after the container has started.
    await lab.until(`"${answer}"`, async () => (await ask([known.name])) === answer || undefined)
    const others = members.filter((other) => other.tenant !== tenant || other.network.name !== 'front')
    const names = others.map(({ container }) => container.name)
    assert.equal(await ask(names), names.map((name) => `${name} is\n`).join(''), `${asking.name} asked`)
  }
}

/** Written from what is promised, without looking at how it is done. */
function expectedTable(own: readonly Member[], addresses: readonly string[], mode: Mode): Table {
  const rows = own.map(({ container, network }) => {
    const cells = addresses.map((address) => {
      const isOnLink = address.startsWith(`${network.prefix}.`)
      const owner = own.find((member) => member.container.ipv4 === address)
      // The gateway answers its own network. On a VLAN it is a router on the wire, and there is none here.
      const onGateway = mode.encap === 'vxlan' && isOnLink ? echoOnly : silence
      const reached = isOnLink || mode.routed ? owner?.container.name : silence
      return [address, owner === undefined ? onGateway : (reached ?? silence)] as const
    })
    return [container.name, new Map(cells)] as const
  })
  return new Map(rows)
}

function isLastReply(packet: Pick<Frame, 'layers'>): boolean {
  const echo = packet.layers.find((layer) => layer.kind === 'icmp-echo')
  const payload = packet.layers.at(-1)
  return echo?.request === false && payload?.kind === 'payload' && payload.bytes.length === 555
}

function checkWire(frames: readonly Frame[], mode: Mode): void {
  const ids = new Set<number>()
  for (const frame of frames) {
    const inner = mode.encap === 'vxlan' ? insideTunnel(frame) : undefined
    const id = mode.encap === 'vxlan' ? findLayer(frame, 'vxlan')?.vni : findLayer(frame, 'vlan')?.vlan
    if (id === undefined) {
      assert.ok(isOfUnderlay(frame), `neither tunnel nor tag: ${describeFrame(frame)}`)
      continue
    }
    ids.add(id)
    const network = networks.find(({ tags }) => Object.values<number>(tags).includes(id))
    assert.ok(network, `an id of no network: ${describeFrame(frame)}`)
    const packet = inner ?? frame
    const ip = findLayer(packet, 'ipv4')
    if (ip !== undefined) assert.ok(ip.destination.startsWith(network.prefix), `another's id: ${describeFrame(frame)}`)
    if (inner !== undefined) {
      const outer = findLayer(frame, 'ipv4')
      assert.match(`${outer?.source} ${outer?.destination}`, /^10\.78\.0\.[12] 10\.78\.0\.[12]$/)
      assert.equal(findLayer(frame, 'udp')?.destinationPort, vxlanPort)
      // Neighbours are answered on their own host.
      const asks = hasLayer(inner, 'arp', 'neighbor-solicitation', 'neighbor-advertisement')
      if (mode.routed) assert.ok(!asks, `asked on the wire: ${describeFrame(frame)}`)
    }
  }
  const all = networks.flatMap(({ tags }) => Object.values(tags))
  assert.deepEqual(
    [...ids].sort((a, b) => a - b),
    all.sort((a, b) => a - b),
  )
}

/** The hosts' own neighbour questions, and what a kernel says on its interfaces. */
function isOfUnderlay(frame: Frame): boolean {
  const arp = findLayer(frame, 'arp')
  if (arp !== undefined) return arp.senderIp.startsWith('10.78.0.') && arp.targetIp.startsWith('10.78.0.')
  const source = findLayer(frame, 'ethernet')?.source ?? ''
  return !source.startsWith('02:02:') && !source.startsWith('00:00:11:')
}

async function checkSizes(lab: TestLab, members: readonly Member[], mode: Mode): Promise<void> {
  const from = find(members, 'red', 'front', 'node1')[0]!
  const to = find(members, 'red', 'front', 'node2')[0]!
  // IPv4 and ICMP headers take 28 bytes.
  await from.sh(`ping -c 3 -i 0.2 -W 2 -M do -s ${mode.mtu - 28} ${to.ipv4}`)
  assert.equal(await from.succeeds(`ping -c 1 -W 1 -M do -s ${mode.mtu - 27} ${to.ipv4}`), false)
  const wire = await Capture.onHost(lab, 'underlay', { device: 'data' })
  const sum = await from.sh(`curl -s --max-time 20 http://${to.ipv4}/big | md5sum`)
  assert.equal(sum, await to.sh(`yes ${to.name} | head -c ${bigBytes} | md5sum`))
  const around = mode.encap === 'vxlan' ? 14 + 50 : 14 + 4
  await wire.seen('a full segment on the wire', (frame) => frame.length === mode.mtu + around)
  await wire.stop()
  const longest = Math.max(...wire.frames.map(({ length }) => length))
  assert.equal(longest, mode.mtu + around)
}

function find(members: readonly Member[], tenant: string, network: string, host: string): Container[] {
  return members
    .filter((member) => member.tenant === tenant && member.network.name === network && member.container.host === host)
    .map(({ container }) => container)
}
