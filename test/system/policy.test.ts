// Policies on real connections: rules come and go on running containers, and each time exactly those connections open
// that shall, from a client on the same host and from one on the other; what is open stays open.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyCostAnswer } from '../../src/model/policy-cost.ts'
import type { WhyAnswer } from '../../src/model/why.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'
import { type Step, stepsOf } from '../support/steps.ts'
import { startEcho, startTalk } from '../support/talk.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
}

const modes: readonly Mode[] = [
  { title: 'VXLAN, routing', lab: { name: 'polvr' } },
  { title: 'VXLAN, bridge', lab: { name: 'polxb', fwdMode: 'bridge' } },
  { title: 'VLAN, bridge', lab: { name: 'polvb', netMode: 'vlan' } },
]

/** A server, and a client of another group on each host. */
interface Cast {
  readonly lab: TestLab
  readonly server: Container
  readonly clients: readonly Container[]
  readonly netctl: (line: string) => Promise<string>
}

const echoPort = 8002

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 120_000 }, (t) =>
    withLab(mode.lab, async (lab) => {
      const step = stepsOf(t)
      const cast = await populate(lab)
      await incoming(step, cast)
      await outgoing(step, cast)
      await ping(step, cast)
      await established(step, cast)
      await explained(step, cast)
      await withoutAgent(step, cast)
    }),
  )
}

async function populate(lab: TestLab): Promise<Cast> {
  const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
  await netctl('net create private --subnet 10.1.0.0/16 --gateway 10.1.255.254 --pkt-tag 301')
  await netctl('net create dummy --subnet 20.1.0.0/16 --gateway 20.1.255.254 --pkt-tag 302')
  await netctl('policy create first')
  await netctl('policy create second')
  await netctl('group create -p first private srv1')
  await netctl('group create -p second private srv2')
  const [server, near, far] = await startContainers(lab, [
    { name: 'server', host: 'node1', network: 'srv1.private', image: 'tools' },
    { name: 'near', host: 'node1', network: 'srv2.private', image: 'tools' },
    { name: 'far', host: 'node2', network: 'srv2.private', image: 'tools' },
  ])
  assert.ok(server && near && far)
  await server.sh('httpd -p 8000 -h /w; httpd -p 8001 -h /w')
  await startEcho(lab, server, echoPort)
  const cast = { lab, server, clients: [near, far], netctl }
  // Other hosts hear of a container a moment after its own.
  await lab.until('the server to be known everywhere', async () => {
    const pings = cast.clients.map((client) => client.succeeds(`ping -c 1 -W 1 ${server.ipv4}`))
    return (await Promise.all(pings)).every(Boolean) || undefined
  })
  return cast
}

async function assertOpen({ server, clients }: Cast, wanted: { readonly 8000: boolean; readonly 8001: boolean }) {
  const ask = async (client: Container, port: 8000 | 8001) => {
    const url = `http://${server.ipv4}:${port}/`
    const opens = await client.succeeds(`curl -s -o /dev/null --connect-timeout 1 --max-time 3 ${url}`)
    return `${client.name} to ${port}: ${opens ? 'open' : 'closed'}`
  }
  const ports = [8000, 8001] as const
  const asked = clients.flatMap((client) => ports.map((port) => ask(client, port)))
  const expected = clients.flatMap(({ name }) =>
    ports.map((port) => `${name} to ${port}: ${wanted[port] ? 'open' : 'closed'}`),
  )
  assert.deepEqual(await Promise.all(asked), expected)
}

/** Rules of one policy by id: `rule('2', …)` makes one, `gone('2')` takes it away. */
function rulesOf({ netctl }: Cast, policy: string, direction: 'in' | 'out') {
  return {
    rule: (id: string, flags: string) => netctl(`policy rule-add -d ${direction} ${flags} ${policy} ${id}`),
    gone: async (...ids: string[]) => {
      for (const id of ids) await netctl(`policy rule-rm ${policy} ${id}`)
    },
  }
}

const everything = { 8000: true, 8001: true }
const nothing = { 8000: false, 8001: false }
const only8000 = { 8000: true, 8001: false }

async function incoming(step: Step, cast: Cast): Promise<void> {
  const { rule, gone } = rulesOf(cast, 'first', 'in')
  const [near] = cast.clients
  await step('incoming: without rules everything is open', () => assertOpen(cast, everything))
  await step('a denied protocol is closed', async () => {
    await rule('1', '-l tcp -j deny')
    await assertOpen(cast, nothing)
  })
  await step('what is denied may be allowed for a port, with a larger priority', async () => {
    await rule('2', '-l tcp -P 8000 -j allow -p 100')
    await assertOpen(cast, only8000)
  })
  await step('from a group', async () => {
    await rule('3', '-g srv2 -l tcp -P 8001 -j allow -p 100')
    await assertOpen(cast, everything)
    await gone('3')
    await assertOpen(cast, only8000)
  })
  await step('from a network', async () => {
    await rule('3', '-n private -l tcp -P 8001 -j allow -p 10')
    await rule('4', '-n dummy -l tcp -P 8001 -j deny -p 100')
    await assertOpen(cast, everything)
    await gone('3', '4')
    await assertOpen(cast, only8000)
  })
  await step('from addresses', async () => {
    await rule('3', '-i 10.1.0.0/16 -l tcp -P 8001 -j allow -p 10')
    await rule('4', '-i 20.1.0.0/16 -l tcp -P 8001 -j deny -p 100')
    await assertOpen(cast, everything)
    await rule('4', `-i ${near?.ipv4} -l tcp -P 8001 -j deny -p 100`)
    await assert.rejects(assertOpen(cast, everything), /near to 8001: closed/)
    await gone('3', '4')
    await assertOpen(cast, only8000)
  })
  await step('and when the rules are gone everything is open', async () => {
    await gone('1', '2')
    await assertOpen(cast, everything)
  })
}

async function outgoing(step: Step, cast: Cast): Promise<void> {
  const { rule, gone } = rulesOf(cast, 'second', 'out')
  await step('outgoing: a denied protocol is closed, but for a port', async () => {
    await rule('1', '-l tcp -j deny')
    await assertOpen(cast, nothing)
    await rule('2', '-l tcp -P 8000 -j allow -p 100')
    await assertOpen(cast, only8000)
  })
  await step('to a group, a network, an address', async () => {
    for (const to of ['-e srv1', '-o private', `-s ${cast.server.ipv4}`]) {
      await rule('3', `${to} -l tcp -P 8001 -j allow -p 10`)
      await assertOpen(cast, everything)
      await gone('3')
    }
    await assertOpen(cast, only8000)
  })
  await step('to what the server is not', async () => {
    for (const to of ['-e srv2', '-o dummy', '-s 20.1.0.0/16']) {
      await rule('3', `${to} -l tcp -P 8001 -j allow -p 10`)
      await assertOpen(cast, only8000)
      await gone('3')
    }
    await gone('1', '2')
    await assertOpen(cast, everything)
  })
}

async function ping(step: Step, cast: Cast): Promise<void> {
  const { rule, gone } = rulesOf(cast, 'first', 'in')
  const answered = async (expected: boolean) => {
    const pings = cast.clients.map((client) => client.succeeds(`ping -c 1 -W 1 ${cast.server.ipv4}`))
    assert.deepEqual(await Promise.all(pings), [expected, expected])
  }
  await step('ICMP is denied, allowed, denied again, and no longer', async () => {
    await answered(true)
    await rule('1', '-l icmp -j deny')
    await answered(false)
    await rule('2', '-i 10.1.0.0/16 -l icmp -j allow -p 100')
    await answered(true)
    await gone('2')
    await answered(false)
    await cast.server.sh(`ping -c 1 -W 1 ${cast.clients[0]?.ipv4}`)
    await gone('1')
    await answered(true)
  })
}

async function established(step: Step, cast: Cast): Promise<void> {
  const { lab, server, clients, netctl } = cast
  await step('open connections go on when new ones are denied, also those from before there was a policy', async () => {
    await netctl('group create private srv1')
    await netctl('group create private srv2')
    const before = await Promise.all(clients.map((client) => startTalk(lab, client, server.ipv4, echoPort)))
    await netctl('group create -p first private srv1')
    await netctl('group create -p second private srv2')
    const tracked = await Promise.all(clients.map((client) => startTalk(lab, client, server.ipv4, echoPort)))
    await rulesOf(cast, 'first', 'in').rule('1', '-l tcp -j deny')
    await rulesOf(cast, 'second', 'out').rule('1', '-j deny')
    await assertOpen(cast, nothing)
    await Promise.all([...before, ...tracked].map((talk) => talk.goesOn()))
    for (const talk of [...before, ...tracked]) talk.stop()
    await rulesOf(cast, 'second', 'out').gone('1')
    await rulesOf(cast, 'first', 'in').gone('1')
  })
}

/** Flows of policy by their cookies (core/pipeline/cookies.ts). */
const policyCookies = 'cookie=0x6e70080000000000/0xffffff0000000000'

async function explained(step: Step, cast: Cast): Promise<void> {
  const { lab, netctl, clients } = cast
  const { rule, gone } = rulesOf(cast, 'first', 'in')
  const flows = (match: string) => lab.execOk('node1', `ovs-ofctl -O OpenFlow14 dump-flows np-int ${match}`)
  await step('why says what happens, and names flows that the host has', async () => {
    await rule('1', '-l tcp -j deny')
    await rule('2', '-l tcp -P 8000 -j allow -p 100')
    await assertOpen(cast, only8000)
    for (const { name } of clients) {
      for (const [port, verdict, id] of [
        [8000, 'allowed', '2'],
        [8001, 'denied', '1'],
      ] as const) {
        const answer: WhyAnswer = JSON.parse(await netctl(`why --json ${name} server tcp/${port}`))
        assert.deepEqual([answer.verdict, answer.receiver?.rule?.ruleId], [verdict, id])
        const found = await flows(`cookie=${answer.receiver?.flow?.cookie}/-1`)
        assert.match(found, new RegExp(`table=46, .*priority=${answer.receiver?.flow?.priority},`))
      }
    }
    const toNobody: WhyAnswer = JSON.parse(await netctl('why --json server 10.1.200.1 icmp'))
    assert.notEqual(toNobody.verdict, 'denied')
  })
  await step('policies cost the flows that the host has', async () => {
    const cost: PolicyCostAnswer = JSON.parse(await netctl('policy cost --json first'))
    const [host] = cost.hosts
    const count = async () => (await flows(policyCookies)).split('\n').filter((line) => line.includes('cookie=')).length
    // One that denies, one that allows, and one that counts for that.
    assert.deepEqual([host?.host, host?.policy], ['netplugin-node1', 3])
    const { all = 0 } = host ?? {}
    // What only counts comes, and goes, a moment after the rules are in force.
    const untilFlows = (wanted: number) =>
      lab.until(`${wanted} flows of policy`, async () => (await count()) === wanted || undefined)
    await untilFlows(all)
    await gone('1', '2')
    await untilFlows(all - 3)
  })
}

async function withoutAgent(step: Step, cast: Cast): Promise<void> {
  const { lab } = cast
  await step('the policy holds while the agents are dead, and after they came back', async () => {
    const { rule } = rulesOf(cast, 'first', 'in')
    await rule('1', '-l tcp -j deny')
    await rule('2', '-l tcp -P 8000 -j allow -p 100')
    for (const host of ['node1', 'node2']) await lab.kill(host, 'netplugin')
    await assertOpen(cast, only8000)
    for (const host of ['node1', 'node2']) await lab.start(host, 'netplugin')
    await assertOpen(cast, only8000)
  })
  await step(
    'and agents that start without netmaster know what was in force a moment before they were killed',
    async () => {
      await rulesOf(cast, 'first', 'in').gone('2')
      await Promise.all([
        lab.kill('node1', 'netplugin'),
        lab.kill('node2', 'netplugin'),
        lab.kill('node1', 'netmaster'),
      ])
      for (const host of ['node1', 'node2']) await lab.start(host, 'netplugin')
      await assertOpen(cast, nothing)
      await lab.start('node1', 'netmaster')
      await assertOpen(cast, nothing)
    },
  )
}
