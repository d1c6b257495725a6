import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeView } from '../model/node.ts'
import { type ClusterDoctorFacts, clusterFindings } from './cluster-findings.ts'

const node: NodeView = {
  name: 'node1',
  controlAddress: '10.0.0.1',
  vtep: '10.0.0.1',
  version: '1.0.0',
  bootId: 'b',
  uplinks: [],
  mtu: 1600,
  alive: true,
  state: 'lives',
  lastSeen: 90_000,
  appliedRevision: 7,
  endpoints: 2,
  problems: [],
}

const healthy: ClusterDoctorFacts = {
  url: 'http://netmaster:9999',
  health: { status: 'ok', revision: 7, epoch: 'e' },
  info: {
    'current-state': 'leader',
    'leader-ip': '10.0.0.1:9999',
    'local-ip': '10.0.0.1',
    'netmaster-nodes': ['10.0.0.1', '10.0.0.2'],
    'netplugin-nodes': [],
  },
  version: { Version: '1.0.0', GitCommit: '', BuildTime: '' },
  nodes: [node],
  now: 100_000,
}

const all = (facts: Partial<ClusterDoctorFacts>) =>
  clusterFindings({ ...healthy, ...facts })
    .map(({ level, about, says }) => `${level} ${about}: ${says}`)
    .join('\n')

const cases: readonly (readonly [string, Partial<ClusterDoctorFacts>, RegExp])[] = [
  [
    'all is well',
    {},
    /^ok netmaster: .*\nok masters: 10\.0\.0\.1, 10\.0\.0\.2; 10\.0\.0\.1:9999 leads\nok host node1: up to date, 2 endpoints$/,
  ],
  [
    'one master',
    { info: { ...healthy.info, 'netmaster-nodes': ['10.0.0.1'] } },
    /ok masters: 10\.0\.0\.1, the only one/,
  ],
  [
    'nobody leads',
    { info: { ...healthy.info, 'leader-ip': '' } },
    /bad masters: none of 10\.0\.0\.1, 10\.0\.0\.2 leads/,
  ],
  ['no hosts', { nodes: [] }, /note hosts: none has registered yet/],
  ['a silent host', { nodes: [{ ...node, alive: false }] }, /bad host node1: not heard for 10 s; 10\.0\.0\.1/],
  [
    'a host never heard',
    { nodes: [{ ...node, alive: false, lastSeen: 0 }] },
    /bad host node1: not heard since netmaster started/,
  ],
  ['a host that lags', { nodes: [{ ...node, appliedRevision: 5 }] }, /note host node1: revision 5, 2 behind/],
  [
    'an old host in trouble',
    { nodes: [{ ...node, version: '0.9.0', problems: ['inb01 is taken'], endpoints: 1 }] },
    /ok host node1: up to date, 1 endpoint\nnote host node1: netplugin is version 0\.9\.0, netmaster 1\.0\.0\nbad host node1: inb01 is taken/,
  ],
]

for (const [title, facts, expected] of cases) test(title, () => assert.match(all(facts), expected))
