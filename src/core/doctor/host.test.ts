import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Finding, findingLines, findingSummary } from '../../lib/findings.ts'
import { type HostDoctorFacts, hostFindings } from './host.ts'

const peer = { node: 'node2', vtep: '10.0.0.2', alive: true, path: { kind: 'fits' } } as const
const self = { alive: true, appliedRevision: 7, version: '1.0.0', problems: [] }

const healthy: HostDoctorFacts = {
  node: 'node1',
  version: '1.0.0',
  isRoot: true,
  kernel: '6.1.0',
  hasKernelOpenVswitch: true,
  switch: {
    version: '3.1.0',
    bridges: [{ name: 'np-int', datapathType: 'system', failMode: 'secure' }],
    errors: [],
  },
  tunnelListens: undefined,
  tunnel: { vtep: '10.0.0.1', port: 4789 },
  underlay: { device: 'eth1', mtu: 1600 },
  uplinks: [{ name: 'eth2', state: 'up', address: '' }],
  peers: [peer],
  master: { url: 'http://netmaster:9999', revision: 7, skewMs: 400 },
  self,
  docker: { version: '20.10' },
  sockets: [{ path: '/run/x.sock', answers: true }],
  space: { freeMiB: 1_000 },
  stateDir: '/var/lib/netplugin/node',
  offloading: [],
  missingPrograms: [],
}

/** What is not in order, as `level about: says -> remedy`. */
const troubles = (facts: Partial<HostDoctorFacts>) =>
  hostFindings({ ...healthy, ...facts })
    .filter(({ level }) => level !== 'ok')
    .map(({ level, about, says, remedy }) => `${level} ${about}: ${says} -> ${remedy}`)
    .join('\n')

test('a healthy host has nothing to tell', () => {
  assert.equal(troubles({}), '')
})

const cases: readonly (readonly [string, Partial<HostDoctorFacts>, RegExp])[] = [
  ['somebody else than root', { isRoot: false }, /^bad rights: .* as root$/],
  ['no module for the datapath', { hasKernelOpenVswitch: false }, /^note kernel: .*userspace datapath -> .*modprobe/],
  ['Open vSwitch is away', { switch: { problem: 'refused' } }, /^bad Open vSwitch: refused -> start it/],
  [
    'an old Open vSwitch without our bridge',
    { switch: { version: '2.5.1', bridges: [], errors: [{ name: 'eth9', error: 'no such device' }] } },
    /^bad Open vSwitch: version 2\.5\.1 .*\nbad bridge: there is no bridge np-int .*\nbad port eth9: no such device -> /,
  ],
  [
    'a bridge that forwards without flows',
    { switch: { version: '3.1.0', bridges: [{ name: 'np-int', datapathType: 'system', failMode: '' }], errors: [] } },
    /^bad bridge: np-int forwards without flows/,
  ],
  [
    'a bridge of the other datapath',
    {
      switch: {
        version: '3.1.0',
        bridges: [{ name: 'np-int', datapathType: 'netdev', failMode: 'secure' }],
        errors: [],
      },
    },
    /^bad bridge: np-int has the datapath netdev, not system/,
  ],
  [
    'a tunnel end that is nowhere',
    { underlay: undefined, peers: [] },
    /^bad tunnel end: no interface has .* -> .*--vtep-ip$/,
  ],
  [
    'a tunnel port that nobody has',
    { tunnelListens: { listens: false } },
    /^bad UDP port 4789: .* -> ovs-vsctl del-port/,
  ],
  [
    'an uplink that is missing',
    { uplinks: [{ name: 'e', state: 'missing', address: '' }] },
    /^bad uplink e: there is no/,
  ],
  [
    'an uplink without a cable',
    { uplinks: [{ name: 'e', state: 'down', address: '' }] },
    /^bad uplink e: it has no carrier/,
  ],
  [
    'an uplink with an address',
    { uplinks: [{ name: 'e', state: 'up', address: '1.2.3.4/8' }] },
    /^bad uplink e: it carries/,
  ],
  [
    'a narrow way to another host',
    { peers: [{ ...peer, path: { kind: 'largest', bytes: 1_400 } }] },
    /^bad path to node2: packets of 1600 bytes .* at most 1400 do/,
  ],
  [
    'a host that does not answer',
    { peers: [{ ...peer, path: { kind: 'silent' } }] },
    /^bad path to node2: .* lives -> see routes/,
  ],
  [
    'a host that is away',
    { peers: [{ ...peer, alive: false, path: { kind: 'silent' } }] },
    /^note path to node2: 10\.0\.0\.2 does not answer; netmaster does not hear/,
  ],
  [
    'a way that could not be tried',
    { peers: [{ ...peer, path: { kind: 'untried', why: 'no ping' } }] },
    /^note path to node2: not tried: no ping/,
  ],
  ['no netmaster', { master: { problem: 'refused' }, self: undefined }, /^bad netmaster: refused: containers go on/],
  [
    'a clock that is behind',
    { master: { url: 'u', revision: 7, skewMs: 5_000 } },
    /^note clock: .* 5 s behind netmaster's/,
  ],
  ['a clock of last week', { master: { url: 'u', revision: 7, skewMs: -6e8 } }, /^bad clock: .* ahead of netmaster's/],
  ['a node nobody knows', { self: undefined }, /^bad this host: netmaster knows no node node1/],
  ['a node that is silent', { self: { ...self, alive: false } }, /^bad this host: netmaster has not heard/],
  ['a node that lags', { self: { ...self, appliedRevision: 4 } }, /^note this host: .* revision 4, 3 behind/],
  [
    'another version',
    { self: { ...self, version: '0.9.0' } },
    /^note version: netplugin runs 0\.9\.0, this is 1\.0\.0/,
  ],
  ['what the node itself says', { self: { ...self, problems: ['inb01 is taken'] } }, /^bad this host: inb01 is taken/],
  ['no Docker', { docker: { problem: 'no socket' } }, /^note Docker: no socket: fine where/],
  [
    'a netplugin that does not run',
    { sockets: [{ path: '/x', answers: false }] },
    /^bad \/x: nobody answers -> start netplugin/,
  ],
  ['a full disk', { space: { freeMiB: 3 } }, /^bad disk: 3 MiB free in .* -> make room/],
  ['no state directory', { space: { problem: 'no such directory' } }, /^bad disk: no such directory -> .*--state-dir$/],
  ['checksums nobody makes', { offloading: ['vp1', 'vp2'] }, /^bad checksums: .*vp1, vp2.* -> ethtool -K vp1 tx off$/],
  ['programs that are missing', { missingPrograms: ['nft'] }, /^note programs: not installed: nft/],
]

for (const [title, facts, expected] of cases) test(title, () => assert.match(troubles(facts), expected))

test('a host for VLANs alone is not asked for tunnels', () => {
  const findings = hostFindings({ ...healthy, tunnel: undefined, underlay: undefined, peers: [] })
  assert.ok(!findings.some(({ about }) => /tunnel|UDP|path/.test(about)))
})

test('findings are lines, with what to do below, and a last one that counts', () => {
  const findings: Finding[] = [
    { level: 'ok', about: 'disk', says: 'fine', remedy: '' },
    { level: 'bad', about: 'netmaster', says: 'gone', remedy: 'start it' },
    { level: 'note', about: 'x', says: 'hm', remedy: '' },
  ]
  assert.deepEqual(findingLines(findings), [
    'ok    disk       fine',
    'BAD   netmaster  gone',
    '                 -> start it',
    'note  x          hm',
  ])
  assert.equal(findingSummary(findings), '1 of 3 points is bad, 1 is worth a look')
  assert.equal(findingSummary(findings.slice(0, 1)), 'all 1 points are in order')
})
