// Who is told which hosts have members of multicast groups, and who gets to see it.

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { maxGroups, type NetworkMulticast } from '../model/multicast.ts'
import type { StreamMessage } from '../model/state.ts'
import { Members } from './members.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'
import { create } from './testing-nodes.ts'

const group = '239.1.1.1'
const report = (members: number, everything = false) => ({ everything, groups: [{ group, members }] })
const body = (network: string, said: ReturnType<typeof report> | null, first = false) => ({
  first,
  networks: [{ network, report: said }],
})

async function withCluster(
  work: (netmaster: TestNetmaster) => Promise<void>,
  fwdMode: 'bridge' | 'routing' = 'bridge',
): Promise<void> {
  const netmaster = await startTestNetmaster({ fwdMode })
  try {
    for (const node of ['node1', 'node2', 'node3']) {
      await netmaster.ok('POST', `/internal/v1/nodes/${node}/register`, {})
    }
    for (const [name, subnet] of [
      ['n', '10.1.1.0/24'],
      ['other', '10.1.2.0/24'],
    ]) {
      const network = { networkName: name, tenantName: 'default', subnet }
      await netmaster.ok('POST', `/api/v1/networks/default:${name}/`, network)
    }
    await work(netmaster)
  } finally {
    await netmaster.stop()
  }
}

/** A node's stream, and what came down it; `takes`: bytes until it is behind. */
function follow(members: Members, node: string, takes = 1_000_000) {
  const stream = new PassThrough({ highWaterMark: takes })
  const unfollow = members.opened(node, stream)
  const heard = (): StreamMessage[] => {
    const text = String(stream.read() ?? '').trim()
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as StreamMessage)
  }
  return { heard, unfollow }
}

const said = (host: string, network = 'default:n') => ({
  type: 'members',
  network,
  host,
  members: { everything: false, groups: [group] },
})

test('hosts with endpoints of the network are told, and others are not', () =>
  withCluster(async (netmaster) => {
    await create(netmaster, 'e1')
    await create(netmaster, 'e2', { Node: 'node2' })
    const members = new Members({ cluster: netmaster.netmaster.cluster })
    const [one, two, three] = ['node1', 'node2', 'node3'].map((node) => follow(members, node))
    for (const each of [one, two, three]) assert.deepEqual(each?.heard(), [{ type: 'members-begin' }])
    assert.equal(members.report('node1', body('default:n', report(1), true)), 1)
    assert.deepEqual([one?.heard(), two?.heard(), three?.heard()], [[], [said('node1')], []])
    members.report('node1', body('default:n', report(2)))
    assert.deepEqual(two?.heard(), [], 'how many members there are is no matter to others')
    const again = follow(members, 'node2')
    assert.deepEqual(again.heard(), [{ type: 'members-begin' }, said('node1')])
    members.report('node1', body('default:n', null))
    assert.deepEqual(again.heard(), [{ ...said('node1'), members: null }])
  }))

test('a host that gets its first endpoint of a network is told then', () =>
  withCluster(async (netmaster) => {
    await create(netmaster, 'e1')
    const members = new Members({ cluster: netmaster.netmaster.cluster })
    const stop = new AbortController()
    const running = members.run(stop.signal)
    const three = follow(members, 'node3')
    members.report('node1', body('default:n', report(1), true))
    assert.deepEqual(three.heard(), [{ type: 'members-begin' }])
    await create(netmaster, 'e3', { Node: 'node3' })
    assert.deepEqual(three.heard(), [said('node1')])
    stop.abort()
    await running
  }))

test('what a host said before it begins anew holds no more', () =>
  withCluster(async (netmaster) => {
    await create(netmaster, 'e2', { Node: 'node2' })
    await create(netmaster, 'e4', { NetworkName: 'other', Node: 'node2' })
    const members = new Members({ cluster: netmaster.netmaster.cluster })
    members.report('node1', body('default:n', report(1), true))
    members.report('node1', body('default:other', report(1)))
    const two = follow(members, 'node2')
    assert.equal(two.heard().length, 3)
    members.report('node1', body('default:n', report(2), true))
    const heard = two.heard().filter((message) => message.type === 'members')
    assert.deepEqual(heard.map(({ network, members: told }) => [network, told !== null]).sort(), [
      ['default:n', true],
      ['default:other', false],
    ])
  }))

test('who is behind is told the newest when it takes something again', () =>
  withCluster(async (netmaster) => {
    await create(netmaster, 'e2', { Node: 'node2' })
    const members = new Members({ cluster: netmaster.netmaster.cluster })
    const slow = follow(members, 'node2', 1)
    members.report('node1', body('default:n', report(1), true))
    members.report('node1', body('default:n', report(1, true)))
    members.report('node1', body('default:n', null))
    const heard = slow.heard()
    await new Promise(setImmediate)
    heard.push(...slow.heard())
    assert.deepEqual(heard, [{ type: 'members-begin' }, { ...said('node1'), members: null }])
  }))

test('nodes and networks that are not there are not kept, and bodies are bounded', () =>
  withCluster(async (netmaster) => {
    const post = (node: string, sent: object) => netmaster.ok('POST', `/internal/v1/nodes/${node}/members`, sent)
    assert.deepEqual(await post('node1', body('default:none', report(1), true)), { taken: 0 })
    assert.deepEqual(await post('stranger', body('default:n', report(1), true)), { taken: 0 })
    const many = Array.from({ length: maxGroups + 1 }, (_, index) => ({
      group: `239.1.${index >> 8}.${index & 255}`,
      members: 1,
    }))
    const tooMany = { first: false, networks: [{ network: 'default:n', report: { everything: false, groups: many } }] }
    await netmaster.refused('POST', '/internal/v1/nodes/node1/members', tooMany)
  }))

test('users see groups, members by host, and hosts about which nothing is known', () =>
  withCluster(async (netmaster) => {
    for (const node of ['node1', 'node2', 'node3']) await create(netmaster, `e-${node}`, { Node: node })
    const post = (node: string, sent: object) => netmaster.ok('POST', `/internal/v1/nodes/${node}/members`, sent)
    await post('node2', body('default:n', report(2), true))
    await post('node1', body('default:n', report(1), true))
    const shown = () =>
      netmaster.ok('GET', '/api/v1/inspect/networks/default:n/multicast/') as Promise<NetworkMulticast>
    const hosts = [
      { host: 'node1', members: 1 },
      { host: 'node2', members: 2 },
    ]
    assert.deepEqual(await shown(), {
      key: 'default:n',
      multicast: 'snoop',
      groups: [{ group, hosts }],
      everything: ['node3'],
    })
    assert.equal(
      await netmaster.refused('GET', '/api/v1/inspect/networks/default:none/multicast/'),
      'NETWORK_NOT_FOUND',
    )
  }))

test('a network says what it does with multicast, and may be told something else at any time', () =>
  withCluster(async (netmaster) => {
    await create(netmaster, 'e1')
    const path = '/api/v1/networks/default:n/'
    const network = { networkName: 'n', tenantName: 'default', subnet: '10.1.1.0/24' }
    const modes = async () => {
      const { multicast: asked } = (await netmaster.ok('GET', path)) as { multicast?: string }
      const inspected = await netmaster.ok('GET', '/api/v1/inspect/networks/default:n/multicast/')
      return [asked, (inspected as NetworkMulticast).multicast]
    }
    assert.deepEqual(await modes(), [undefined, 'off'])
    await netmaster.ok('POST', path, { ...network, multicast: 'snoop' })
    assert.deepEqual(await modes(), ['snoop', 'snoop'])
    await netmaster.ok('POST', path, network)
    assert.deepEqual(await modes(), [undefined, 'off'])
    await netmaster.refused('POST', path, { ...network, multicast: 'yes' })
  }, 'routing'))
