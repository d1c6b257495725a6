// What a policy does beyond allowing and denying new connections, on real ones: groups and tenants that deny by default, rules
// that end open connections, rules that log, and what rules have counted.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PolicyStatsAnswer } from '../../src/model/counts.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import { type Step, stepsOf } from '../support/steps.ts'
import { startEcho, startTalk } from '../support/talk.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'verdr' } },
  { title: 'VLAN, bridge', lab: { name: 'verdb', netMode: 'vlan' } },
]

/** A server in a group, and on each host a client in another one and a container in none. */
interface Cast {
  readonly lab: TestLab
  readonly server: Container
  readonly clients: readonly Container[]
  readonly plain: readonly Container[]
  readonly netctl: (line: string) => Promise<string>
}

const echoPort = 8002

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 150_000 }, (t) =>
    withLab(mode.lab, async (lab) => {
      const step = stepsOf(t)
      const cast = await populate(lab)
      await groupDefault(step, cast)
      await tenantDefault(step, cast)
      await cutting(step, cast)
      await counting(step, cast)
      await logging(step, cast)
    }),
  )
}

async function populate(lab: TestLab): Promise<Cast> {
  const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
  await netctl('net create office --subnet 10.1.0.0/16 --gateway 10.1.255.254 --pkt-tag 311')
  await netctl('policy create guard')
  await netctl('group create -p guard office srv')
  await netctl('group create office cli')
  const tools = { image: 'tools' } as const
  const [server, near, far, loose1, loose2] = await startContainers(lab, [
    { name: 'server', host: 'node1', network: 'srv.office', ...tools },
    { name: 'near', host: 'node1', network: 'cli.office', ...tools },
    { name: 'far', host: 'node2', network: 'cli.office', ...tools },
    { name: 'loose1', host: 'node1', network: 'office', ...tools },
    { name: 'loose2', host: 'node2', network: 'office', ...tools },
  ])
  assert.ok(server && near && far && loose1 && loose2)
  await startEcho(lab, server, echoPort)
  const cast = { lab, server, clients: [near, far], plain: [loose1, loose2], netctl }
  await lab.until('everybody to be known everywhere', async () => {
    const pings = [near, far, loose1, loose2].map((from) => pinged(from, server))
    return (await Promise.all(pings)).every(Boolean) || undefined
  })
  return cast
}

const pinged = (from: Container, to: Container) => from.succeeds(`ping -c 1 -W 1 ${to.ipv4}`)
const opened = (from: Container, to: Container, port: number) =>
  from.succeeds(`curl -s -o /dev/null --connect-timeout 1 --max-time 3 http://${to.ipv4}:${port}/`)

async function assertPings(pairs: readonly (readonly [Container, Container])[], expected: boolean): Promise<void> {
  const said = async ([from, to]: readonly [Container, Container]) =>
    `${from.name} to ${to.name}: ${(await pinged(from, to)) ? 'answered' : 'nothing'}`
  const wanted = pairs.map(([from, to]) => `${from.name} to ${to.name}: ${expected ? 'answered' : 'nothing'}`)
  assert.deepEqual(await Promise.all(pairs.map(said)), wanted)
}

async function groupDefault(step: Step, { server, clients, netctl }: Cast): Promise<void> {
  const there = clients.map((client) => [client, server] as const)
  const back = clients.map((client) => [server, client] as const)
  await step('a group that denies by default is closed in both directions, and rules open it', async () => {
    await assertPings([...there, ...back], true)
    await netctl('group create -p guard --default=deny office srv')
    await assertPings([...there, ...back], false)
    await netctl('policy rule-add -d in -l icmp -g cli guard 1')
    await assertPings(there, true)
    await assertPings(back, false)
    await netctl('policy rule-rm guard 1')
    assert.match(await netctl('why near server icmp'), /denied .*denies it: the group denies by default/)
    await netctl('group create -p guard office srv')
    await assertPings([...there, ...back], true)
  })
}

async function tenantDefault(step: Step, { server, clients, plain, netctl }: Cast): Promise<void> {
  const [loose1, loose2] = plain
  assert.ok(loose1 && loose2)
  const pairs = [[loose1, loose2] as const, [loose2, loose1] as const, [loose2, server] as const]
  const between = clients.map((client) => [client, server] as const)
  await step(
    'a tenant that denies by default closes containers in no group, and groups that do not say otherwise',
    async () => {
      await assertPings([...pairs, ...between], true)
      await netctl('tenant set --default=deny default')
      await assertPings([...pairs, ...between], false)
      await netctl('group create -p guard --default=allow office srv')
      await netctl('group create --default=allow office cli')
      await assertPings(between, true)
      await assertPings(pairs, false)
      await netctl('tenant set --default=allow default')
      await assertPings([...pairs, ...between], true)
    },
  )
}

async function cutting(step: Step, { lab, server, clients, netctl }: Cast): Promise<void> {
  const talkAll = () => Promise.all(clients.map((client) => startTalk(lab, client, server.ipv4, echoPort)))
  await step('rules end open connections when they say so, also those from before there was a policy', async () => {
    await netctl('group create office srv')
    const before = await talkAll()
    await netctl('group create -p guard office srv')
    const tracked = await talkAll()
    const talks = [...before, ...tracked]
    await netctl('policy rule-add -d in -l tcp -j deny guard 1')
    for (const client of clients) assert.equal(await opened(client, server, echoPort), false)
    await Promise.all(talks.map((talk) => talk.goesOn()))
    await netctl('policy rule-add -d in -l tcp -j deny --established=drop guard 1')
    await Promise.all(talks.map((talk) => talk.ends()))
    for (const talk of talks) talk.stop()
    await netctl('policy rule-rm guard 1')
    const after = await talkAll()
    await netctl('policy rule-add -d in -l tcp -P 9999 -j deny --established=drop guard 1')
    await Promise.all(after.map((talk) => talk.goesOn()))
    for (const talk of after) talk.stop()
    await netctl('policy rule-rm guard 1')
  })
}

async function counting(step: Step, { server, clients, netctl }: Cast): Promise<void> {
  const stats = async () => JSON.parse(await netctl('policy stats --json guard')) as PolicyStatsAnswer
  await step('rules count what they let through, replies too, and what they stop', async () => {
    await netctl('policy rule-add -d in -l icmp guard 1')
    await netctl('policy rule-add -d in -l tcp -P 81 -j deny guard 2')
    for (const client of clients) {
      await client.sh(`ping -c 10 -i 0.2 ${server.ipv4}`)
      assert.equal(await opened(client, server, 81), false)
    }
    const { rules, silent } = await stats()
    assert.deepEqual(silent, [])
    const [ping, stopped] = ['1', '2'].map((id) => rules.find(({ ruleId }) => ruleId === id))
    // Ten questions and ten answers of each client, 98 bytes each.
    assert.deepEqual([ping?.packets, ping?.bytes], [40, 40 * 98])
    assert.ok((stopped?.packets ?? 0) >= 2, `${stopped?.packets} packets stopped`)
    assert.deepEqual(
      ping?.hosts.map(({ host }) => host),
      ['netplugin-node1'],
    )
    assert.match(await netctl('policy stats guard'), /^1 +in +1 +40 +3920 +allow icmp from anybody$/m)
    await netctl('policy rule-rm guard 1')
    await netctl('policy rule-rm guard 2')
  })
}

interface DenialLine {
  readonly msg: string
  readonly rule?: string
  readonly source?: string
  readonly destinationPort?: number
  readonly suppressed?: number
}

async function logging(step: Step, { lab, server, clients, netctl }: Cast): Promise<void> {
  const path = join(lab.directory('node1'), 'log', 'netplugin.log')
  const lines = () =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"packet denied"'))
      .map((line) => JSON.parse(line) as DenialLine)
  await step('a rule that logs names what it drops, and a flood does not fill the log', async () => {
    await netctl('policy rule-add -d in -l udp -P 7777 -j deny --log guard noisy')
    const [near, far] = clients
    assert.ok(near && far)
    for (const client of clients) {
      await lab.until(`a packet of ${client.name} to be logged`, async () => {
        await client.sh(`echo x | socat - UDP:${server.ipv4}:7777`)
        return lines().some(({ source }) => source === client.ipv4) || undefined
      })
    }
    const [first] = lines()
    assert.deepEqual([first?.rule, first?.destinationPort], ['noisy', 7777])
    const before = lines().length
    await far.sh(`yes x | head -c 4000 | socat -b 2 - UDP:${server.ipv4}:7777`, { timeoutMs: 20_000 })
    await lab.until('what was left out to be told', async () => {
      await near.sh(`echo x | socat - UDP:${server.ipv4}:7777`)
      return lines().some(({ suppressed = 0 }) => suppressed > 0) || undefined
    })
    assert.ok(lines().length - before < 300, `${lines().length - before} lines`)
    await netctl('policy rule-rm guard noisy')
  })
}
