// The program itself: exit statuses, signals, and what is left after kill -9.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createClient } from '../api/client.ts'
import { createNodeClient } from '../api/node-client.ts'

const program = fileURLToPath(new URL('./netmaster.ts', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'netplugin-netmaster-'))
after(() => rmSync(directory, { recursive: true }))

interface Running {
  readonly child: ChildProcessByStdio<null, null, Readable>
  readonly address: string
  readonly exited: Promise<unknown>
}

async function start(...args: string[]): Promise<Running> {
  const all = [program, '--mode', 'test', '--listen-url', '127.0.0.1:0', ...args]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  for await (const line of createInterface(child.stderr)) {
    const said: unknown = JSON.parse(line)
    if (typeof said === 'object' && said !== null && 'address' in said)
      return { child, address: String(said.address), exited }
  }
  throw new Error('netmaster ended before it listened')
}

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, stdout, stderr }
}

test('a wrong flag ends it with status 22 and a message', () => {
  const { status, stderr } = run('--netmode', 'gre')
  assert.equal(status, 22)
  assert.match(stderr, /^netmaster: --netmode "gre" is not one of vlan, vxlan\n/)
})

test('help and version go to standard output with status 0', () => {
  assert.match(run('--help').stdout, /^Usage: netmaster/)
  const version = run('--version')
  assert.match(version.stdout, /^netmaster \d+\.\d+\.\d+ \(/)
  assert.equal(version.status, 0)
})

test('a port in use ends it with status 1 and says so', { timeout: 30_000 }, async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  const child = spawn(
    process.execPath,
    [program, '--listen-url', `127.0.0.1:${bound.port}`, '--state-store', 'memory'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const exited = once(child, 'exit')
  let said = ''
  for await (const chunk of child.stderr) said += chunk
  assert.deepEqual(await exited, [1, null])
  assert.match(said, /cannot listen on 127\.0\.0\.1:\d+: another program listens there/)
  server.close()
})

test('SIGTERM ends it cleanly, and a second one on the same state is refused meanwhile', {
  timeout: 30_000,
}, async () => {
  const stateDir = join(directory, 'term')
  const { child, exited } = await start('--state-dir', stateDir)
  const second = run('--mode', 'test', '--listen-url', '127.0.0.1:0', '--state-dir', stateDir)
  assert.equal(second.status, 1)
  assert.match(second.stderr, /another netmaster uses the store/)
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

test('after kill -9 every acknowledged endpoint is there, and no address is given twice', {
  timeout: 60_000,
}, async () => {
  const stateDir = join(directory, 'kill')
  const first = await start('--state-dir', stateDir, '--netmode', 'vlan')
  const node = createNodeClient({ baseUrl: `http://${first.address}`, node: 'node1', timeoutMs: 10_000 })
  const client = createClient({ baseUrl: `http://${first.address}`, timeoutMs: 10_000 })
  await client.networks.put('default:n', { networkName: 'n', tenantName: 'default', subnet: '10.1.0.0/16' })
  const acknowledged = new Map<string, string>()
  let next = 0
  const createMany = async () => {
    while (true) {
      const EndpointID = `e${next++}`
      const { endpoint } = await node.createEndpoint({ NetworkName: 'n', EndpointID })
      acknowledged.set(EndpointID, endpoint?.ipv4 ?? '')
      if (acknowledged.size === 200) first.child.kill('SIGKILL')
    }
  }
  await Promise.allSettled(Array.from({ length: 8 }, createMany))
  await first.exited
  node.close()
  client.close()
  const second = await start('--state-dir', stateDir, '--netmode', 'vxlan')
  const again = createClient({ baseUrl: `http://${second.address}`, timeoutMs: 10_000 })
  const kept = new Map((await again.endpoints.list()).map((endpoint) => [endpoint.endpointID, endpoint.ipAddress?.[0]]))
  assert.ok(acknowledged.size >= 200)
  for (const [id, address] of acknowledged) assert.equal(kept.get(id), address, id)
  const nodeAgain = createNodeClient({ baseUrl: `http://${second.address}`, node: 'node1', timeoutMs: 10_000 })
  const { endpoint } = await nodeAgain.createEndpoint({ NetworkName: 'n', EndpointID: 'new' })
  assert.equal(new Set(kept.values()).size, kept.size)
  assert.ok(![...kept.values()].includes(endpoint?.ipv4))
  const made = await again.networks.put('default:m', { networkName: 'm', tenantName: 'default', subnet: '10.2.0.0/16' })
  assert.equal(made.encap, 'vlan', 'the network mode of the first start stays')
  nodeAgain.close()
  again.close()
  second.child.kill('SIGTERM')
  await second.exited
})
