// Several masters over sockets, on one store: each knows of all nodes, whichever they talk to, and one does the work in the
// background.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createNodeClient, openStream } from '../api/node-client.ts'
import { MemoryStore } from '../drivers/store/index.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { NodeView } from '../model/node.ts'
import type { StreamMessage } from '../model/state.ts'
import { leaderKey } from './masters.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

interface Running extends TestNetmaster {
  readonly url: string
}

/** Two masters; `late` begins a third. */
async function scenario(
  body: (one: Running, two: Running, late: () => Promise<Running>, store: MemoryStore) => Promise<void>,
): Promise<void> {
  const store = new MemoryStore({ historyLimit: 10_000 }, { newEpoch: () => 'epoch-of-a-test' })
  const running: Running[] = []
  const begin = async (): Promise<Running> => {
    const instance = `master${running.length}`
    const master = await startTestNetmaster({ store: store.another(), instance, isShared: true })
    const address = await master.netmaster.start({ host: '127.0.0.1', port: 0 })
    running.push({ ...master, url: `http://${address}` })
    return { ...master, url: `http://${address}` }
  }
  try {
    const [one, two] = [await begin(), await begin()]
    await body(one, two, begin, store)
  } finally {
    for (const { stop } of running) await stop()
  }
}

/** Waits for a fact, at most five seconds. */
async function until(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await isSo()) return
    await delay(10)
  }
  assert.fail(`not within 5 s: ${what}`)
}

const network = { networkName: 'n', tenantName: 'default', subnet: '10.1.1.0/24' }
const nodesAt = async (master: Running) => (await master.ok('GET', '/internal/v1/nodes')) as NodeView[]
const infoAt = async (master: Running) => (await master.ok('GET', '/info')) as Record<string, unknown>

test('each master knows which nodes live and how far they are, whichever they told', { timeout: 20_000 }, async () => {
  await scenario(async (one, two, late) => {
    const client = createNodeClient({ baseUrl: one.url, node: 'node1', timeoutMs: 5_000 })
    const { revision, masters } = await client.register({ vtep: '192.0.2.1', uplinks: ['eth1'], mtu: 1600 })
    await client.heartbeat({ appliedRevision: revision, endpoints: 3, problems: ['none'] })
    await until(async () => (await nodesAt(two))[0]?.appliedRevision === revision, 'the second master heard of it')
    assert.deepEqual(await nodesAt(two), await nodesAt(one))
    assert.deepEqual((await nodesAt(two))[0]?.uplinks, ['eth1'])
    await until(async () => ((await client.heartbeat({})).masters ?? []).length === 2, 'nodes are told of both')
    assert.ok(masters !== undefined)
    // Who waits at the other master is answered when the node is there.
    await one.ok('POST', '/api/v1/networks/default:n/', network)
    const { revision: wanted } = (await two.ok('GET', '/healthz')) as { revision: number }
    const waiting = two.ok('GET', `/internal/v1/nodes/applied/${wanted}`) as Promise<NodeView[]>
    await client.heartbeat({ appliedRevision: wanted })
    assert.equal((await waiting)[0]?.appliedRevision, wanted)
    const third = await late()
    await until(
      async () => (await nodesAt(third))[0]?.appliedRevision === wanted,
      'a master that came later knows, too',
    )
    client.close()
  })
})

test('a node that follows one master is asked for its counters by another', { timeout: 20_000 }, async () => {
  await scenario(async (one, two) => {
    await one.ok('POST', '/api/v1/networks/default:n/', network)
    await one.ok('POST', '/api/v1/policys/default:p/', { tenantName: 'default', policyName: 'p' })
    const rule = { tenantName: 'default', policyName: 'p', ruleId: '1', direction: 'in', action: 'deny' }
    await one.ok('POST', '/api/v1/rules/default:p:1/', rule)
    const group = { tenantName: 'default', groupName: 'g', networkName: 'n', policies: ['p'] }
    await one.ok('POST', '/api/v1/endpointGroups/default:g/', group)
    const stop = new AbortController()
    const client = createNodeClient({ baseUrl: one.url, node: 'node1', timeoutMs: 5_000 })
    await client.register({})
    await client.createEndpoint({ TenantName: 'default', NetworkName: 'n', ServiceName: 'g', EndpointID: 'e1' })
    const following = (async () => {
      for await (const message of openStream({ baseUrl: one.url, node: 'node1' }, stop.signal)) {
        if (message.type !== 'ask') continue
        await client.counts({ id: message.id, counts: [{ key: 'default:p:1', packets: 7, bytes: 700 }] })
      }
    })().catch(() => {})
    const stats = async () =>
      (await two.ok('GET', '/api/v1/inspect/policys/default:p/stats/')) as {
        rules: { packets: number }[]
        silent: string[]
      }
    await until(async () => (await stats()).rules[0]?.packets === 7, 'the other master got the counts')
    assert.deepEqual((await stats()).silent, [])
    stop.abort()
    await following
    client.close()
  })
})

test('members of multicast groups are told to nodes that follow another master', { timeout: 20_000 }, async () => {
  await scenario(async (one, two) => {
    await one.ok('POST', '/api/v1/networks/default:n/', network)
    const stop = new AbortController()
    const [first, second] = [one, two].map(({ url }, at) =>
      createNodeClient({ baseUrl: url, node: `node${at + 1}`, timeoutMs: 5_000 }),
    )
    assert.ok(first && second)
    for (const [at, client] of [first, second].entries()) {
      await client.register({})
      await client.createEndpoint({ TenantName: 'default', NetworkName: 'n', EndpointID: `e${at}` })
    }
    const told: StreamMessage[] = []
    const following = (async () => {
      for await (const message of second.openStream(undefined, stop.signal)) told.push(message)
    })().catch(() => {})
    const report = { everything: false, groups: [{ group: '239.1.1.1', members: 1 }] }
    await first.members({ first: true, networks: [{ network: 'default:n', report }] })
    await until(
      () => told.some((message) => message.type === 'members' && message.host === 'node1'),
      'the node at the other master was told',
    )
    stop.abort()
    await following
    first.close()
    second.close()
  })
})

test('one master leads; when it stops another does, and its commits no longer count', { timeout: 20_000 }, async () => {
  await scenario(async (one, two, _, store) => {
    await until(async () => String((await infoAt(two))['leader-ip']) !== '', 'somebody leads')
    const [first, second] = [await infoAt(one), await infoAt(two)]
    assert.equal(first['leader-ip'], second['leader-ip'])
    assert.deepEqual([first['current-state'], second['current-state']].sort(), ['follower', 'leader'])
    const [leader, follower] = first['current-state'] === 'leader' ? [one, two] : [two, one]
    const fence = { key: leaderKey, revision: (await store.get(leaderKey))?.revision ?? 0 }
    await leader.stop()
    await until(async () => (await infoAt(follower))['current-state'] === 'leader', 'the other one leads')
    const late = follower.netmaster.cluster.transact(
      () => ({
        records: [],
        grants: [{ kind: 'number', pool: 'vni', number: 99, owner: 'x' }],
        result: undefined,
      }),
      fence,
    )
    await assert.rejects(late, (error) => asNetpluginError(error).code === 'FENCED')
    // It sweeps what nobody used.
    await follower.ok('POST', '/api/v1/networks/default:n/', network)
    await follower.ok('POST', '/plugin/allocAddress', { NetworkID: 'n.default', Node: 'node1' })
    await until(() => {
      follower.clock.advance(70_000)
      return follower.netmaster.cluster.view.reservations.size === 0
    }, 'the reservation is freed')
  })
})

test('the leader hands over, whichever master is asked, and is refused where there is no other', {
  timeout: 20_000,
}, async () => {
  await scenario(async (one, two) => {
    await until(async () => String((await infoAt(two))['leader-ip']) !== '', 'somebody leads')
    const isLeader = async (master: Running) => (await infoAt(master))['current-state'] === 'leader'
    const [leader, follower] = (await isLeader(one)) ? [one, two] : [two, one]
    const addresses = [leader, follower].map(({ url }) => url.replace('http://', ''))
    // Through the one that does not lead, then at the one that does.
    assert.deepEqual(await leader.ok('POST', '/api/v1/leader/handover/'), { from: addresses[0], to: addresses[1] })
    assert.equal(await isLeader(follower), true)
    await until(async () => !(await isLeader(leader)), 'the first one knows')
    leader.clock.advance(3_000)
    assert.deepEqual(await leader.ok('POST', '/api/v1/leader/handover/'), { from: addresses[1], to: addresses[0] })
    // Work in the background goes on there.
    follower.clock.advance(3_000)
    await until(() => isLeader(leader), 'it leads')
    await follower.stop()
    const count = async () => ((await infoAt(leader))['netmaster-nodes'] as unknown[]).length
    await until(async () => (await count()) === 1, 'it is alone')
    assert.equal(await leader.refused('POST', '/api/v1/leader/handover/'), 'NO_OTHER_MASTER')
    assert.equal(await isLeader(leader), true)
  })
})

test('a node goes on at another master where it left off, with what changed', { timeout: 20_000 }, async () => {
  await scenario(async (one, two) => {
    const begin = new AbortController()
    let at: { epoch: string; since: number } | undefined
    for await (const message of openStream({ baseUrl: one.url, node: 'node1' }, begin.signal)) {
      if (message.type !== 'begin') continue
      at = { epoch: message.epoch, since: message.revision }
      break
    }
    assert.ok(at)
    const { revision } = await one.netmaster.cluster.transact((view) => ({
      records: [{ kind: 'global', key: 'global', value: { ...view.global, arpMode: 'flood' } }],
      grants: [],
      result: undefined,
    }))
    const got: string[] = []
    for await (const message of openStream({ baseUrl: two.url, node: 'node1', ...at }, AbortSignal.timeout(5_000))) {
      if (message.type === 'members-begin') continue
      got.push(message.type)
      if (message.type === 'delta') {
        assert.equal(message.revision, revision)
        break
      }
    }
    assert.deepEqual(got, ['resume', 'delta'])
  })
})
