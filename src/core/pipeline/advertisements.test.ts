import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusterState } from '../../../test/support/cluster.ts'
import { buildPacket, parsePacket } from '../../protocols/packet/index.ts'
import { portNames as endpointPorts, NodeCompiler } from '../compile/compile-node.ts'
import { advertisementMark, agentControllerId, finishAdvertisementPacket } from './advertisements.ts'
import { cookieOf } from './cookies.ts'
import { portNames } from './facts.ts'
import { Renderer } from './render.ts'

const state = clusterState({
  tenants: ['default'],
  networks: [
    {
      key: 'default:net',
      encap: { kind: 'vxlan', vni: 100 },
      subnet: '10.1.0.0/16',
      gateway: '10.1.255.254',
      ipv6Subnet: 'fd00::/64',
      ipv6Gateway: 'fd00::1',
    },
  ],
  endpoints: [{ id: 'web', network: 'default:net', node: 'node1', ipv4: '10.1.0.1', ipv6: 'fd00::2' }],
  nodes: [{ node: 'node1', vtep: '10.0.0.1' }],
})

function flowsOf(agentAdvertises: boolean) {
  const network = new NodeCompiler('node1').compile(state)
  const ofPorts = new Map([
    [portNames.vxlan, 1],
    [portNames.host, 2],
    [endpointPorts('web').portName, 3],
  ])
  return [...new Renderer().render(network, { ofPorts, nameservers: [], agentAdvertises }).values()].flat()
}

test('where the switch cannot write advertisements it hands them up half finished, and nothing else changes', () => {
  const [whole, halves] = [flowsOf(false), flowsOf(true)]
  assert.equal(halves.length, whole.length)
  assert.ok(whole.some((flow) => JSON.stringify(flow.actions).includes('nd_reserved')))
  assert.ok(halves.every((flow) => !/nd_reserved|nd_options_type/.test(JSON.stringify(flow.actions))))
  const changed = halves.filter((flow, index) => flow.cookie !== whole[index]?.cookie)
  const handed = { type: 'controller', controllerId: agentControllerId, userdata: advertisementMark }
  assert.deepEqual(
    changed.filter((flow) => flow.actions.some(({ type }) => type === 'controller')).map(({ actions }) => actions),
    [[handed]],
  )
  for (const flow of changed) {
    const hash = (cookie: bigint) => cookie & 0xff_ffff_ffffn
    assert.equal(hash(flow.cookie ?? 0n), hash(cookieOf('base', flow)))
  }
})

test('a half finished advertisement gets its flags and the address of who answers', () => {
  const [asker, answerer] = ['02:02:0a:01:00:01', '00:00:11:11:11:11']
  const half = buildPacket([
    { kind: 'ethernet', source: answerer, destination: asker },
    { kind: 'ipv6', source: 'fd00::1', destination: 'fd00::2', hopLimit: 255 },
    {
      kind: 'neighbor-advertisement',
      target: 'fd00::1',
      router: false,
      solicited: false,
      override: false,
      options: [{ kind: 'source-link-address', mac: asker }],
    },
  ])
  const { layers, problems } = parsePacket(finishAdvertisementPacket(half) ?? Buffer.alloc(0))
  assert.deepEqual(problems, [])
  const advertisement = layers.find((layer) => layer.kind === 'neighbor-advertisement')
  assert.deepEqual(advertisement && { ...advertisement, checksum: undefined }, {
    kind: 'neighbor-advertisement',
    target: 'fd00::1',
    router: false,
    solicited: true,
    override: true,
    options: [{ kind: 'target-link-address', mac: answerer }],
    checksum: undefined,
  })
  assert.deepEqual([layers[0]?.kind === 'ethernet' && layers[0].destination], [asker])
  assert.equal(
    finishAdvertisementPacket(
      buildPacket([{ kind: 'ethernet', source: asker, destination: answerer, etherType: 0x1234 }]),
    ),
    undefined,
  )
})

test('whatever a container sends is finished or left alone', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 100 }), (noise, at) => {
      const half = buildPacket([
        { kind: 'ethernet', source: '00:00:11:11:11:11', destination: '02:02:0a:01:00:01' },
        { kind: 'ipv6', source: 'fd00::1', destination: 'fd00::2', hopLimit: 255 },
        {
          kind: 'neighbor-advertisement',
          target: 'fd00::1',
          router: false,
          solicited: false,
          override: false,
          options: [],
        },
      ])
      const bytes = Buffer.concat([half.subarray(0, at), noise])
      const finished = finishAdvertisementPacket(bytes)
      assert.ok(finished === undefined || parsePacket(finished).problems.length === 0)
    }),
    { numRuns: 2_000 },
  )
})
