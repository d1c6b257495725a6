import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'dns-packet'
import type { FeedMessage } from '../core/names/feed.ts'
import type { Member } from '../core/names/members.ts'
import { askerAddresses } from '../core/pipeline/features/names.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { type Log, silentLog } from '../lib/log.ts'
import { type Answer, decodeQuery, type Query, type Upstream } from '../protocols/dns/index.ts'
import { Resolver } from './resolver.ts'

const pvtSubnet = '172.19.0.0/16'

function query(name: string, type = 'A', questionClass = 'IN'): Query {
  const question = { name, type: type as 'A', class: questionClass as 'IN' }
  const decoded = decodeQuery(encode({ type: 'query', id: 1, flags: 0x100, questions: [question] }))
  assert.ok(decoded.kind === 'query')
  return decoded.query
}

const member = (key: string, tenant: string, name: string, ipv4: string): Member => ({
  key,
  tenant,
  network: 'n',
  ipv4,
  ipv6: '',
  service: '',
  ports: [],
  group: '',
  names: [name],
})

/** Two tenants with containers of the same names and addresses. */
const view: readonly FeedMessage[] = [
  { type: 'begin' },
  {
    type: 'host',
    pvtSubnet,
    askers: [
      { port: 1, tenant: 'red', network: 'n' },
      { port: 2, tenant: 'blue', network: 'n' },
    ],
  },
  {
    type: 'members',
    set: [
      member('r1', 'red', 'me', '10.1.0.1'),
      member('r2', 'red', 'db', '10.1.0.2'),
      member('b1', 'blue', 'me', '10.1.0.1'),
      member('b2', 'blue', 'db', '10.1.0.9'),
    ],
    gone: [],
  },
  { type: 'end' },
]

function setup(more: { readonly nameservers?: readonly string[]; readonly rate?: number; readonly log?: Log } = {}) {
  const { nameservers = [], rate = 0, log = silentLog } = more
  const asked: string[] = []
  const exchange = async (upstream: Upstream) => {
    asked.push(upstream.address)
    throw new Error('nobody is there')
  }
  const clock = new FakeClock()
  const resolver = new Resolver({ rate }, { nameservers: () => nameservers, clock, log, random: () => 0, exchange })
  const tell = (messages: readonly FeedMessage[]) => {
    for (const message of messages) resolver.tell(message as Parameters<Resolver['tell']>[0])
  }
  tell(view)
  const source = (port: number) => ({
    address: askerAddresses(pvtSubnet, port).ipv4,
    port: 40_000,
    transport: 'udp' as const,
  })
  const ask = async (name: string, port: number, type?: string, questionClass?: string) =>
    said(await resolver.resolve(query(name, type, questionClass), source(port)))
  return { resolver, tell, ask, asked, clock, source }
}

/** The address that comes first, or the code of a failure. */
function said(answer: Answer): string {
  if (answer.kind === 'set') return [...answer.set.bytes.subarray(-4)].join('.')
  return answer.kind === 'records' ? answer.rcode : answer.kind
}

test('who asks gets the names of its own tenant, although others have the same', async () => {
  const { ask } = setup()
  assert.deepEqual([await ask('db', 1), await ask('db', 2)], ['10.1.0.2', '10.1.0.9'])
})

test('whichever address a container asks from, it is known, and has one limit', async () => {
  const { resolver, source } = setup({ rate: 10 })
  const from6 = { ...source(2), address: askerAddresses('172.19.0.0/16', 2).ipv6 }
  assert.equal(from6.address, 'fd6e:7000:0:ac13::2')
  assert.equal(said(await resolver.resolve(query('db'), from6)), '10.1.0.9')
  const admitted = Array.from({ length: 10 }, () => [source(2), from6]).flat()
  assert.equal(admitted.filter((address) => resolver.admit(address)).length, 10)
})

test('a port of no endpoint, and an address outside the private subnet, are refused', async () => {
  const { resolver, ask } = setup()
  assert.equal(await ask('db', 77), 'REFUSED')
  const stranger = { address: '10.1.0.1', port: 1, transport: 'udp' as const }
  assert.equal(said(await resolver.resolve(query('db'), stranger)), 'REFUSED')
})

test('other classes and transfers of zones are refused, not asked of others', async () => {
  const { ask, asked } = setup({ nameservers: ['192.0.2.1'] })
  assert.equal(await ask('version.bind', 1, 'TXT', 'CH'), 'REFUSED')
  assert.equal(await ask('example.org', 1, 'AXFR'), 'REFUSED')
  assert.equal(await ask('db', 1, 'A', 'ANY'), '10.1.0.2')
  assert.deepEqual(asked, [])
})

test('changes are in the next answer', async () => {
  const { tell, ask } = setup()
  tell([{ type: 'members', set: [member('r2', 'red', 'db', '10.1.0.3')], gone: ['b2'] }])
  assert.deepEqual([await ask('db', 1), await ask('db', 2)], ['10.1.0.3', 'NXDOMAIN'])
  tell([{ type: 'host', pvtSubnet, askers: [{ port: 1, tenant: 'blue', network: 'n' }] }])
  assert.deepEqual([await ask('me', 1), await ask('db', 1), await ask('me', 2)], ['10.1.0.1', 'NXDOMAIN', 'REFUSED'])
})

test('a view counts when it is complete, and then alone', async () => {
  const { tell, ask, resolver } = setup()
  const [begin, host] = view
  const next: FeedMessage = { type: 'members', set: [member('x', 'red', 'new', '10.1.0.7')], gone: [] }
  tell([begin!, host!, next])
  assert.deepEqual([await ask('db', 1), await ask('new', 1)], ['10.1.0.2', 'NXDOMAIN'])
  tell([{ type: 'end' }])
  assert.deepEqual([await ask('db', 1), await ask('new', 1)], ['NXDOMAIN', '10.1.0.7'])
  // The netplugin that told it ended half-way.
  tell([begin!])
  resolver.forgetUnfinished()
  assert.equal(await ask('new', 1), '10.1.0.7')
})

test('before anything is told everybody is refused', async () => {
  const { resolver, source } = setup()
  const fresh = new Resolver(
    { rate: 0 },
    {
      nameservers: () => [],
      clock: new FakeClock(),
      log: silentLog,
      random: () => 0,
      exchange: () => Promise.reject(new Error('nobody')),
    },
  )
  assert.deepEqual([fresh.pvtSubnet, resolver.pvtSubnet], ['', pvtSubnet])
  assert.equal(said(await fresh.resolve(query('db'), source(1))), 'REFUSED')
})

test('without servers of the host an unknown name does not exist', async () => {
  const { ask, asked } = setup()
  assert.equal(await ask('example.org', 1), 'NXDOMAIN')
  assert.deepEqual(asked, [])
})

test('an unknown name is asked of the servers of the host', async () => {
  const { ask, asked } = setup({ nameservers: ['192.0.2.1', '192.0.2.2'] })
  assert.equal(await ask('example.org', 1), 'SERVFAIL')
  assert.deepEqual([...new Set(asked)], ['192.0.2.1', '192.0.2.2'])
})

test('a container that asks too much is not listened to for a while, and it is logged once; others are', () => {
  const warned: unknown[] = []
  const log: Log = { ...silentLog, warn: (phrase, fields) => warned.push([phrase, fields]) }
  const { resolver, source, clock } = setup({ rate: 10, log })
  const admitted = (port: number) =>
    Array.from({ length: 20 }, () => resolver.admit(source(port))).filter(Boolean).length
  assert.deepEqual([admitted(1), admitted(2)], [10, 10])
  clock.advance(1_000)
  assert.equal(admitted(1), 10)
  assert.deepEqual(warned, [
    ['a container asks more than it may', { port: 1, tenant: 'red', network: 'n' }],
    ['a container asks more than it may', { port: 2, tenant: 'blue', network: 'n' }],
  ])
  assert.deepEqual(resolver.counts, {
    members: 4,
    askers: 2,
    asked: 60,
    answeredHere: 0,
    forwarded: 0,
    limited: 30,
  })
})
