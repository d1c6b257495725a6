// Answers: the shape of each version, what each version has, errors with their numbers, and all of it over the socket.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../lib/log.ts'
import { captured } from './captured.ts'
import { callDaemon } from './client.ts'
import { parseDocument } from './config.ts'
import { CniError } from './error.ts'
import { answerRequest, type CniPlugin } from './plugin.ts'
import { type CniResult, decodeResult, encodeResult } from './result.ts'
import { CniServer } from './server.ts'
import { supportedVersions, versions } from './version.ts'

const made: CniResult = {
  interfaces: [
    { name: 'vp1', mac: '02:00:00:00:00:09', mtu: 1450, sandbox: '' },
    { name: 'eth0', mac: '02:00:00:00:00:01', mtu: 1450, sandbox: '/run/netns/c1' },
  ],
  ips: [
    { address: '10.1.1.1/24', gateway: '10.1.1.254', interface: 1 },
    { address: '2001:db8::1/64', gateway: '', interface: 1 },
  ],
  routes: [{ dst: '0.0.0.0/0', gw: '10.1.1.254' }],
  dns: {},
}

class FakePlugin implements CniPlugin {
  readonly calls: string[] = []
  trouble: unknown

  async add(): Promise<CniResult> {
    this.#called('add')
    return made
  }
  async del(): Promise<void> {
    this.#called('del')
  }
  async check(): Promise<void> {
    this.#called('check')
  }
  async gc(): Promise<void> {
    this.#called('gc')
  }
  async status(): Promise<void> {
    this.#called('status')
  }
  errorOf(thrown: unknown): CniError {
    return new CniError(999, String(thrown))
  }
  #called(name: string): void {
    this.calls.push(name)
    if (this.trouble !== undefined) throw this.trouble
  }
}

const request = (command: string, config: object) => ({
  environment: { CNI_COMMAND: command, CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/c1', CNI_IFNAME: 'eth0' },
  input: JSON.stringify({ name: 'n', type: 'netplugin-cni', ...config }),
})
const signal = AbortSignal.timeout(10_000)

test('each version has its own shape of results', () => {
  const [oldest, , , numbered, , plain, newest] = versions.map((version) => encodeResult(made, version))
  assert.deepEqual(oldest, {
    cniVersion: '0.1.0',
    ip4: { ip: '10.1.1.1/24', gateway: '10.1.1.254', routes: [{ dst: '0.0.0.0/0', gw: '10.1.1.254' }] },
    ip6: { ip: '2001:db8::1/64', routes: [] },
    dns: {},
  })
  const links = (mtu: object) => [
    { name: 'vp1', mac: '02:00:00:00:00:09', ...mtu },
    { name: 'eth0', mac: '02:00:00:00:00:01', ...mtu, sandbox: '/run/netns/c1' },
  ]
  const rest = { routes: [{ dst: '0.0.0.0/0', gw: '10.1.1.254' }], dns: {} }
  assert.deepEqual(numbered, {
    cniVersion: '0.3.1',
    interfaces: links({}),
    ips: [
      { version: '4', interface: 1, address: '10.1.1.1/24', gateway: '10.1.1.254' },
      { version: '6', interface: 1, address: '2001:db8::1/64' },
    ],
    ...rest,
  })
  const ips = [
    { interface: 1, address: '10.1.1.1/24', gateway: '10.1.1.254' },
    { interface: 1, address: '2001:db8::1/64' },
  ]
  assert.deepEqual(plain, { cniVersion: '1.0.0', interfaces: links({}), ips, ...rest })
  assert.deepEqual(newest, { cniVersion: '1.1.0', interfaces: links({ mtu: 1450 }), ips, ...rest })
})

test('results of all versions are read back, and those of real plugins', () => {
  for (const version of versions) {
    const again = decodeResult(parseDocument(JSON.stringify(encodeResult(made, version))))
    assert.deepEqual(
      again.ips.map(({ address, gateway }) => [address, gateway]),
      made.ips.map(({ address, gateway }) => [address, gateway]),
    )
    assert.deepEqual(again.routes, made.routes)
  }
  for (const { output, environment } of captured.filter(({ output }) => output !== '')) {
    const { interfaces, ips } = decodeResult(parseDocument(output))
    assert.equal(interfaces[ips[0]?.interface ?? 0]?.sandbox, environment.CNI_NETNS)
  }
})

test('VERSION says what is supported, in the words of the version that asks', async () => {
  const plugin = new FakePlugin()
  for (const cniVersion of [...supportedVersions, '9.0.0']) {
    const { status, document } = await answerRequest(request('VERSION', { cniVersion }), plugin, signal)
    assert.deepEqual([status, document], [0, { cniVersion, supportedVersions }])
  }
  assert.deepEqual(plugin.calls, [])
})

test('error 1: an unknown version, and what a version does not have', async () => {
  const plugin = new FakePlugin()
  const codeOf = async (command: string, cniVersion: string, more = {}) => {
    const { document } = await answerRequest(request(command, { cniVersion, ...more }), plugin, signal)
    return (document as { code?: number } | undefined)?.code
  }
  assert.equal(await codeOf('ADD', '9.0.0'), 1)
  const prevResult = encodeResult(made, versions[6] ?? assert.fail())
  const rows: Record<string, (number | undefined)[]> = {}
  for (const version of supportedVersions) {
    rows[version] = [
      await codeOf('CHECK', version, { prevResult }),
      await codeOf('GC', version),
      await codeOf('STATUS', version),
      await codeOf('DEL', version),
    ]
  }
  const old = [1, 1, 1, undefined]
  assert.deepEqual(rows, {
    '0.1.0': old,
    '0.2.0': old,
    '0.3.0': old,
    '0.3.1': old,
    '0.4.0': [undefined, 1, 1, undefined],
    '1.0.0': [undefined, 1, 1, undefined],
    '1.1.0': [undefined, undefined, undefined, undefined],
  })
  assert.equal(await codeOf('CHECK', '1.0.0'), 7, 'without prevResult')
})

test('an error says the version that asked, its number, and what it is about', async () => {
  const plugin = new FakePlugin()
  plugin.trouble = new CniError(11, 'netmaster is away', 'MASTER_AWAY')
  const { status, document } = await answerRequest(request('ADD', { cniVersion: '0.4.0' }), plugin, signal)
  const details = { msg: 'netmaster is away', details: 'MASTER_AWAY' }
  assert.deepEqual([status, document], [1, { cniVersion: '0.4.0', code: 11, ...details }])
  plugin.trouble = new TypeError('a fault')
  const fault = await answerRequest(request('DEL', { cniVersion: '0.4.0' }), plugin, signal)
  assert.equal((fault.document as { code: number }).code, 999)
})

test('over the socket: answers, only root, callers that say nothing or nonsense or go away', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cni-'))
  const socketPath = join(folder, 'deep', 'cni.sock')
  const gone = Promise.withResolvers<unknown>()
  class Slow extends FakePlugin {
    override async gc(_config?: unknown, until?: AbortSignal): Promise<void> {
      await new Promise<void>((resolve) => until?.addEventListener('abort', () => resolve()))
      gone.resolve(until?.reason)
    }
  }
  const server = new CniServer({ socketPath, callTimeoutMs: 8_000 }, { plugin: new Slow(), log: silentLog })
  await server.start(signal)
  t.after(async () => {
    await server.stop(AbortSignal.abort())
    rmSync(folder, { recursive: true })
  })
  assert.equal(statSync(socketPath).mode & 0o777, 0o600)
  const added = await callDaemon(socketPath, request('ADD', { cniVersion: '1.0.0' }), signal)
  assert.equal(added.status, 0)
  assert.equal(JSON.parse(added.output).ips.length, 2)
  assert.deepEqual(await callDaemon(socketPath, request('DEL', { cniVersion: '1.0.0' }), signal), {
    status: 0,
    output: '',
  })
  const nonsense = await new Promise<string>((resolve) => {
    const socket = connect(socketPath)
    let text = ''
    socket.on('data', (part) => {
      text += part.toString()
    })
    socket.on('close', () => resolve(text))
    socket.end('GET / HTTP/1.1\r\n\r\n')
  })
  assert.match(nonsense, /^1\n.*"code":5/)
  const impatient = new AbortController()
  const call = callDaemon(socketPath, request('GC', { cniVersion: '1.1.0' }), impatient.signal)
  setImmediate(() => setImmediate(() => impatient.abort(new Error('no patience'))))
  await assert.rejects(call, { code: 'CNI_UNREACHABLE' })
  assert.match(String(await gone.promise), /went away/)
})
