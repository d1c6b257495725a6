// What every runtime must do. A test file calls this with a way to make one; `startContainer` attaches a new container
// to a network and returns its id, `removeContainer` ends it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { NetworkSpec, Runtime, RuntimeEvent } from './runtime.ts'

export interface RuntimeUnderTest {
  readonly runtime: Runtime
  readonly startContainer: (name: string, networkName: string, alias: string) => Promise<string>
  readonly removeContainer: (id: string) => Promise<void>
}

const soon = () => AbortSignal.timeout(30_000)

export function runtimeContract(
  title: string,
  make: (t: TestContext) => Promise<RuntimeUnderTest>,
  drivers: { readonly driver: string; readonly ipamDriver: string },
): void {
  const blue: NetworkSpec = {
    ...drivers,
    name: 'blue/tenant-a',
    subnet: '10.91.0.0/24',
    gateway: '10.91.0.254',
    labels: { owner: 'contract' },
    options: { 'contract.option': 'x' },
    ipamOptions: {},
  }

  test(`${title}: a network is there after its creation, with what was asked for, and gone after its removal`, async (t) => {
    const { runtime } = await make(t)
    const id = await runtime.createNetwork(blue, soon())
    const [network, ...others] = await runtime.networks({ driver: blue.driver }, soon())
    assert.deepEqual(
      { network, others },
      {
        network: {
          id,
          name: 'blue/tenant-a',
          driver: blue.driver,
          labels: blue.labels,
          options: blue.options,
          subnets: [{ subnet: '10.91.0.0/24', gateway: '10.91.0.254' }],
          enableIpv6: false,
        },
        others: [],
      },
    )
    await runtime.removeNetwork('blue/tenant-a', soon())
    assert.deepEqual(await runtime.networks({ driver: blue.driver }, soon()), [])
  })

  test(`${title}: a network may have IPv6 too`, async (t) => {
    const { runtime } = await make(t)
    await runtime.createNetwork({ ...blue, ipv6Subnet: 'fd00:91::/64', ipv6Gateway: 'fd00:91::fe' }, soon())
    const [network] = await runtime.networks({ driver: blue.driver }, soon())
    assert.equal(network?.enableIpv6, true)
    assert.deepEqual(network?.subnets[1], { subnet: 'fd00:91::/64', gateway: 'fd00:91::fe' })
    await runtime.removeNetwork(blue.name, soon())
  })

  test(`${title}: networks of other drivers are not listed`, async (t) => {
    const { runtime } = await make(t)
    assert.deepEqual(await runtime.networks({ driver: 'no-such-driver' }, soon()), [])
  })

  test(`${title}: a second network of one name is refused`, async (t) => {
    const { runtime } = await make(t)
    await runtime.createNetwork(blue, soon())
    const again = { ...blue, subnet: '10.92.0.0/24', gateway: '10.92.0.254' }
    await assert.rejects(runtime.createNetwork(again, soon()), { kind: 'conflict', code: 'NETWORK_EXISTS' })
    await runtime.removeNetwork(blue.name, soon())
  })

  test(`${title}: what is not there is reported as missing`, async (t) => {
    const { runtime } = await make(t)
    await assert.rejects(runtime.removeNetwork('no-such-network', soon()), { kind: 'not-found' })
    assert.equal(await runtime.container('0123456789ab', soon()), undefined)
  })

  test(`${title}: a container shows where it is attached, and holds its network`, async (t) => {
    const { runtime, startContainer, removeContainer } = await make(t)
    const networkId = await runtime.createNetwork(blue, soon())
    const id = await startContainer('web', blue.name, 'www')
    const container = await runtime.container(id, soon())
    assert.deepEqual(await runtime.containers(soon()), [container])
    assert.deepEqual(
      { id: container?.id, name: container?.name, running: container?.running },
      { id, name: 'web', running: true },
    )
    const [attachment] = container?.attachments ?? []
    assert.equal(attachment?.networkId, networkId)
    assert.equal(attachment?.networkName, blue.name)
    assert.match(attachment?.endpointId ?? '', /^[0-9a-f]{64}$/)
    assert.match(attachment?.ipv4 ?? '', /^10\.91\.0\.\d+$/)
    assert.match(attachment?.mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
    assert.deepEqual(attachment?.aliases, ['www'])
    assert.match(container?.namespace ?? '', /^\/proc\/\d+\/ns\/net$/)

    await assert.rejects(runtime.removeNetwork(networkId, soon()), { kind: 'conflict', code: 'NETWORK_IN_USE' })
    await removeContainer(id)
    assert.equal(await runtime.container(id, soon()), undefined)
    await runtime.removeNetwork(networkId, soon())
  })

  test(`${title}: a container is taken off a network once, and a second time is no error`, async (t) => {
    const { runtime, startContainer, removeContainer } = await make(t)
    const networkId = await runtime.createNetwork(blue, soon())
    const id = await startContainer('web', blue.name, 'www')
    await runtime.disconnect(networkId, id, soon())
    assert.deepEqual((await runtime.container(id, soon()))?.attachments, [])
    await runtime.disconnect(networkId, id, soon())
    await removeContainer(id)
    await runtime.disconnect(networkId, id, soon())
    await runtime.removeNetwork(networkId, soon())
  })

  test(`${title}: a watch reports networks and containers, and ends with its signal`, async (t) => {
    const { runtime, startContainer, removeContainer } = await make(t)
    const stop = new AbortController()
    const seen: RuntimeEvent[] = []
    const opened = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const destroyed = Promise.withResolvers<void>()
    const watching = runtime.watch(
      (event) => {
        seen.push(event)
        if (event.type === 'container' && event.action === 'start') started.resolve()
        if (event.type === 'network' && event.action === 'destroy') destroyed.resolve()
      },
      { opened: opened.resolve },
      AbortSignal.any([stop.signal, soon()]),
    )
    await opened.promise
    const networkId = await runtime.createNetwork(blue, soon())
    const id = await startContainer('web', blue.name, 'www')
    await started.promise
    await removeContainer(id)
    await runtime.removeNetwork(networkId, soon())
    await destroyed.promise
    stop.abort()
    await watching
    const short = seen.map(({ type, action, name }) => `${type} ${action} ${name}`)
    for (const wanted of ['network create blue/tenant-a', 'container start web', 'network destroy blue/tenant-a']) {
      assert.ok(short.includes(wanted), `${wanted} is not in ${short.join(', ')}`)
    }
    assert.ok(seen.some((event) => event.id === id))
  })
}
