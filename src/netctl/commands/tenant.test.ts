import { defaultTenant, settled, testLines } from '../test-lines.ts'

testLines([
  { line: 'tenant ls', answers: { 'GET /api/v1/tenants/': [defaultTenant] }, out: 'Name     \n------   \ndefault  \n' },
  {
    line: 'tenant ls -j',
    answers: { 'GET /api/v1/tenants/': [defaultTenant] },
    out: `${JSON.stringify([defaultTenant], null, 2)}\n`,
  },
  { line: 'tenant list -q', answers: { 'GET /api/v1/tenants/': [defaultTenant] }, out: 'default\n' },
  {
    line: 'tenant create blue',
    answers: { 'POST /api/v1/tenants/blue/': { key: 'blue', tenantName: 'blue' } },
    asked: [['POST /api/v1/tenants/blue/', { tenantName: 'blue' }], ...settled],
    out: 'Creating tenant: blue\n',
  },
  {
    line: 'tenant create blue',
    answers: { 'POST /api/v1/tenants/blue/': { status: 409, text: 'tenant blue exists\n' } },
    out: '',
    status: 3,
    err: /^netctl: tenant blue exists\n$/,
  },
  {
    line: 'tenant create',
    asked: [],
    status: 1,
    err: /^netctl: tenant create needs TENANT\n\nUsage: netctl tenant create/,
  },
  { line: 'tenant create a b', asked: [], status: 1, err: /'b' is too many/ },
  {
    line: 'tenant create -- -bad',
    answers: { 'POST /api/v1/tenants/-bad/': { status: 400, text: 'tenantName: -bad is not a name' } },
    asked: [['POST /api/v1/tenants/-bad/', { tenantName: '-bad' }]],
    status: 3,
  },
  {
    line: 'tenant rm blue',
    answers: { 'DELETE /api/v1/tenants/blue/': 'blue' },
    asked: ['DELETE /api/v1/tenants/blue/', ...settled],
    out: 'Deleting tenant blue\n',
  },
  {
    line: 'tenant delete nope',
    answers: { 'DELETE /api/v1/tenants/nope/': { status: 404, text: 'there is no tenant nope' } },
    out: 'Deleting tenant nope\n',
    status: 3,
    err: /there is no tenant nope/,
  },
  {
    line: 'tenant inspect blue',
    answers: { 'GET /api/v1/inspect/tenants/blue/': { Config: defaultTenant, Oper: {} } },
    out: `${JSON.stringify({ Config: defaultTenant, Oper: {} }, null, 2)}\n`,
  },
  { line: 'tenant inspect', status: 1, err: /tenant inspect needs TENANT/ },
])
