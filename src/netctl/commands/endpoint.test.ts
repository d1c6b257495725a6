import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeNetmaster } from '../fake-netmaster.ts'
import { quiet, run, settled, testLines } from '../test-lines.ts'

const endpoint = (endpointID: string, containerName: string, network = 'n1.default') => ({
  endpointID,
  containerName,
  network,
  ipAddress: ['10.1.1.1', '2001:db8::1'],
  homingHost: 'node1',
})
const web = { 'GET /api/v1/inspect/endpoints/web/': { Config: {}, Oper: endpoint('0123456789abcdef', 'web-1') } }
const clean = '/debug/epcleanup/tenant/default'

testLines([
  {
    line: 'ep inspect web',
    answers: { 'GET /api/v1/inspect/endpoints/web/': { Config: {}, Oper: { endpointID: 'abc' } } },
    asked: ['GET /api/v1/inspect/endpoints/web/'],
    out: `${JSON.stringify({ Config: {}, Oper: { endpointID: 'abc' } }, null, 2)}\n`,
  },
  {
    line: 'endpoint inspect wbe-1',
    answers: {
      'GET /api/v1/inspect/endpoints/wbe-1/': { status: 404, text: 'no endpoint, container id or name contains wbe-1' },
      'GET /api/v1/endpoints/': [endpoint('a', 'web-1')],
    },
    status: 3,
    err: /contains wbe-1; did you mean 'web-1'\?/,
  },
  {
    line: 'ep ls',
    answers: {
      'GET /api/v1/inspect/tenants/default/': {
        Config: {},
        Oper: { endpoints: [endpoint('b'.repeat(64), 'web-2'), endpoint('a', 'web-1')] },
      },
    },
    out: [
      'Endpoint      Container  Network     Group  Address               Node\n',
      '--------      ---------  -------     -----  -------               ----\n',
      'a             web-1      n1.default         10.1.1.1,2001:db8::1  node1\n',
      'bbbbbbbbbbbb  web-2      n1.default         10.1.1.1,2001:db8::1  node1\n',
    ].join(''),
  },
  { line: 'ep ls -a -q', answers: { 'GET /api/v1/endpoints/': [endpoint('a', 'web-1', 'n.blue')] }, out: 'a\n' },
  {
    line: 'ep rm -y web',
    answers: { ...web, [`DELETE ${clean}/ep/0123456789abcdef`]: { removed: ['0123456789abcdef'] } },
    asked: ['GET /api/v1/inspect/endpoints/web/', `DELETE ${clean}/ep/0123456789abcdef`, ...settled],
    out: 'Deleted endpoint 0123456789abcdef\n',
  },
  { line: 'ep rm web', answers: web, status: 1, err: /--yes/ },
  { line: 'ep rm -t blue -y web', answers: web, status: 1, err: /n1\.default, not in tenant blue/ },
  {
    line: 'ep cleanup --network n1 --yes',
    answers: { [`DELETE ${clean}/net/n1`]: { removed: ['a', 'b'] } },
    out: 'Deleted endpoint a\nDeleted endpoint b\n',
  },
  {
    line: 'ep cleanup -g front -f',
    answers: { [`DELETE ${clean}/group/front`]: { removed: [] } },
    asked: [`DELETE ${clean}/group/front`],
    out: 'Nothing to clean up\n',
  },
  { line: 'ep cleanup -y', asked: [], status: 1, err: /one of --network and --group/ },
  { line: 'ep cleanup -y -n n1 -g front', asked: [], status: 1, err: /one of --network and --group/ },
])

test('whoever forgets an endpoint at a terminal is told which, and may say no', async (t) => {
  const server = await startFakeNetmaster({
    ...quiet,
    ...web,
    [`DELETE ${clean}/ep/0123456789abcdef`]: { removed: ['0123456789abcdef'] },
  })
  t.after(() => server.close())
  const answer = (text: string) => run(['ep', 'rm', 'web'], { NETMASTER: server.url }, { typist: { answers: [text] } })
  const refused = await answer('')
  assert.equal(refused.status, 1)
  assert.match(
    refused.err,
    /Forget endpoint 0123456789abcdef of web-1 on node1 in n1\.default\? \[y\/N\] .*not confirmed/s,
  )
  assert.deepEqual(server.requests, ['GET /api/v1/inspect/endpoints/web/'])
  assert.equal((await answer('yes')).out, 'Deleted endpoint 0123456789abcdef\n')
})
