import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState } from '../../test/support/cluster.ts'
import { FakeRuntime } from '../drivers/runtime/fake.ts'
import type { NetworkSpec } from '../drivers/runtime/runtime.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { ClusterState, GroupRecord } from '../model/state.ts'
import { DockerNetworks, networkLabel, wantedNetworks } from './docker-networks.ts'
import { recordingLog, small } from './testing.ts'

class Runtime extends FakeRuntime {
  refuse: (spec: NetworkSpec) => NetpluginError | undefined = () => undefined

  override async createNetwork(spec: NetworkSpec): Promise<string> {
    const error = this.refuse(spec)
    if (error !== undefined) throw error
    return await super.createNetwork(spec)
  }
}

function setup() {
  const runtime = new Runtime()
  const { log, lines } = recordingLog()
  const networks = new DockerNetworks({ driver: 'netplugin' }, { runtime, log })
  const reconcile = (state: ClusterState, remove = true) =>
    networks.reconcile(state, remove, AbortSignal.timeout(5_000))
  const names = async () => (await runtime.networks({})).map(({ name }) => name)
  const complaints = () => lines.filter(({ level }) => level !== 'info')
  return { runtime, reconcile, names, complaints }
}

const group = (groupName: string, networkName: string, tenantName = 'default'): GroupRecord => ({
  tenantName,
  groupName,
  networkName,
  groupId: 1,
  ipPool: '',
  policies: [],
  extContractsGrps: [],
  netProfile: '',
  cfgdTag: '',
})

const withGroup = (state: ClusterState, record: GroupRecord): ClusterState => ({
  ...state,
  groups: new Map([[`${record.tenantName}:${record.groupName}`, record]]),
})

const without = (state: ClusterState, key: string): ClusterState => ({
  ...state,
  networks: new Map([...state.networks].filter(([name]) => name !== key)),
})

const foreign = {
  driver: 'bridge',
  ipamDriver: 'default',
  subnet: '10.0.0.0/8',
  labels: {},
  options: {},
  ipamOptions: {},
}

test('networks and groups have the names that users know them by', () => {
  const state = withGroup(small(), group('web', 'net'))
  assert.deepEqual([...wantedNetworks(state).keys()].sort(), ['isle', 'net', 'net/blue', 'web.net'])
  const blue = withGroup(small(), group('web', 'net', 'blue'))
  assert.deepEqual(wantedNetworks(blue).get('web.net/blue')?.options, { tenant: 'blue', network: 'net', group: 'web' })
})

test('infra networks, and groups of a network that is not there, are not for containers', () => {
  const net = { ...small().networks.get('default:net')!, nwType: 'infra' as const }
  const state = withGroup({ ...small(), networks: new Map([['default:net', net]]) }, group('web', 'net'))
  assert.deepEqual([...wantedNetworks(state).keys()], [])
  assert.deepEqual([...wantedNetworks(withGroup(without(small(), 'default:net'), group('web', 'net'))).keys()].sort(), [
    'isle',
    'net/blue',
  ])
})

test('Docker gets each network with its addresses, its options and the label by which it is known again', async () => {
  const { runtime, reconcile } = setup()
  assert.deepEqual(await reconcile(small()), { complete: true })
  const found = (await runtime.networks({})).map(({ id: _, ...rest }) => rest)
  assert.deepEqual(found, [
    {
      name: 'isle',
      driver: 'netplugin',
      labels: { [networkLabel]: 'default:isle' },
      options: { tenant: 'default', network: 'isle' },
      subnets: [{ subnet: '10.2.0.0/16' }],
      enableIpv6: false,
    },
    {
      name: 'net',
      driver: 'netplugin',
      labels: { [networkLabel]: 'default:net' },
      options: { tenant: 'default', network: 'net' },
      subnets: [
        { subnet: '10.1.0.0/16', gateway: '10.1.255.254' },
        { subnet: 'fd00::/64', gateway: 'fd00::1' },
      ],
      enableIpv6: true,
    },
    {
      name: 'net/blue',
      driver: 'netplugin',
      labels: { [networkLabel]: 'blue:net' },
      options: { tenant: 'blue', network: 'net' },
      subnets: [{ subnet: '10.3.0.0/24', gateway: '10.3.0.1' }],
      enableIpv6: false,
    },
  ])
})

test('what is there already stays the same network', async () => {
  const { runtime, reconcile } = setup()
  await reconcile(small())
  const before = await runtime.networks({})
  await reconcile(small())
  assert.deepEqual(await runtime.networks({}), before)
})

test('a network that is gone goes, and is looked for no more', async () => {
  const { reconcile, names } = setup()
  await reconcile(small())
  assert.deepEqual(await reconcile(without(small(), 'default:isle')), { complete: true })
  assert.deepEqual(await names(), ['net', 'net/blue'])
})

test('nothing is removed before the whole state is known', async () => {
  const { reconcile, names } = setup()
  await reconcile(small())
  assert.deepEqual(await reconcile(without(small(), 'default:isle'), false), { complete: true })
  assert.deepEqual(await names(), ['isle', 'net', 'net/blue'])
})

test('a network with containers stays until they have gone; that is said once', async () => {
  const { runtime, reconcile, names, complaints } = setup()
  await reconcile(small())
  const container = runtime.startContainer('web', 'isle', {})
  const state = without(small(), 'default:isle')
  assert.deepEqual(await reconcile(state), { complete: false })
  assert.deepEqual(await reconcile(state), { complete: false })
  assert.deepEqual(
    complaints().map(({ fields }) => fields.network),
    ['isle'],
  )
  runtime.removeContainer(container.id)
  assert.deepEqual(await reconcile(state), { complete: true })
  assert.deepEqual(await names(), ['net', 'net/blue'])
})

test('a network that was made again with another subnet is made again in Docker', async () => {
  const { runtime, reconcile } = setup()
  await reconcile(small())
  const isle = { ...small().networks.get('default:isle')!, subnet: '10.7.0.0/16', gateway: '10.7.0.1' }
  const state = { ...small(), networks: new Map(small().networks).set('default:isle', isle) }
  assert.deepEqual(await reconcile(state), { complete: true })
  const found = (await runtime.networks({})).find(({ name }) => name === 'isle')
  assert.deepEqual(found?.subnets, [{ subnet: '10.7.0.0/16', gateway: '10.7.0.1' }])
})

test('a network that lost its gateway or its IPv6 subnet is made again without them', async () => {
  const { runtime, reconcile } = setup()
  await reconcile(small())
  const net = { ...small().networks.get('default:net')!, gateway: '', ipv6Subnet: '', ipv6Gateway: '' }
  const state = { ...small(), networks: new Map(small().networks).set('default:net', net) }
  const subnetsOfNet = async () => (await runtime.networks({})).find(({ name }) => name === 'net')?.subnets
  await reconcile(state)
  assert.deepEqual(await subnetsOfNet(), [{ subnet: '10.1.0.0/16' }])
  await reconcile(small())
  assert.deepEqual(
    (await subnetsOfNet())?.map(({ gateway }) => gateway),
    ['10.1.255.254', 'fd00::1'],
  )
})

test('a network of another driver with our name is left alone, and said once', async () => {
  const { runtime, reconcile, names, complaints } = setup()
  await runtime.createNetwork({ name: 'isle', ...foreign })
  await reconcile(small())
  await reconcile(small())
  assert.deepEqual(await names(), ['isle', 'net', 'net/blue'])
  assert.deepEqual(
    (await runtime.networks({ driver: 'bridge' })).map(({ name }) => name),
    ['isle'],
  )
  assert.deepEqual(
    complaints().map(({ fields }) => [fields.network, fields.reason]),
    [['isle', 'bridge']],
  )
})

test('a network made by hand may stand for one of ours; one that means another is complained about, once', async () => {
  const { runtime, reconcile, complaints } = setup()
  const byHand = { ...foreign, driver: 'netplugin' }
  await runtime.createNetwork({ name: 'isle', ...byHand, subnet: '10.2.0.0/16' })
  await runtime.createNetwork({ name: 'net/blue', ...byHand, options: { tenant: 'blue', network: 'net' } })
  assert.deepEqual(await reconcile(small()), { complete: true })
  assert.deepEqual(complaints(), [])
  await runtime.removeNetwork('net/blue')
  await runtime.createNetwork({ name: 'net/blue', ...byHand, options: { network: 'net' } })
  await reconcile(small())
  await reconcile(small())
  assert.deepEqual(
    complaints().map(({ fields }) => fields.network),
    ['net/blue'],
  )
})

test('networks without our label are never removed', async () => {
  const { runtime, reconcile, names } = setup()
  await runtime.createNetwork({ name: 'bridge', ...foreign })
  await runtime.createNetwork({ name: 'by-hand', ...foreign, driver: 'netplugin' })
  await reconcile(clusterState({ tenants: [], networks: [], endpoints: [], nodes: [] }))
  assert.deepEqual(await names(), ['bridge', 'by-hand'])
})

test('a network that Docker refuses does not keep the others from being made', async () => {
  const { runtime, reconcile, names, complaints } = setup()
  runtime.refuse = ({ name }) =>
    name === 'net' ? new NetpluginError('invalid', 'DOCKER_REFUSED', 'Docker: no') : undefined
  assert.deepEqual(await reconcile(small()), { complete: false })
  assert.deepEqual(await reconcile(small()), { complete: false })
  assert.deepEqual(await names(), ['isle', 'net/blue'])
  assert.equal(complaints().length, 1)
  runtime.refuse = () => undefined
  assert.deepEqual(await reconcile(small()), { complete: true })
  assert.deepEqual(await names(), ['isle', 'net', 'net/blue'])
})

test('while Docker is away the caller hears that', async () => {
  const { runtime, reconcile } = setup()
  runtime.setUp(false)
  await assert.rejects(reconcile(small()), { code: 'RUNTIME_UNREACHABLE' })
  runtime.setUp(true)
  await reconcile(small())
  runtime.refuse = () => new NetpluginError('unavailable', 'DOCKER_UNREACHABLE', 'Docker went away')
  await assert.rejects(
    reconcile({
      ...small(),
      networks: new Map(small().networks).set('x:y', { ...small().networks.get('blue:net')!, networkName: 'y' }),
    }),
    {
      code: 'DOCKER_UNREACHABLE',
    },
  )
})
