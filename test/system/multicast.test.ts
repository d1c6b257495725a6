// Multicast with real packets: members of groups get what is sent to them, and others' interfaces and tunnels do not, by IGMP
// and by MLD, on tunnels and on VLANs, through the death of our programs; and what the other modes do.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { NetworkMulticast } from '../../src/model/multicast.ts'
import { type Container, type ContainerSpec, startContainers } from '../support/containers.ts'
import { ask } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { Listener, Sender, TunnelTap } from '../support/multicast.ts'
import { stepsOf } from '../support/steps.ts'

const groups = ['239.7.7.7', 'ff15::77'] as const
const [group4, group6] = groups
/** Of the link: everybody gets it. */
const linkGroup = '224.0.0.251'

/** Sends on node1, listens on node2, does not beside it, and may later on node3. */
const roles = { sender: 'node1', member: 'node2', deaf: 'node2', late: 'node3' } as const
type Role = keyof typeof roles

interface Cast {
  readonly network: string
  readonly at: Readonly<Record<Role, Listener>>
}

const multicastOf = (lab: TestLab, network: string) =>
  ask<NetworkMulticast>(lab, `/api/v1/inspect/networks/default:${network}/multicast`)

/** Until all hosts of the network have told who listens there. */
async function untilKnown(lab: TestLab, network: string): Promise<void> {
  await lab.until(`all hosts to have told about ${network}`, async () => {
    const { everything } = await multicastOf(lab, network)
    return everything.length === 0 || undefined
  })
}

async function cast(lab: TestLab, network: string, names: readonly Role[]): Promise<Cast> {
  const specs = names.map(
    (role): ContainerSpec => ({ name: `${network}-${role}`, host: roles[role], network, command: ['sleep', '1d'] }),
  )
  const containers = await startContainers(lab, specs)
  const listener = (role: Role) => {
    const container = containers.find(({ name }) => name === `${network}-${role}`)
    return container === undefined ? undefined : new Listener(lab, container satisfies Container)
  }
  const at = Object.fromEntries(names.map((role) => [role, listener(role)]))
  return { network, at: at as Cast['at'] }
}

let fences = 1_000_000

/** Everything that was sent before has arrived where it goes: what is sent now to each of them has. */
async function fence(lab: TestLab, { at: { sender, ...others } }: Cast): Promise<void> {
  for (const other of Object.values(others)) {
    const number = ++fences
    sender.send(other.ipv4, number)
    await lab.until('a packet to a container', () => other.heard(other.ipv4).has(number) || undefined)
  }
}

/** Sends some packets; who heard any of them. */
async function whoHears(lab: TestLab, cast: Cast, group: string): Promise<readonly string[]> {
  const first = ++fences
  for (let count = 0; count < 10; count++) cast.at.sender.send(group, fences++)
  await fence(lab, cast)
  const hears = (listener: Listener) => [...listener.heard(group)].some((number) => number >= first)
  return Object.entries(cast.at).flatMap(([role, listener]) => (role !== 'sender' && hears(listener) ? [role] : []))
}

/** Until only these hear: hosts do what others said a moment after netmaster knows it. */
async function untilHears(lab: TestLab, cast: Cast, group: string, roles: readonly Role[]): Promise<void> {
  await lab.until(`only ${roles.join(', ')} to hear ${group}`, async () => {
    return (await whoHears(lab, cast, group)).join() === roles.join() || undefined
  })
}

/** Milliseconds from joining until the first packet comes, while the sender sends. */
async function joinTime(lab: TestLab, { at }: Cast, role: Role, group: string): Promise<number> {
  const sender = new Sender(at.sender, group, 10)
  const joined = performance.now()
  const before = at[role].heard(group).size
  at[role].join(group)
  await lab.until(`${role} to hear ${group}`, () => at[role].heard(group).size > before || undefined)
  const ms = performance.now() - joined
  await sender.stop()
  return ms
}

async function story(t: TestContext, lab: TestLab, cast: Cast): Promise<void> {
  const { network, at } = cast
  const step = stepsOf(t)
  const isTunnelled = network === 'over'
  await untilKnown(lab, network)
  for (const group of groups) await untilHears(lab, cast, group, [])

  await step(`${network}: who joins hears at once, by IGMP and MLD, and nobody else does`, async () => {
    for (const group of groups) {
      assert.deepEqual(await whoHears(lab, cast, group), [], group)
      const ms = await joinTime(lab, cast, 'member', group)
      t.diagnostic(`${network}: ${group} was heard ${Math.round(ms)} ms after joining`)
      assert.ok(ms < 2_000, `${ms} ms`)
      const tap = new TunnelTap(lab, 'node3')
      try {
        assert.deepEqual(await whoHears(lab, cast, group), ['member'], group)
        if (isTunnelled) assert.equal(tap.count(group), 0, 'packets in the tunnel to a host without members')
      } finally {
        tap.close()
      }
    }
    const { groups: known } = await multicastOf(lab, network)
    const hosts = [{ host: 'netplugin-node2', members: 1 }]
    assert.deepEqual(known, [
      { group: group4, hosts },
      { group: group6, hosts },
    ])
  })

  await step(`${network}: who joins on another host hears soon, and both do`, async () => {
    const ms = await joinTime(lab, cast, 'late', group4)
    t.diagnostic(`${network}: on another host ${Math.round(ms)} ms after joining`)
    assert.ok(ms < 2_000, `${ms} ms`)
    assert.deepEqual(await whoHears(lab, cast, group4), ['member', 'late'])
  })

  await step(`${network}: who leaves hears nothing any more, and the others do`, async () => {
    at.late.leave(group4)
    await untilHears(lab, cast, group4, ['member'])
    at.member.leave(group6)
    await untilHears(lab, cast, group6, [])
  })
}

test('multicast in bridged networks', { skip: labSkip, timeout: 240_000 }, (t) =>
  withLab({ name: 'lcmcast', hosts: 3, netMode: 'both', fwdMode: 'bridge' }, async (lab) => {
    const step = stepsOf(t)
    const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
    await netctl('net create over -e vxlan -s 10.1.1.0/24 -g 10.1.1.254 -s6 fd00:1::/64 -g6 fd00:1::fe')
    await netctl('net create wire -e vlan -p 100 -s 10.1.2.0/24 -s6 fd00:2::/64')
    const all = Object.keys(roles) as Role[]
    const over = await cast(lab, 'over', all)
    const wire = await cast(lab, 'wire', all)
    await story(t, lab, over)
    await story(t, lab, wire)

    await step('a member hears every packet while our programs die and come back', async () => {
      const sender = new Sender(over.at.sender, group4)
      const before = sender.last
      for (const host of ['node2', 'node1']) {
        await lab.kill(host, 'netplugin')
        await lab.start(host, 'netplugin')
      }
      await lab.kill('node1', 'netmaster')
      await lab.start('node1', 'netmaster')
      await lab.until(
        'all hosts to have told again',
        async () => {
          const { groups: known, everything } = await multicastOf(lab, 'over')
          return (everything.length === 0 && known.some(({ group }) => group === group4)) || undefined
        },
        20_000,
      )
      const last = await sender.stop()
      await fence(lab, over)
      const heard = over.at.member.heard(group4)
      const lost = Array.from({ length: last - before }, (_, index) => before + index + 1).filter((n) => !heard.has(n))
      assert.deepEqual(lost, [], `of ${last - before}`)
      await untilHears(lab, over, group4, ['member'])
    })

    await step('off: groups reach nobody, but for those of the link; flood: everybody', async () => {
      await netctl('net set over --multicast=off')
      assert.deepEqual(await whoHears(lab, over, group4), [])
      assert.deepEqual(await whoHears(lab, over, linkGroup), ['member', 'deaf', 'late'])
      await netctl('net set over --multicast=flood')
      assert.deepEqual(await whoHears(lab, over, group4), ['member', 'deaf', 'late'])
      await netctl('net set over --multicast=snoop')
      await untilKnown(lab, 'over')
      await untilHears(lab, over, group4, ['member'])
      assert.match(await netctl('net multicast over'), /239\.7\.7\.7 +1 +netplugin-node2 1/)
    })
  }),
)

test('multicast in routed networks', { skip: labSkip, timeout: 120_000 }, (t) =>
  withLab({ name: 'lcmcastr' }, async (lab) => {
    const step = stepsOf(t)
    const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
    await netctl('net create over -s 10.1.1.0/24 -g 10.1.1.254')
    const routed = await cast(lab, 'over', ['sender', 'member', 'deaf'])
    await step('off unless asked for: groups reach nobody', async () => {
      routed.at.member.join(group4)
      assert.deepEqual(await whoHears(lab, routed, group4), [])
      assert.deepEqual(await whoHears(lab, routed, linkGroup), [])
      assert.match(await netctl('net multicast over'), /multicast goes to nobody \(--multicast=off\)/)
    })

    await step('snoop: who listens hears, without being asked to join again, and nobody else does', async () => {
      await netctl('net set over --multicast=snoop')
      await untilKnown(lab, 'over')
      await untilHears(lab, routed, group4, ['member'])
      assert.deepEqual(await whoHears(lab, routed, linkGroup), ['member', 'deaf'])
    })
  }),
)
