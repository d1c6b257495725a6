// The configuration file, what stands above it, and login.

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listen, selfSigned } from './fake-https.ts'
import { startFakeNetmaster } from './fake-netmaster.ts'
import { defaultTenant, run } from './test-lines.ts'

function homeWith(t: TestContext, config?: string): { readonly HOME: string; readonly file: string } {
  const HOME = mkdtempSync(join(tmpdir(), 'netctl-home-'))
  t.after(() => rmSync(HOME, { recursive: true }))
  const file = join(HOME, '.netctl', 'config.json')
  if (config !== undefined) {
    mkdirSync(join(HOME, '.netctl'))
    writeFileSync(file, config)
  }
  return { HOME, file }
}

const blue = { key: 'blue', tenantName: 'blue', 'link-sets': {} }

test('the file says where netmaster is and which tenant is meant; environment and flags stand above it', async (t) => {
  const server = await startFakeNetmaster({
    'GET /api/v1/tenants/': [defaultTenant],
    'GET /api/v1/tenants/blue/': blue,
    'GET /api/v1/tenants/red/': blue,
    'GET /api/v1/networks/': [],
  })
  t.after(() => server.close())
  const { HOME } = homeWith(t, JSON.stringify({ netmaster: server.url, tenant: 'blue', colour: 'kept' }))
  const nowhere = 'http://127.0.0.1:1'
  assert.equal((await run(['tenant', 'ls', '-q'], { HOME })).out, 'default\n')
  assert.equal((await run(['tenant', 'ls', '-q'], { HOME, NETMASTER: nowhere })).status, 2)
  const flag = `--netmaster=${server.url}`
  assert.equal((await run([flag, 'tenant', 'ls', '-q'], { HOME, NETMASTER: nowhere })).status, 0)
  await run(['net', 'ls'], { HOME })
  await run(['net', 'ls', '-t', 'red'], { HOME })
  assert.deepEqual(server.requests.slice(2), [
    'GET /api/v1/tenants/blue/',
    'GET /api/v1/networks/',
    'GET /api/v1/tenants/red/',
    'GET /api/v1/networks/',
  ])
})

const brokenFiles: readonly (readonly [string, RegExp])[] = [
  ['', /must hold one JSON object/],
  ['[]', /must hold one JSON object/],
  ['{"netmaster": 1}', /netmaster must be a string/],
  ['{"insecure": "yes"}', /insecure must be a boolean/],
]
for (const [text, err] of brokenFiles) {
  test(`a file that holds ${text || 'nothing'} is a local problem, but not for help`, async (t) => {
    const { HOME } = homeWith(t, text)
    const outcome = await run(['net', 'ls'], { HOME })
    assert.equal(outcome.status, 4)
    assert.match(outcome.err, err)
    assert.equal((await run(['net', '--help'], { HOME })).status, 0)
  })
}

/** A proxy that wants a token, and gives one for the right password. */
async function startProxy(t: TestContext): Promise<string> {
  const server = createServer(selfSigned, async (request, response) => {
    response.setHeader('connection', 'close')
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.url === '/api/v1/auth_proxy/login/' && request.method === 'POST') {
      const right = body === '{"username":"ada","password":"secret"}'
      response.writeHead(right ? 200 : 401, { 'content-type': right ? 'application/json' : 'text/plain' })
      response.end(right ? '{"token":"t0ken"}' : 'wrong username or password')
      return
    }
    const known = request.headers['x-auth-token'] === 't0ken'
    response.writeHead(known ? 200 : 401).end(known ? JSON.stringify([defaultTenant]) : 'no valid token')
  })
  return `https://127.0.0.1:${await listen(t, server)}`
}

test('login keeps a token that only its owner can read, and only its server gets', async (t) => {
  const url = await startProxy(t)
  const { HOME, file } = homeWith(t)
  const env = { HOME, INSECURE: '1' }
  const before = await run(['tenant', 'ls', '-q'], { ...env, NETMASTER: url })
  assert.equal(before.status, 3)
  assert.match(before.err, /no valid token; log in first: netctl login/)
  const login = await run(['login'], { ...env, NETMASTER: url }, { typist: { answers: ['ada', 'secret'] } })
  assert.equal(login.status, 0, login.err)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(HOME, '.netctl')).mode & 0o777, 0o700)
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { netmaster: url, token: 't0ken' })
  assert.equal((await run(['tenant', 'ls', '-q'], env)).out, 'default\n')
  const other = await startProxy(t)
  assert.equal((await run(['tenant', 'ls', '-q'], { ...env, NETMASTER: other })).status, 3)
})

test('login closes a file that was open to others, and keeps what else it holds', async (t) => {
  const url = await startProxy(t)
  const { HOME, file } = homeWith(t, '{"colour": "blue", "token": "old"}')
  chmodSync(join(HOME, '.netctl'), 0o755)
  chmodSync(file, 0o644)
  const env = { HOME, INSECURE: '1', NETMASTER: url }
  assert.equal((await run(['login'], env, { typist: { answers: ['ada', 'secret'] } })).status, 0)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(HOME, '.netctl')).mode & 0o777, 0o700)
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { colour: 'blue', token: 't0ken', netmaster: url })
})

test('login is refused with a wrong password, without one, and where others could read it', async (t) => {
  const url = await startProxy(t)
  const { HOME } = homeWith(t)
  const login = (answers: readonly string[], NETMASTER = url) =>
    run(['login'], { HOME, INSECURE: '1', NETMASTER }, { typist: { answers } })
  const wrong = await login(['ada', 'guess'])
  assert.equal(wrong.status, 3)
  assert.match(wrong.err, /wrong username or password/)
  assert.equal((await login(['ada'])).status, 1)
  const plain = await login(['ada', 'secret'], 'http://127.0.0.1:1')
  assert.equal(plain.status, 1)
  assert.match(plain.err, /a password is not sent to http:/)
  assert.doesNotMatch(plain.err, /Password/)
})
