// Rules from the command line to the flows of a host: what was typed is what packets meet, and an edit changes flows once.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { routerMac } from '../../src/core/pipeline/facts.ts'
import { printFlow } from '../../src/core/pipeline/print.ts'
import { sctp, tcp, udp } from '../../src/core/pipeline/simulate/packet.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { applyChanges } from '../../src/model/apply-changes.ts'
import { emptyState } from '../../src/model/state.ts'
import { create } from '../../src/netmaster/testing-nodes.ts'
import { numberedHosts } from '../properties/arbitrary-cluster.ts'
import { nodeRecord } from '../support/cluster.ts'
import { runInOrder, startCluster } from '../support/command-lines.ts'

type Kind = 'tcp' | 'udp' | 'sctp'

/** A network with a server of group web_1, and clients of group db-2.x and of none, all on node1. */
async function populate(t: TestContext) {
  const { url, cluster } = await startCluster(t)
  const netctl = (...lines: readonly string[]) =>
    runInOrder(
      url,
      lines.map((line) => ({ line, out: /^(Creating .*\n)?$/ })),
    )
  await netctl(
    'net create -s 20.1.1.0/24 -g 20.1.1.254 -s6 2001:db8::/64 contiv_net',
    'policy create prod_web.v1',
    'group create -p prod_web.v1 contiv_net web_1',
    'group create contiv_net db-2.x',
  )
  const inGroup = (ServiceName: string) => ({ NetworkName: 'contiv_net', ServiceName, Node: 'node1' })
  for (const [id, group] of [
    ['server', 'web_1'],
    ['client', 'db-2.x'],
    ['other', ''],
  ] as const)
    await create(cluster, id, inGroup(group))
  const world = () => {
    const { revision } = cluster.netmaster.cluster
    const node = { kind: 'node', key: 'node1', value: nodeRecord('node1', '192.0.2.1') } as const
    const state = applyChanges(emptyState, revision, [...cluster.netmaster.cluster.records(), node])
    return new World({ state, hosts: numberedHosts(state) })
  }
  const flows = () => [...world().host('node1').flows.values()].flat().map(printFlow).sort()
  /** Whether the server hears the first packet of a connection. */
  const opens = (from: 'client' | 'other', kind: Kind, port: number, isV6 = false) => {
    const now = world()
    const [sender, server] = [now.state.endpoints.get(from), now.state.endpoints.get('server')]
    assert.ok(sender !== undefined && server !== undefined)
    const ends = [
      { mac: sender.mac, ip: isV6 ? sender.ipv6 : sender.ipv4 },
      { mac: routerMac, ip: isV6 ? server.ipv6 : server.ipv4 },
    ] as const
    const packet = { tcp, udp, sctp }[kind](...ends, { source: 30_000, destination: port })
    return now.send(from, packet).deliveries.some(({ to }) => to === 'server')
  }
  return { url, cluster, netctl, flows, opens }
}

test('names with underscores, hyphens and dots lead from the command line to flows', async (t) => {
  const { url, cluster, netctl, opens } = await populate(t)
  await netctl(
    'policy rule-add prod_web.v1 deny_all --protocol=tcp --action=deny',
    'policy rule-add prod_web.v1 allow-db_1.x --from-group=db-2.x --protocol=tcp --port=8000-8100,80 --priority=10',
  )
  const at = (from: 'client' | 'other') => [80, 81, 8050, 8101].filter((port) => opens(from, 'tcp', port))
  assert.deepEqual([at('client'), at('other')], [[80, 8050], []])
  await runInOrder(url, [
    { line: 'policy rule-ls -q prod_web.v1', out: 'deny_all\nallow-db_1.x\n' },
    { line: 'policy rule-ls prod_web.v1', out: /allow-db_1\.x +10 +db-2\.x +tcp +80,8000-8100 +allow\n/ },
  ])
  const shown: { fromEndpointGroup?: string; ports?: string } = Object(
    await cluster.ok('GET', '/api/v1/rules/default:prod_web.v1:allow-db_1.x/'),
  )
  assert.deepEqual([shown.fromEndpointGroup, shown.ports], ['db-2.x', '80,8000-8100'])
})

test('what a rule says of protocols, ports and addresses is what packets meet', async (t) => {
  const { netctl, opens } = await populate(t)
  await netctl(
    'policy rule-add prod_web.v1 1 -j deny',
    'policy rule-add prod_web.v1 2 -p 2 -l sctp -P 80,90-99',
    'policy rule-add prod_web.v1 3 -p 2 -P 54,5000-5002 -i 20.1.1.0-20.1.1.2,2001:db8::/64',
  )
  assert.deepEqual(
    [79, 80, 95, 100].map((port) => opens('other', 'sctp', port)),
    [false, true, true, false],
  )
  const ports = [54, 5001, 5003]
  const found = (from: 'client' | 'other', isV6: boolean) =>
    ports.map((port) => [opens(from, 'tcp', port, isV6), opens(from, 'udp', port, isV6)])
  const both = [true, true]
  const none = [false, false]
  // The client has 20.1.1.2, the other one 20.1.1.3.
  assert.deepEqual(found('client', false), [both, both, none])
  assert.deepEqual(found('other', false), [none, none, none])
  assert.deepEqual(found('other', true), [both, both, none])
})

test('a rule that is edited changes the flows once, by command line or by REST', async (t) => {
  const { cluster, netctl, flows } = await populate(t)
  const add = 'policy rule-add prod_web.v1 1 -j deny -l tcp'
  await netctl('policy rule-add prod_web.v1 2 -p 7 -l udp', `${add} -P 22,80`)
  const before = flows()
  const revision = () => cluster.netmaster.cluster.revision
  const stored = revision()
  await netctl(`${add} -P 80,22`)
  assert.deepEqual([flows(), revision()], [before, stored], 'the same ports in another order')
  await netctl(`${add} -P 22,443`)
  const edited = flows()
  const changed = {
    gone: before.filter((text) => !edited.includes(text)),
    come: edited.filter((text) => !before.includes(text)),
  }
  assert.equal(revision(), stored + 1)
  assert.deepEqual([changed.gone.length, changed.come.length], [2, 2])
  assert.ok(changed.gone.every((text) => text.includes('tcp_dst=80')))
  assert.ok(changed.come.every((text) => text.includes('tcp_dst=443')))
  const rule = { tenantName: 'default', policyName: 'prod_web.v1', ruleId: '1', direction: 'in', action: 'deny' }
  for (const method of ['POST', 'PUT']) {
    await cluster.ok(method, '/api/v1/rules/default:prod_web.v1:1/', { ...rule, protocol: 'tcp', ports: '22,80' })
    assert.deepEqual([flows(), revision()], [before, stored + 2], method)
  }
  await netctl(`${add} -P 80`)
  assert.equal(flows().length, before.length - 2, 'a port less, in both families')
})
