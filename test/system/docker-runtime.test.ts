// The Docker runtime and the plugin protocol against a real engine.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DockerRuntime } from '../../src/drivers/runtime/docker.ts'
import { runtimeContract } from '../../src/drivers/runtime/runtime.contract.ts'
import { silentLog } from '../../src/lib/log.ts'
import { fakeDrivers } from '../../src/protocols/libnetwork/fake-drivers.ts'
import { LibnetworkServer } from '../../src/protocols/libnetwork/index.ts'
import { type DockerEngine, startDockerEngine, whyNoDockerEngine } from '../support/docker-engine.ts'

const missing = whyNoDockerEngine()
const soon = () => AbortSignal.timeout(30_000)

if (missing !== undefined) {
  test('the Docker runtime works with a real engine', { skip: missing }, () => {})
} else {
  let engine: DockerEngine
  before(async () => {
    engine = await startDockerEngine(soon())
  })
  after(() => engine.stop())

  runtimeContract(
    'docker',
    async () => ({
      runtime: new DockerRuntime({ socketPath: engine.socketPath }),
      startContainer: (name, network, alias) =>
        engine.docker(
          ['run', '-d', '--name', name, '--network', network, '--network-alias', alias, 'busybox', 'sleep', '1000'],
          soon(),
        ),
      removeContainer: async (id) => void (await engine.docker(['rm', '-f', id], soon())),
    }),
    { driver: 'bridge', ipamDriver: 'default' },
  )

  test('a real engine runs a container through the plugin', async () => {
    const fake = fakeDrivers({
      pool: '10.93.0.0/24',
      address: '10.93.0.1/24',
      gateway: '10.93.0.254/24',
      mac: '02:02:0a:5d:00:01',
      linkName: 'contract0',
    })
    const server = new LibnetworkServer(
      { socketPath: join(engine.pluginFolder, 'contract.sock'), callTimeoutMs: 10_000 },
      { drivers: fake, log: silentLog },
    )
    await server.start(soon())
    const runtime = new DockerRuntime({ socketPath: engine.socketPath })
    await runtime.createNetwork(
      {
        name: 'green',
        driver: 'contract',
        ipamDriver: 'contract',
        subnet: '10.93.0.0/24',
        gateway: '10.93.0.254',
        labels: {},
        options: { tenant: 't1' },
        ipamOptions: { network: 'green' },
      },
      soon(),
    )
    await engine.inNetwork('ip link add contract0 type veth peer name contract1'.split(' '), soon())
    const id = await engine.docker(
      ['run', '-d', '--name', 'web', '--network', 'green', '-p', '8080:80', 'busybox', 'sleep', '1000'],
      soon(),
    )
    const shown = await engine.docker(['exec', id, 'ip', 'addr', 'show', 'eth0'], soon())
    await engine.docker(['rm', '-f', id], soon())
    await runtime.removeNetwork('green', soon())
    await server.stop(AbortSignal.timeout(1_000))

    assert.match(shown, /link\/ether 02:02:0a:5d:00:01/)
    assert.match(shown, /inet 10\.93\.0\.1\/24/)
    assert.deepEqual(
      fake.recorded.map(({ call }) => call).filter((call) => call !== 'endpointOperInfo'),
      [
        'requestPool',
        'requestAddress',
        'createNetwork',
        'requestAddress',
        'createEndpoint',
        'join',
        'leave',
        'deleteEndpoint',
        'releaseAddress',
        'releaseAddress',
        'releasePool',
        'deleteNetwork',
      ],
    )
    const created = fake.recorded.find(({ call }) => call === 'createEndpoint')?.request
    assert.deepEqual((created as { options: { portMap: unknown } }).options.portMap, [
      { protocol: 6, ip: '', port: 80, hostIp: '', hostPort: 8080, hostPortEnd: 8080 },
    ])
  })
}
