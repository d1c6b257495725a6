// A hostile container, root with every network capability it can ask Docker for, speaks for others: nobody hears it,
// neither beside it, nor on another host, nor on the wire. Bridged networks flood neighbour questions here, which gives
// lies the widest hearing.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Capture } from '../support/capture.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { sendFromContainer } from '../support/frames.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import {
  type Cast,
  honestFrames,
  honestNeighbours,
  type MarkedFrame,
  spoofedFrames,
} from '../support/spoofed-frames.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
  readonly routed: boolean
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'dpspoofr' }, routed: true },
  { title: 'VXLAN, bridge', lab: { name: 'dpspoofb', fwdMode: 'bridge' }, routed: false },
  { title: 'VLAN, bridge', lab: { name: 'dpspoofv', netMode: 'vlan' }, routed: false },
]

const gateway = '10.9.1.254'
const routerMac = '00:00:11:11:11:11'

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 120_000 }, (t) => withLab(mode.lab, (lab) => checkMode(t, lab, mode)))
}

async function checkMode(t: TestContext, lab: TestLab, mode: Mode): Promise<void> {
  if (!mode.routed) await lab.execOk('node1', 'netctl global set --arp-mode flood')
  const subnets = `--subnet 10.9.1.0/24 --gateway ${gateway} --subnetv6 fd09::/64 --gatewayv6 fd09::fe`
  await lab.execOk('node1', `netctl net create town --pkt-tag 101 ${subnets}`)
  // A tag that exists, should one be believed.
  await lab.execOk('node1', 'netctl net create village --pkt-tag 102 --subnet 10.9.2.0/24')
  const on = (name: string, host: string, options: readonly string[] = []) =>
    ({ name, host, network: 'town', image: 'tools', options }) as const
  const [mallory, near, far, friend] = await startContainers(lab, [
    on('mallory', 'node1', ['--cap-add', 'NET_ADMIN', '--cap-add', 'NET_RAW']),
    on('near', 'node1'),
    on('far', 'node2'),
    on('friend', 'node2'),
  ])
  assert.ok(mallory && near && far && friend)
  // Other hosts hear of a container a moment after its own.
  for (const { name, ipv4, ipv6 } of [near, far]) {
    const line = `ping -c 1 -W 1 ${ipv4} && ping -c 1 -W 1 ${ipv6}`
    await lab.until(`${name} to be reached`, async () => (await mallory.succeeds(line)) || undefined, 20_000)
  }
  const casts = [near, far].map((victim) => ({
    attacker: mallory,
    victim,
    friend,
    gateway,
    nextHop: mode.routed ? routerMac : victim.mac,
  }))
  await t.test('frames in the name of others reach nobody', () => checkFrames(lab, casts, mode))
  await t.test("a kernel that was given another's address is not heard", () => checkKernel(mallory, near, friend))
  await t.test('the victims still find their friend', async () => {
    for (const victim of [near, far]) await victim.sh(`ping -c 1 -w 5 ${friend.ipv4} && ping -c 1 -w 5 ${friend.ipv6}`)
  })
  await t.test("the host's own address behind the switch answers names only", async () => {
    await mallory.sh(`dig +time=5 +tries=1 +short far | grep -x ${far.ipv4}`)
    assert.equal(await mallory.succeeds('ip route add 172.19.0.0/16 dev eth0 && ping -c 1 -W 1 172.19.255.254'), false)
    assert.equal(await mallory.succeeds('ping -c 1 -W 1 172.19.0.1'), false)
  })
}

async function checkFrames(lab: TestLab, casts: readonly Cast[], mode: Mode): Promise<void> {
  const attacker = casts[0]!.attacker
  const spoofed = casts.flatMap((cast) => spoofedFrames(cast))
  const wire = await Capture.onHost(lab, 'underlay', { device: 'data' })
  const ears = await Promise.all(casts.map(({ victim }) => Capture.inContainer(lab, victim, { device: 'eth0' })))
  try {
    const first = casts.map((cast) => [...honestFrames(cast, 1), ...(mode.routed ? [] : honestNeighbours(cast))])
    const last = casts.map((cast) => honestFrames(cast, 2))
    const all = [...first.flat(), ...spoofed, ...last.flat()]
    await sendFromContainer(
      attacker,
      all.map(({ bytes }) => bytes),
    )
    for (const [index, ear] of ears.entries()) {
      for (const { name } of [...(first[index] ?? []), ...(last[index] ?? [])]) {
        await ear.seen(`${name} to arrive`, (frame) => Buffer.from(frame.bytes).includes(name))
      }
    }
    await wire.seen('the last frame on the wire', (frame) => {
      return (last[1] ?? []).some(({ name }) => Buffer.from(frame.bytes).includes(name))
    })
    const heard = [wire, ...ears].map((capture) => namesIn(capture, spoofed))
    assert.deepEqual(heard, [[], [], []], 'heard on the wire, beside the attacker, on the other host')
  } finally {
    await Promise.all([wire, ...ears].map((capture) => capture.stop()))
  }
}

function namesIn(capture: Capture, frames: readonly MarkedFrame[]): string[] {
  const bytes = Buffer.concat(capture.frames.map((frame) => frame.bytes))
  return frames.map(({ name }) => name).filter((name) => bytes.includes(name))
}

/** The same by the means of an administrator: addresses of its own choice. */
async function checkKernel(mallory: Container, near: Container, friend: Container): Promise<void> {
  const ping = (options: string) => mallory.succeeds(`ping -c 1 -w 5 ${options} ${near.ipv4}`)
  const silent = async (options: string) => {
    assert.equal(await mallory.succeeds(`ping -c 2 -i 0.2 -W 1 ${options} ${near.ipv4}`), false)
  }
  assert.equal(await ping(''), true)
  await mallory.sh(`ip addr add ${friend.ipv4}/24 dev eth0`)
  await silent(`-I ${friend.ipv4}`)
  await mallory.sh(`ip addr del ${friend.ipv4}/24 dev eth0`)
  await mallory.sh('ip link set eth0 address 02:aa:00:00:00:01')
  await silent('')
  await mallory.sh(`ip link set eth0 address ${mallory.mac}`)
  assert.equal(await ping(''), true)
}
