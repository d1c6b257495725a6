import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NetpluginError } from '../lib/errors.ts'
import { readFlags } from './flags.ts'
import { describeStore, type StoreChoice, storeTarget } from './store-flags.ts'

function choice(args: readonly string[], env: Readonly<Record<string, string>> = {}): StoreChoice {
  const answer = readFlags(args, env)
  assert.ok(answer.kind === 'run')
  return answer.flags.store
}

const etcd = {
  kind: 'etcd',
  endpoints: ['127.0.0.1:2379'],
  secured: false,
  prefix: '/netplugin/',
  ca: undefined,
  cert: undefined,
  key: undefined,
  user: undefined,
  passwordFile: undefined,
}

test('every way to name a store, with one or several servers', () => {
  assert.deepEqual(choice(['--state-store', 'memory']), { kind: 'memory' })
  assert.deepEqual(choice(['--state-store', 'sqlite', '--state-dir', '/s']), { kind: 'sqlite', directory: '/s' })
  assert.deepEqual(choice(['--store-url', 'sqlite:/s']), { kind: 'sqlite', directory: '/s' })
  assert.deepEqual(choice(['--state-store', 'etcd']), etcd)
  const three = { ...etcd, endpoints: ['a:2379', '10.0.0.2:4001', '[fd00::1]:2379'], secured: true }
  const list = 'https://a,https://10.0.0.2:4001,https://[fd00::1]:2379'
  assert.deepEqual(choice(['--etcd-endpoints', list]), three)
  assert.deepEqual(choice([], { CONTIV_NETMASTER_ETCD_ENDPOINTS: list }), three)
  assert.deepEqual(choice(['-state-store', 'etcd', '-store-url', 'http://x:1']), { ...etcd, endpoints: ['x:1'] })
  assert.deepEqual(choice(['--cluster-store', 'etcd://x:1,y:2/mine']), {
    ...etcd,
    endpoints: ['x:1', 'y:2'],
    prefix: '/mine/',
  })
  const consul = { ...etcd, kind: 'consul', endpoints: ['127.0.0.1:8500'] }
  assert.deepEqual(choice(['--state-store', 'consul']), consul)
  assert.deepEqual(choice([], { CONTIV_NETMASTER_CONSUL_ENDPOINTS: 'http://127.0.0.1' }), consul)
  assert.deepEqual(choice(['--store-url', 'consul://127.0.0.1', '--store-password-file', 't']), {
    ...consul,
    user: '',
    passwordFile: 't',
  })
  assert.equal(describeStore(choice(['--cluster-store', 'etcd://x:1,y:2/mine'])), 'etcd://x:1,y:2/mine/')
})

test('what contradicts itself, or would show a password, is refused with what to write', () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['--state-store', 'oracle'], /sqlite, memory/],
    [['--etcd', 'a', '--consul', 'b'], /one store/],
    [['--etcd', 'a', '--state-store', 'sqlite'], /different stores/],
    [['--etcd', 'a', '--store-url', 'etcd://b'], /give one/],
    [['--store-url', 'http://x:1'], /add --state-store/],
    [['--store-url', 'x'], /no scheme/],
    [['--store-url', 'etcd://root:secret@x:1'], /--store-password-file/],
    [['--etcd', 'http://a,https://b'], /some .* http and some https/],
    [['--etcd', 'ftp://a'], /no way to etcd/],
    [['--etcd', 'a:70000'], /port/],
    [['--etcd', 'http://a', '--store-ca', 'f'], /write https/],
    [['--etcd', 'a', '--store-cert', 'f'], /give both/],
    [['--etcd', 'a', '--store-user', 'f'], /give both/],
    [['--consul', 'a', '--store-user', 'u'], /token/],
    [['--consul', 'etcd://a'], /no way to consul/],
    [['--store-ca', 'f'], /for etcd or consul, and the store is sqlite/],
  ]
  for (const [args, expected] of cases) {
    assert.throws(
      () => choice(args),
      (error) => error instanceof NetpluginError && error.code === 'USAGE' && expected.test(error.message),
      args.join(' '),
    )
  }
})

test('certificates and password are read from their files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'netplugin-store-flags-'))
  try {
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    }
    const tls = ['--store-ca', file('ca', 'A'), '--store-cert', file('cert', 'B'), '--store-key', file('key', 'C')]
    const user = ['--store-user', 'u', '--store-password-file', file('password', 'secret\n')]
    assert.deepEqual(storeTarget(choice(['--etcd', 'a:1', ...tls, ...user])), {
      kind: 'etcd',
      endpoints: ['a:1'],
      prefix: '/netplugin/',
      tls: { ca: Buffer.from('A'), cert: Buffer.from('B'), key: Buffer.from('C') },
      user: { name: 'u', password: 'secret' },
    })
    assert.throws(
      () => storeTarget(choice(['--etcd', 'a:1', '--store-ca', join(directory, 'none')])),
      (error) => error instanceof NetpluginError && error.code === 'STORE_FILE' && /--store-ca/.test(error.message),
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})
