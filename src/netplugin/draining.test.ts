import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type EndpointIntent, type ServiceIntent } from '../../test/support/cluster.ts'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import { parseConnections } from '../protocols/unixctl/index.ts'
import { Draining } from './draining.ts'

const web: ServiceIntent = {
  key: 'red:web',
  network: 'one',
  address: '10.1.0.100',
  selectors: ['tier=web'],
  ports: ['80:8080:tcp'],
}
const provider = (id: string, ipv4: string): EndpointIntent => ({
  id,
  network: 'red:one',
  node: 'b',
  ipv4,
  labels: { tier: 'web', id },
})
const [p2, p3] = [provider('p2', '10.1.0.2'), provider('p3', '10.1.0.3')]
const only = (id: string): ServiceIntent => ({ ...web, selectors: [`id=${id}`] })

function cluster(service: ServiceIntent, ...providers: readonly EndpointIntent[]) {
  return clusterState({
    tenants: ['red'],
    networks: [{ key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' }],
    services: [service],
    endpoints: [{ id: 'client', network: 'red:one', node: 'a', ipv4: '10.1.0.1' }, ...providers],
    nodes: [{ node: 'a' }, { node: 'b' }],
  })
}

const connection = (to: string, port = 1) =>
  `tcp,orig=(src=10.1.0.1,dst=10.1.0.100,sport=${port},dport=80),reply=(src=${to},dst=10.1.0.1,sport=8080,dport=${port}),zone=1,protoinfo=(state=ESTABLISHED)`

function start(connections: () => string = () => '') {
  const compiler = new NodeCompiler('a')
  const draining = new Draining()
  const known = { isWhole: true }
  const list = () => Promise.resolve(parseConnections(connections()))
  const pass = async (service: ServiceIntent, ...providers: readonly EndpointIntent[]) => {
    const compiled = compiler.compile(cluster(service, ...providers))
    await draining.recall(compiled, list, known.isWhole)
    const [view] = draining.note(compiled).services.values()
    assert.ok(view)
    return view
  }
  const said = async (service: ServiceIntent, ...providers: readonly EndpointIntent[]) => {
    const view = await pass(service, ...providers)
    return [view.providers, view.draining].map((some) => some.map(({ endpointId }) => endpointId).join(' '))
  }
  return { pass, said, known, look: (now: number) => draining.look(list, now) }
}

test('who is chosen no more keeps what is open while it lives', async () => {
  const { said } = start()
  assert.deepEqual(await said(web, p2, p3), ['p2 p3', ''])
  assert.deepEqual(await said(only('p3'), p2, p3), ['p3', 'p2'])
  assert.deepEqual(await said(only('nobody'), p2, p3), ['', 'p3 p2'])
  assert.deepEqual(await said(web, p2, p3), ['p2 p3', ''])
  assert.deepEqual(await said(only('p3'), p3), ['p3', ''])
})

test('another endpoint with its address is not it', async () => {
  const { said } = start()
  await said(web, p2, p3)
  assert.deepEqual(await said(only('p3'), { ...p2, id: 'heir', labels: {} }, p3), ['p3', ''])
})

test('a service that moved has nobody of before', async () => {
  const { said } = start()
  await said(web, p2, p3)
  assert.deepEqual(await said({ ...only('p3'), address: '10.1.0.101' }, p2, p3), ['p3', ''])
})

test('an agent that starts reads them from the connections', async () => {
  const { said } = start(() => [connection('10.1.0.2'), connection('10.1.0.9', 2)].join('\n'))
  assert.deepEqual(await said(only('p3'), p2, p3), ['p3', 'p2'])
})

test('and reads them again while it knows only what its predecessor left', async () => {
  const { said, known } = start(() => connection('10.1.0.2'))
  known.isWhole = false
  assert.deepEqual(await said(only('p3'), p3), ['p3', ''], 'p2 was there for less than a second')
  known.isWhole = true
  assert.deepEqual(await said(only('p3'), p2, p3), ['p3', 'p2'])
})

test('those without a connection are let go, now and then, until they are chosen again', async () => {
  let open = connection('10.1.0.2')
  const { said, look } = start(() => open)
  await said(web, p2, p3)
  assert.deepEqual(await said(only('p3'), p2, p3), ['p3', 'p2'])
  assert.equal(await look(0), false, 'one is open')
  open = ''
  assert.equal(await look(29_000), false, 'looked a moment ago')
  assert.equal(await look(30_000), true)
  assert.deepEqual(await said(only('p3'), p2, p3), ['p3', ''])
  assert.deepEqual(await said(only('p3'), p2, p3), ['p3', ''])
  await said(web, p2, p3)
  assert.deepEqual(await said(only('p3'), p2, p3), ['p3', 'p2'])
})

test('what did not change is the same object', async () => {
  const compiler = new NodeCompiler('a')
  const draining = new Draining()
  const note = (state: ReturnType<typeof cluster>) => draining.note(compiler.compile(state)).services
  note(cluster(web, p2, p3))
  const state = cluster(only('p3'), p2, p3)
  const first = note(state)
  assert.equal(first.get('red:web')?.draining.length, 1)
  assert.equal(note({ ...state, revision: state.revision + 1 }), first)
})
