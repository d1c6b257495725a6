import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusterState, type Intent } from '../../../../test/support/cluster.ts'
import { NodeCompiler } from '../../compile/compile-node.ts'
import { desiredGroups, groupNumbers } from './service-groups.ts'
import { serviceFlows } from './services.ts'

function servicesOf(providers: number, ports: readonly string[]) {
  const intent: Intent = {
    tenants: ['red'],
    networks: [{ key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/16' }],
    services: [{ key: 'red:s', network: 'one', address: '10.1.200.1', selectors: ['a=b'], ports }],
    endpoints: [
      { id: 'client', network: 'red:one', node: 'node1', ipv4: '10.1.100.1' },
      ...Array.from({ length: providers }, (_, index) => ({
        id: `e${index}`,
        network: 'red:one',
        node: 'node2',
        ipv4: `10.1.${index >> 8}.${index & 255}`,
        labels: { a: 'b' },
      })),
    ],
    nodes: [{ node: 'node1' }, { node: 'node2' }],
  }
  return new NodeCompiler('node1').compile(clusterState(intent)).services
}

test('every provider is in one bucket of each port, and no group has more than the datapath chooses from', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_200 }),
      fc.constantFrom(['80:80:tcp'], ['80:80:tcp', '81:81:tcp']),
      (count, ports) => {
        const services = servicesOf(count, ports)
        const groups = [...desiredGroups(services).values()]
        assert.ok(groups.every(({ buckets = [] }) => buckets.length >= 1 && buckets.length <= 256))
        const buckets = groups.flatMap((group) => group.buckets ?? []).map((bucket) => JSON.stringify(bucket.actions))
        assert.deepEqual([buckets.length, new Set(buckets).size], [count * ports.length, count * ports.length])
        const sizes = groups.map((group) => group.buckets?.length ?? 0)
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, 'dealt evenly')
      },
    ),
    { numRuns: 30 },
  )
})

test('each client port leads to one group, and the last bit says nothing', () => {
  const services = servicesOf(520, ['80:80:tcp'])
  const [service] = services.values()
  assert.ok(service)
  const numbers = groupNumbers(services.values()).get('red:s') ?? new Map()
  const picks = serviceFlows(service, numbers, { here: new Set(), limited: true }).flatMap(({ match, actions }) => {
    const [action] = actions
    return action?.type === 'group' ? [{ group: action.group, ports: match.tcp_src }] : []
  })
  const chosen = (port: number) =>
    picks.filter(({ ports }) => typeof ports === 'object' && (port & Number(ports.mask)) === Number(ports.value))
  const byPort = Array.from({ length: 16 }, (_, port) => chosen(port).map(({ group }) => group))
  assert.ok(byPort.every((groups) => groups.length === 1))
  for (let port = 0; port < 16; port += 2) assert.deepEqual(byPort[port], byPort[port + 1])
  assert.equal(new Set(byPort.flat()).size, 4)
})
