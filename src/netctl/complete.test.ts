// What the shells are told when they complete a line.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { startFakeNetmaster } from './fake-netmaster.ts'
import { run } from './test-lines.ts'

const answers = {
  'GET /api/v1/tenants/': [
    { key: 'blue', tenantName: 'blue' },
    { key: 'default', tenantName: 'default' },
  ],
  'GET /api/v1/networks/': [
    { tenantName: 'default', networkName: 'web' },
    { tenantName: 'default', networkName: 'wide' },
    { tenantName: 'blue', networkName: 'db' },
  ],
  'GET /api/v1/policys/': [{ tenantName: 'default', policyName: 'p1' }],
  'GET /api/v1/endpoints/': [
    { endpointID: 'e1', containerName: 'web1', network: 'web.default' },
    { endpointID: 'e2', containerName: 'web2', network: 'db.blue' },
  ],
  'GET /api/v1/endpointGroups/': [
    { tenantName: 'default', groupName: 'front' },
    { tenantName: 'blue', groupName: 'back' },
  ],
  'GET /api/v1/rules/': [
    { tenantName: 'default', policyName: 'p1', ruleId: '1' },
    { tenantName: 'default', policyName: 'p2', ruleId: '7' },
  ],
}

/** The line up to the cursor, and what may stand there. */
const lines: readonly (readonly [string, readonly string[]])[] = [
  ['ten', ['tenant']],
  ['net in', ['inspect']],
  ['net inspect w', ['web', 'wide']],
  ['net inspect we', ['web']],
  ['net inspect -t blue ', ['db']],
  ['net inspect --tenant=blue ', ['db']],
  ['net inspect ', ['web', 'wide']],
  ['--netmaster x net rm ', ['web', 'wide']],
  ['net inspect web ', []],
  ['net create ', []],
  ['why ', ['group:front', 'web1']],
  ['why -t blue web2 g', ['group:back']],
  ['why web1 web1 u', ['udp/53']],
  ['why --src-group ', ['front']],
  ['why --dst-group=f', ['--dst-group=front']],
  ['why --src-group front ', ['group:front', 'web1']],
  ['why --src-group front --dst-group front u', ['udp/53']],
  ['group create ', ['web', 'wide']],
  ['group create web ', []],
  ['group create -p ', ['p1']],
  ['group create --policy=', ['--policy=p1']],
  ['policy rule-rm p1 ', ['1']],
  ['rule add -d ', ['in', 'out']],
  ['rule add -d o', ['out']],
  ['net ls -t ', ['blue', 'default']],
  ['net ls -o=y', ['-o=yaml']],
  ['net ls --q', ['--quiet']],
  ['net ls --wait ', []],
  ['help net cr', ['create']],
  ['completion z', ['zsh']],
  ['nothing ', []],
  ['net nothing ', []],
]
for (const [line, expected] of lines) {
  test(`'netctl ${line}' may go on with ${expected.join(', ') || 'nothing known'}`, async (t) => {
    const server = await startFakeNetmaster(answers)
    t.after(() => server.close())
    const words = line.replace('--netmaster x', `--netmaster ${server.url}`).split(' ')
    const { status, out, err } = await run(['__complete', ...words], { NETMASTER: server.url })
    assert.deepEqual({ status, out, err }, { status: 0, out: expected.map((each) => `${each}\n`).join(''), err: '' })
  })
}

test('a server that is away, or refuses, offers nothing and says nothing', async (t) => {
  const server = await startFakeNetmaster({})
  t.after(() => server.close())
  for (const NETMASTER of [server.url, 'http://127.0.0.1:1', 'not a url']) {
    assert.deepEqual(await run(['__complete', 'net', 'rm', ''], { NETMASTER }), { status: 0, out: '', err: '' })
  }
})

test('the script of bash offers what netctl offers, after = and : too', async () => {
  const { out } = await run(['completion', 'bash'])
  const script = `${out}
netctl() { printf '%s\\n' --policy=p1 default:web inspect; }
try() { COMP_LINE=$1 COMP_POINT=\${#1}; _netctl; echo "\${COMPREPLY[*]}"; }
try 'netctl group create --policy='
try 'netctl x default:'
try 'netctl net ins'
`
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  assert.deepEqual({ stdout, stderr }, { stdout: 'p1\nweb\ninspect\n', stderr: '' })
})

test('there is a script for each shell, and no other', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    assert.match((await run(['completion', shell])).out, /netctl __complete/)
  }
  const unknown = await run(['completion', 'csh'])
  assert.equal(unknown.status, 1)
  assert.match(unknown.err, /bash, zsh and fish, not 'csh'/)
})
