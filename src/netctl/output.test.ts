// How lists and documents are printed: formats, flags that contradict each other, colours.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeNetmaster } from './fake-netmaster.ts'
import { getTenant, run, testLines } from './test-lines.ts'

const network = {
  key: 'default:n1',
  tenantName: 'default',
  networkName: 'n1',
  nwType: 'data',
  encap: 'vxlan',
  subnet: '10.1.1.0/24',
  cfgdTag: 'yes',
  'link-sets': { EndpointGroups: { 'default:g1': { type: 'endpointGroup', key: 'default:g1' } } },
  links: { Tenant: { type: 'tenant', key: 'default' } },
}
const answers = { ...getTenant, 'GET /api/v1/networks/': [network] }
const json = `${JSON.stringify([network], null, 2)}\n`
const table = [
  'Tenant   Network  Nw Type  Encap type  Packet tag  Subnet       Gateway  IPv6Subnet  IPv6Gateway  Cfgd Tag\n',
  '------   -------  -------  ----------  ----------  -------      ------   ----------  -----------  ---------\n',
  'default  n1       data     vxlan       0           10.1.1.0/24                                    yes\n',
].join('')

testLines([
  { line: 'net ls -o table', answers, out: table },
  { line: 'net ls -o json', answers, out: json },
  { line: 'net ls -j -output=json', answers, out: json },
  { line: 'net ls -j -q', answers, out: json },
  { line: 'net ls -j -o yaml', asked: [], status: 1, err: /--json and -o yaml contradict/ },
  { line: 'net ls -o xml', asked: [], status: 1, err: /-o takes table, wide, json, yaml, not 'xml'/ },
  {
    line: 'net ls -o wide',
    answers,
    out: [
      'Tenant   Network  Nw Type  Encap type  Packet tag  Subnet       Gateway  IPv6Subnet  IPv6Gateway  Cfgd Tag   Groups  Services  Multicast  NAT\n',
      '------   -------  -------  ----------  ----------  -------      ------   ----------  -----------  ---------  ------  --------  ---------  ---\n',
      'default  n1       data     vxlan       0           10.1.1.0/24                                    yes        g1                           off\n',
    ].join(''),
  },
  {
    line: 'net ls -o yaml',
    answers,
    // Quoted: readers of older YAML would see a boolean.
    out: [
      '- key: default:n1\n  tenantName: default\n  networkName: n1\n  nwType: data\n  encap: vxlan\n',
      '  subnet: 10.1.1.0/24\n  cfgdTag: "yes"\n  link-sets:\n    EndpointGroups:\n      default:g1:\n',
      '        type: endpointGroup\n        key: default:g1\n',
      '  links:\n    Tenant:\n      type: tenant\n      key: default\n',
    ].join(''),
  },
  {
    line: 'net inspect -o yaml n1',
    answers: { 'GET /api/v1/inspect/networks/default:n1/': { Config: { key: 'default:n1' }, Oper: {} } },
    out: 'Config:\n  key: default:n1\nOper: {}\n',
  },
  {
    line: 'net inspect --json n1',
    answers: { 'GET /api/v1/inspect/networks/default:n1/': { Oper: {} } },
    out: '{\n  "Oper": {}\n}\n',
  },
  {
    line: 'net inspect -o table n1',
    answers: { 'GET /api/v1/inspect/networks/default:n1/': {} },
    status: 1,
    err: /-o takes json, yaml/,
  },
  { line: 'global info -o yaml', answers: { 'GET /api/v1/globals/': [{ name: 'global' }] }, out: '- name: global\n' },
])

test('only people see colours: on a terminal, unless NO_COLOR or a dumb terminal', async (t) => {
  const server = await startFakeNetmaster(answers)
  t.after(() => server.close())
  const list = (env: Record<string, string>) =>
    run(['net', 'ls'], { NETMASTER: server.url, ...env }, { typist: { answers: [] } })
  const { out } = await list({})
  assert.ok(out.startsWith('\x1b[1mTenant   Network'), out)
  assert.equal(out.replaceAll('\x1b[1m', '').replaceAll('\x1b[0m', ''), table)
  assert.equal((await list({ NO_COLOR: '1' })).out, table)
  assert.equal((await list({ TERM: 'dumb' })).out, table)
  assert.equal((await run(['net', 'ls'], { NETMASTER: server.url })).out, table)
  const wrong = await run(['nett'], {}, { typist: { answers: [] } })
  assert.ok(wrong.err.startsWith('\x1b[1m\x1b[31mnetctl:'), wrong.err)
})
