import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mutate, remove, update } from '../../protocols/ovsdb/index.ts'
import type { DesiredPort } from './database.ts'
import { bridge, expected, owner, simple, TestDatabase } from './database-fixture.ts'
import { bridgeFacts, portsOf } from './switch-rows.ts'

test('a bridge and its ports are made in one transaction', () => {
  const database = new TestDatabase()
  const bond: DesiredPort = {
    name: 'up',
    mark: {},
    interfaces: [
      { name: 'eth1', type: '', options: {} },
      { name: 'eth2', type: '', options: {} },
    ],
    bond: { mode: 'balance-tcp', lacp: 'active', fallback: true },
  }
  const desired = [
    bridge('br', [simple('web', { mac: '02:02:00:00:00:01', mtuRequest: 1450 }), bond], { mac: '02:02:00:00:00:02' }),
  ]
  const plan = database.reach(desired)
  assert.equal(plan.transactions.length, 1)
  assert.deepEqual(database.view(), expected(desired, plan))
  assert.deepEqual(database.plan(desired), { transactions: [], problems: [] })
})

test('one changed column is one small operation', () => {
  const database = new TestDatabase()
  database.reach([bridge('br', [simple('web'), simple('db')])])
  const { transactions } = database.plan([bridge('br', [simple('web'), { ...simple('db'), tag: 7 }])])
  const shapes = transactions.map((operations) => operations.map((one) => [one.op, 'row' in one ? one.row : undefined]))
  assert.deepEqual(shapes, [[['update', { tag: 7 }]]])
})

test('a new tunnel option means: away in one transaction, back in the next', () => {
  const tunnel = (key: string) => bridge('br', [simple('tun', { type: 'vxlan', options: { remote_ip: 'flow', key } })])
  const database = new TestDatabase()
  database.reach([tunnel('flow')])
  const plan = database.plan([tunnel('7')])
  assert.deepEqual(
    plan.transactions.map((operations) => operations.map(({ op }) => op)),
    [['mutate'], ['insert', 'insert', 'mutate']],
  )
  database.run(plan.transactions[0]!)
  assert.equal(bridgeFacts(database.rows, 'br', owner).ofPorts.has('tun'), false)
  database.run(plan.transactions[1]!)
  assert.deepEqual(database.plan([tunnel('7')]).transactions, [])
})

test('a port whose device came back with another index is made again, in two transactions', () => {
  const database = new TestDatabase()
  const desired = [bridge('br', [simple('web'), simple('db')])]
  const indexes = (web: number, db: number) =>
    new Map([
      ['web', { index: web }],
      ['db', { index: db }],
    ])
  database.reach(desired, true, indexes(5, 6))
  assert.deepEqual(database.plan(desired, true, indexes(5, 6)).transactions, [])
  assert.deepEqual(database.plan(desired, true, new Map()).transactions, [], 'an unknown device changes nothing')
  const before = bridgePorts(database)
  const plan = database.reach(desired, true, indexes(5, 16))
  assert.equal(plan.transactions.length, 2)
  const after = bridgePorts(database)
  assert.equal(after.get('web'), before.get('web'))
  assert.notEqual(after.get('db'), before.get('db'))
  assert.deepEqual(database.plan(desired, true, indexes(5, 16)).transactions, [])
})

test('a port made before its device was known is only marked', () => {
  const database = new TestDatabase()
  const desired = [bridge('br', [simple('web')])]
  database.reach(desired)
  const { transactions } = database.plan(desired, true, new Map([['web', { index: 5 }]]))
  assert.deepEqual(
    transactions.flat().map(({ op }) => op),
    ['mutate'],
  )
})

function bridgePorts(database: TestDatabase): ReadonlyMap<string, string> {
  return new Map([...database.rows.rows('Port').values()].map(({ name, _uuid }) => [name, _uuid]))
}

test('a new option of a patch port is changed in place', () => {
  const patch = (peer: string) => bridge('br', [simple('patch0', { type: 'patch', options: { peer } })])
  const database = new TestDatabase()
  database.reach([patch('a')])
  const { transactions } = database.plan([patch('b')])
  assert.deepEqual(
    transactions.flat().map(({ op }) => op),
    ['update'],
  )
})

test('nothing is removed before the desired state is complete, but names that are needed are freed', () => {
  const database = new TestDatabase()
  database.reach([bridge('br', [simple('web'), simple('eth1')]), bridge('up', [])])
  const bond = { ...simple('bond'), interfaces: [...simple('eth1').interfaces, ...simple('eth2').interfaces] }
  const desired = [bridge('br', [bond])]
  const plan = database.reach(desired, false)
  assert.equal(plan.transactions.length, 2)
  const view = database.view() as Record<string, { ports: object }>
  assert.deepEqual(Object.keys(view).sort(), ['br', 'up'])
  assert.deepEqual(Object.keys(view.br!.ports).sort(), ['bond', 'br', 'web'])
  const removing = database.reach(desired)
  assert.deepEqual(database.view(), expected(desired, removing))
})

test('a port of somebody else keeps its name, and the rest is done', () => {
  const database = new TestDatabase()
  database.addForeignBridge('theirs')
  database.addForeignPort('theirs', 'web')
  const before = database.foreign()
  const desired = [bridge('br', [simple('web'), simple('db')])]
  const plan = database.reach(desired)
  const [problem] = plan.problems
  assert.deepEqual(
    [problem?.kind, problem?.code, problem?.bridge, problem?.port],
    ['conflict', 'PORT_TAKEN', 'br', 'web'],
  )
  assert.match(problem?.message ?? '', /port web of bridge theirs/)
  assert.deepEqual(database.view(), expected(desired, plan))
  assert.deepEqual((database.foreign() as unknown[]).slice(0, 1), before)
  assert.deepEqual(database.plan(desired).transactions, [])
})

test('a bond that cannot get one of its devices stays as it was', () => {
  const database = new TestDatabase()
  database.addForeignBridge('theirs')
  database.addForeignPort('theirs', 'eth2')
  const bond = (names: readonly string[]): DesiredPort => ({
    name: 'bond',
    mark: {},
    interfaces: names.map((name) => ({ name, type: '', options: {} })),
  })
  database.reach([bridge('br', [bond(['eth1'])])])
  const plan = database.plan([bridge('br', [bond(['eth1', 'eth2'])])])
  assert.deepEqual(plan.transactions, [])
  assert.deepEqual(
    plan.problems.map(({ code, port }) => [code, port]),
    [['PORT_TAKEN', 'bond']],
  )
})

test('a bridge of another node or of nobody is not taken over', () => {
  const database = new TestDatabase()
  database.addForeignBridge('mine', { 'netplugin-node': 'node2' })
  database.addForeignBridge('manual')
  const plan = database.plan([bridge('mine', []), bridge('manual', [])])
  assert.deepEqual(plan.transactions, [])
  assert.deepEqual(
    plan.problems.map(({ code, bridge }) => [code, bridge]),
    [
      ['BRIDGE_TAKEN', 'manual'],
      ['BRIDGE_TAKEN', 'mine'],
    ],
  )
  assert.match(plan.problems[1]!.message, /belongs to netplugin node node2; remove it with "ovs-vsctl del-br mine"/)
})

test('a bridge that others use is not removed, only our ports on it', () => {
  const database = new TestDatabase()
  database.reach([bridge('br', [simple('web')])])
  database.addForeignPort('br', 'mirror')
  const plan = database.reach([])
  assert.deepEqual(
    plan.problems.map(({ code, message }) => [code, /mirror/.test(message)]),
    [['BRIDGE_IN_USE', true]],
  )
  const view = database.view() as Record<string, { ports: object }>
  assert.deepEqual(Object.keys(view.br!.ports), ['br'])
  assert.deepEqual(database.plan([]).transactions, [])
})

test('external ids of other programs on our rows stay, wrong ones of ours are corrected', () => {
  const database = new TestDatabase()
  const desired = [bridge('br', [simple('web')])]
  database.reach(desired)
  const where = [['name', '==', 'web']] as const
  const ids = { 'iface-id': 'theirs', 'netplugin-node': owner, 'netplugin-endpoint': 'wrong', 'netplugin-old': 'x' }
  database.run([update('Port', where, { external_ids: ids }), update('Interface', where, { external_ids: { a: 'b' } })])
  database.reach(desired)
  const [, web] = portsOf(database.rows, [...database.rows.rows('Bridge').values()][0]!, owner)
  const right = { 'netplugin-node': owner, 'netplugin-endpoint': 'e-web' }
  assert.deepEqual(web?.row.external_ids, { ...right, 'iface-id': 'theirs' })
  assert.deepEqual(web?.interfaces.get('web')?.external_ids, { ...right, a: 'b' })
})

test('facts: numbers of our ports, errors of those that failed, nothing of ports of others', () => {
  const database = new TestDatabase()
  database.reach([bridge('br', [simple('web'), simple('gone'), simple('refused'), simple('new')])])
  database.addForeignPort('br', 'theirs')
  database.run([
    update('Interface', [['name', '==', 'web']], { ofport: 5 }),
    update('Interface', [['name', '==', 'theirs']], { ofport: 6 }),
    update('Interface', [['name', '==', 'gone']], { ofport: -1, error: 'no such device' }),
    update('Interface', [['name', '==', 'refused']], { ofport: -1 }),
  ])
  const facts = bridgeFacts(database.rows, 'br', owner)
  assert.deepEqual([...facts.ofPorts], [['web', 5]])
  assert.equal(facts.errors.get('gone'), 'no such device')
  assert.match(facts.errors.get('refused') ?? '', /refused port refused/)
  assert.equal(facts.errors.size, 2)
  assert.deepEqual(bridgeFacts(database.rows, 'other', owner), { ofPorts: new Map(), errors: new Map() })
})

test('removal of a row by hand is repaired', () => {
  const database = new TestDatabase()
  const desired = [bridge('br', [simple('web')])]
  const plan = database.reach(desired)
  const port = [...database.rows.rows('Port').values()].find((row) => row.name === 'web')!
  database.run([
    mutate('Bridge', [], [['ports', 'delete', [port._uuid]]]),
    remove('Port', [['_uuid', '==', port._uuid]]),
  ])
  database.reach(desired)
  assert.deepEqual(database.view(), expected(desired, plan))
})
