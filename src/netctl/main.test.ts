// The command line as a whole: help, mistakes, where netmaster is, servers that are away or something else, TLS.

import assert from 'node:assert/strict'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { listen, selfSigned } from './fake-https.ts'
import { startFakeNetmaster } from './fake-netmaster.ts'
import { defaultTenant, quiet, run, testLines } from './test-lines.ts'

testLines([
  { line: '', status: 1, err: /needs a command.*Usage: netctl \[--netmaster URL\]/s },
  { line: 'net', status: 1, err: /network needs a command.*Usage: netctl network COMMAND/s },
  { line: 'nettwork ls', status: 1, err: /netctl has no 'nettwork'; did you mean 'network'\?/ },
  {
    line: 'net crate',
    status: 1,
    err: /netctl network has no 'crate'; did you mean 'create'\?.*Usage: netctl network COMMAND/s,
  },
  { line: 'net ls --alll', status: 1, err: /unknown flag --alll; did you mean --all\?.*Usage: netctl network ls/s },
  { line: '--netmster=x net ls', status: 1, err: /did you mean --netmaster\?/ },
])

test('help goes to standard output and says how each command is called', async () => {
  const commands = ['tenant create', 'network create', 'network ls', 'group create', 'endpoint inspect', 'global set']
  for (const path of commands) {
    for (const words of [
      [...path.split(' '), '--help'],
      ['help', ...path.split(' ')],
      [...path.split(' '), '-h'],
    ]) {
      const { status, out, err } = await run(words)
      assert.deepEqual({ status, err }, { status: 0, err: '' })
      assert.match(out, new RegExp(`^Usage: netctl ${path} `))
    }
  }
  assert.match((await run(['--help'])).out, /tenant.*network, net.*group.*endpoint, ep.*node.*global.*version/s)
  assert.match((await run(['net', '--help'])).out, /create.*ls, list.*inspect.*rm, delete/s)
})

test('netctl version prints both versions', async (t) => {
  const server = await startFakeNetmaster({
    'GET /version': { GitCommit: '96577306', Version: '1.1.0', BuildTime: 'today' },
  })
  t.after(() => server.close())
  const { status, out } = await run(['--netmaster', server.url, 'version'])
  assert.equal(status, 0)
  assert.match(
    out,
    /^Client Version:\nVersion: \S+\nGitCommit: \S+\nBuildTime: .+\n\nServer Version:\nVersion: 1\.1\.0\nGitCommit: 96577306\nBuildTime: today\n$/,
  )
})

test('--version needs no server', async () => {
  const { status, out } = await run(['--version'], { NETMASTER: 'http://127.0.0.1:1' })
  assert.equal(status, 0)
  assert.match(out, /^netctl version \d+\.\d+\.\d+/)
})

test('the flag wins over the environment, and either may leave out the scheme', async (t) => {
  const server = await startFakeNetmaster({ 'GET /api/v1/tenants/': [defaultTenant] })
  t.after(() => server.close())
  const address = server.url.replace('http://', '')
  const elsewhere = { NETMASTER: 'http://127.0.0.1:1' }
  assert.equal((await run(['--netmaster', address, 'tenant', 'ls', '-q'], elsewhere)).out, 'default\n')
  assert.equal((await run(['tenant', 'ls', '-q', `-netmaster=${server.url}/`], elsewhere)).out, 'default\n')
  assert.equal((await run(['tenant', 'ls', '-q'], { NETMASTER: address })).out, 'default\n')
})

test('a netmaster URL that is none is a mistake in typing', async () => {
  for (const url of ['ftp://x', 'http://', 'http://a b', ':9999']) {
    const { status, err } = await run(['--netmaster', url, 'tenant', 'ls'])
    assert.equal(status, 1, url)
    assert.match(err, /is no URL; it looks like http:\/\/netmaster:9999/)
  }
})

test('no server: status 2, what was tried and what to do', async () => {
  const { status, out, err } = await run(['net', 'ls'], { NETMASTER: 'http://127.0.0.1:1' })
  assert.deepEqual({ status, out }, { status: 2, out: '' })
  assert.match(err, /^netctl: cannot reach netmaster at http:\/\/127\.0\.0\.1:1: .*refused.*--netmaster/s)
})

test('a name that no resolver knows: status 2', async () => {
  const { status, err } = await run(['net', 'ls'], { NETMASTER: 'http://netmaster.invalid:9999' })
  assert.equal(status, 2)
  assert.match(err, /netmaster\.invalid/)
})

test('a server that hangs up or speaks no HTTP: status 2', async (t) => {
  for (const greeting of ['', 'SSH-2.0-OpenSSH_9.2\r\n']) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.resume().end(greeting)
    })
    const url = `http://127.0.0.1:${await listen(t, server)}`
    const { status, err } = await run(['net', 'ls'], { NETMASTER: url })
    assert.equal(status, 2, err)
  }
})

test('something that is no netmaster answers in HTML: status 2', async (t) => {
  const server = await startFakeNetmaster({
    'GET /api/v1/tenants/': { status: 200, text: '<html><body>It works!</body></html>' },
  })
  t.after(() => server.close())
  const { status, err } = await run(['tenant', 'ls'], { NETMASTER: server.url })
  assert.equal(status, 2, err)
  assert.doesNotMatch(err, /SyntaxError|at .*\.ts/)
})

const node = (name: string, appliedRevision: number, alive = true) => ({
  name,
  controlAddress: '10.0.0.1',
  vtep: '10.1.0.1',
  version: '0.1.0',
  bootId: 'b',
  uplinks: [],
  mtu: 1500,
  alive,
  lastSeen: 1,
  appliedRevision,
  endpoints: 3,
})

test('node ls shows where each node is and how far it has come', async (t) => {
  const server = await startFakeNetmaster({ 'GET /internal/v1/nodes': [node('node1', 7), node('node2', 5, false)] })
  t.after(() => server.close())
  const { out } = await run(['node', 'ls'], { NETMASTER: server.url })
  assert.equal(
    out,
    [
      'Node   Address   VTEP      Alive  Endpoints  Revision\n',
      '----   -------   ----      -----  ---------  --------\n',
      'node1  10.0.0.1  10.1.0.1  yes    3          7\n',
      'node2  10.0.0.1  10.1.0.1  no     3          5\n',
    ].join(''),
  )
  assert.equal((await run(['node', 'ls', '-q'], { NETMASTER: server.url })).out, 'node1\nnode2\n')
})

test('a network is announced as created when every live node has it', async (t) => {
  const behind = [node('node1', 6), node('node2', 0, false)]
  const held = 'GET /internal/v1/nodes/applied/7'
  const answers = {
    ...quiet,
    'POST /api/v1/networks/default:n1/': {},
    [held]: behind,
  }
  const server = await startFakeNetmaster(answers)
  t.after(() => server.close())
  let looks = 0
  const clock = {
    now: () => 0,
    after: async () => {
      looks++
      if (looks === 3) answers[held] = [node('node1', 7), node('node2', 0, false)]
    },
  }
  const { status, err } = await run(['net', 'create', 'n1', '-s', '10.1.1.0/24'], { NETMASTER: server.url }, { clock })
  assert.deepEqual({ status, err, looks }, { status: 0, err: '', looks: 3 })
})

test('a live node that lags is named, and the command still succeeds', async (t) => {
  const server = await startFakeNetmaster({
    ...quiet,
    'POST /api/v1/networks/default:n1/': {},
    'GET /internal/v1/nodes/applied/7': [node('node1', 6), node('node2', 7)],
  })
  t.after(() => server.close())
  const impatient = { now: () => 0, after: () => Promise.reject(new Error('patience is over')) }
  const { status, out, err } = await run(
    ['net', 'create', 'n1', '-s', '10.1.1.0/24'],
    { NETMASTER: server.url },
    { clock: impatient },
  )
  assert.deepEqual({ status, out }, { status: 0, out: 'Creating network default:n1\n' })
  assert.equal(err, 'netctl: stored, but not yet in force on node1\n')
})

test('a certificate that nobody trusts is refused, unless told not to look', async (t) => {
  const server = createHttpsServer(selfSigned, (_, response) => {
    response.setHeader('connection', 'close')
    response.end(JSON.stringify([defaultTenant]))
  })
  const url = `https://127.0.0.1:${await listen(t, server)}`
  const suspicious = await run(['tenant', 'ls', '-q'], { NETMASTER: url })
  assert.equal(suspicious.status, 2)
  assert.match(suspicious.err, /certificate/)
  assert.equal((await run(['--insecure', 'tenant', 'ls', '-q'], { NETMASTER: url })).out, 'default\n')
  assert.equal((await run(['tenant', 'ls', '-q'], { NETMASTER: url, INSECURE: 'true' })).out, 'default\n')
})
