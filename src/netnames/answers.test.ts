import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import fc from 'fast-check'
import type { Member } from '../core/names/members.ts'
import { NameTable } from '../core/names/name-table.ts'
import { type Answer, decodeQuery, encodeAnswer, type Query } from '../protocols/dns/index.ts'
import { localNames } from './answers.ts'

const member = (key: string, more: Partial<Member>): Member => ({
  key,
  tenant: 'red',
  network: 'front',
  ipv4: '',
  ipv6: '',
  service: '',
  ports: [],
  group: '',
  names: [key],
  ...more,
})

const table = new NameTable()
for (const one of [
  member('Web', { ipv4: '10.1.0.1', ipv6: 'fd00::1', group: 'any' }),
  member('db', { ipv4: '10.1.0.2', group: 'any' }),
  member('far', { ipv4: '10.2.0.1', network: 'Back', group: 'pool' }),
  member('vip', { ipv4: '10.1.0.100', service: 'shop', ports: ['tcp/80'], names: [] }),
]) {
  table.set(one)
}

function query(name: string, type: string): Query {
  const decoded = decodeQuery(encode({ type: 'query', id: 1, flags: 0x100, questions: [{ name, type: type as 'A' }] }))
  assert.ok(decoded.kind === 'query')
  return decoded.query
}

const from = { tenant: 'red', network: 'front' }
const answer = (name: string, type = 'A', chance = 0): Answer | undefined =>
  localNames(query(name, type).question, from, table, () => chance)

/** The answer as a client reads it: code, records, and what is in the other sections. */
function said(name: string, type = 'A', chance = 0): unknown {
  const found = answer(name, type, chance)
  if (found === undefined) return 'not ours'
  const bytes = encodeAnswer(query(name, type), found, 65_535) ?? Buffer.alloc(0)
  const { answers = [], authorities = [], additionals = [] } = decode(bytes)
  const text = (records: typeof answers) =>
    records.map((record) => {
      const data = 'data' in record ? record.data : undefined
      if (record.type === 'SRV') return `${record.name} SRV ${record.data.port} ${record.data.target}`
      if (record.type === 'SOA') return `${record.name} SOA ${record.ttl} ${record.data.minimum}`
      return `${record.name} ${record.type} ${String(data)}`
    })
  const parts = { answers: text(answers), authorities: text(authorities), additionals: text(additionals) }
  const rcode = bytes.readUInt16BE(2) & 0xf
  return rcode === 0 && authorities.length === 0 && additionals.length === 0 ? parts.answers : { rcode, ...parts }
}

const nothing = (name: string) => ({ rcode: 0, answers: [], authorities: [`${name} SOA 5 5`], additionals: [] })

test('a name has the addresses of its container, whatever its case, spelled as it was asked', () => {
  for (const name of ['web', 'WEB', 'wEb', 'web.front', 'Web.FRONT'])
    assert.deepEqual(said(name), [`${name} A 10.1.0.1`], name)
  assert.deepEqual(said('web', 'AAAA'), ['web AAAA fd00::1'])
})

test('any type gives both families', () => {
  assert.deepEqual(said('web', 'ANY'), ['web A 10.1.0.1', 'web AAAA fd00::1'])
  assert.deepEqual(said('db', 'ANY'), ['db A 10.1.0.2'])
})

test('each answer starts with another of the addresses', () => {
  assert.deepEqual(said('any'), ['any A 10.1.0.1', 'any A 10.1.0.2'])
  for (const chance of [0.5, 0.99]) assert.deepEqual(said('any', 'A', chance), ['any A 10.1.0.2', 'any A 10.1.0.1'])
  assert.deepEqual(said('any', 'ANY', 0.5), ['any A 10.1.0.2', 'any A 10.1.0.1', 'any AAAA fd00::1'])
})

test('over many answers each member comes first about as often as any other', () => {
  const pool = new NameTable()
  for (let index = 0; index < 8; index++) pool.set(member(`m${index}`, { ipv4: `10.0.0.${index}`, group: 'g' }))
  const firsts = new Map<number, number>()
  let seed = 1
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  for (let count = 0; count < 8_000; count++) {
    const found = localNames(query('g', 'A').question, from, pool, random)
    assert.ok(found?.kind === 'set')
    firsts.set(found.first, (firsts.get(found.first) ?? 0) + 1)
  }
  assert.equal(firsts.size, 8)
  for (const count of firsts.values()) assert.ok(count > 850 && count < 1_150, `${count} of 8000`)
})

test('a name that exists without such a record has an empty answer, and says for how long nothing may be kept', () => {
  assert.deepEqual(said('db', 'AAAA'), nothing('db'))
  assert.deepEqual(said('DB', 'MX'), nothing('DB'))
  assert.deepEqual(said('any', 'TXT'), nothing('any'))
  assert.deepEqual(said('db', 'SOA'), ['db SOA 5 5'])
})

test('an address has the name of its container, followed by the network where that is another one', () => {
  assert.deepEqual(said('1.0.1.10.in-addr.arpa', 'PTR'), ['1.0.1.10.in-addr.arpa PTR Web'])
  assert.deepEqual(said('1.0.2.10.IN-ADDR.arpa', 'PTR'), ['1.0.2.10.IN-ADDR.arpa PTR far.Back'])
  assert.deepEqual(said('100.0.1.10.in-addr.arpa', 'PTR'), ['100.0.1.10.in-addr.arpa PTR shop'])
  const nibbles = `1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`
  assert.deepEqual(said(nibbles, 'PTR'), [`${nibbles} PTR Web`])
  assert.deepEqual(said('1.0.1.10.in-addr.arpa', 'A'), nothing('1.0.1.10.in-addr.arpa'))
})

test('a port of a name is at each of its members', () => {
  assert.deepEqual(said('_80._tcp.any', 'SRV'), {
    rcode: 0,
    answers: ['_80._tcp.any SRV 80 Web.front', '_80._tcp.any SRV 80 db.front'],
    authorities: [],
    additionals: ['Web.front A 10.1.0.1', 'Web.front AAAA fd00::1', 'db.front A 10.1.0.2'],
  })
  assert.deepEqual(said('_HTTPS._TCP.pool.back', 'SRV'), {
    rcode: 0,
    answers: ['_HTTPS._TCP.pool.back SRV 443 far.Back'],
    authorities: [],
    additionals: ['far.Back A 10.2.0.1'],
  })
  assert.deepEqual(said('_80._tcp.any', 'A'), nothing('_80._tcp.any'))
})

test('of a service only its own ports can be found', () => {
  const { answers } = said('_http._tcp.shop', 'SRV') as { readonly answers: unknown }
  assert.deepEqual(answers, ['_http._tcp.shop SRV 80 shop.front'])
  for (const name of ['_81._tcp.shop', '_80._udp.shop', '_0._tcp.db', '_70000._tcp.db', '_nosuch._tcp.db']) {
    const { rcode, authorities } = said(name, 'SRV') as { readonly rcode: unknown; readonly authorities: unknown }
    assert.deepEqual([rcode, authorities], [3, [`${name} SOA 5 5`]], name)
  }
})

test('an address leads to a name that DNS can hold, where there is one', () => {
  const long = new NameTable()
  const pointer = (names: readonly string[], group: string) => {
    long.set(member('k', { ipv4: '10.9.0.1', names, group }))
    const found = localNames(query('1.0.9.10.in-addr.arpa', 'PTR').question, from, long, () => 0)
    return found?.kind === 'records' ? found.answers.map(({ data }) => data) : found
  }
  assert.deepEqual(pointer(['x'.repeat(64), '0123456789ab'], 'g'), ['0123456789ab'])
  assert.deepEqual(pointer(['a..b'], 'g'), ['g'])
  assert.deepEqual(pointer(['a..b'], ''), [])
})

test('other names and addresses are not answered here', () => {
  for (const name of ['example.org', 'web.example.org', 'front', 'far', '_80._tcp.far', '_80._tcp', '_x', '.'])
    assert.equal(said(name, 'ANY'), 'not ours', name)
  for (const name of ['9.0.1.10.in-addr.arpa', 'web.in-addr.arpa']) assert.equal(said(name, 'PTR'), 'not ours', name)
})

test('a member that goes is in no answer from then on', () => {
  const changing = new NameTable()
  for (const key of ['a', 'b']) changing.set(member(key, { ipv4: key === 'a' ? '10.0.0.1' : '10.0.0.2', group: 'g' }))
  const count = () => {
    const found = localNames(query('g', 'A').question, from, changing, () => 0)
    return found?.kind === 'set' ? found.set.count : undefined
  }
  assert.equal(count(), 2)
  changing.delete('a')
  assert.equal(count(), 1)
  changing.delete('b')
  assert.equal(count(), undefined)
})

test('any name and any members give an answer that can be written, or none', () => {
  const odd = fc.oneof(fc.string({ maxLength: 80 }), fc.constantFrom('a..b', 'x'.repeat(64), '.', '\\', 'é'))
  fc.assert(
    fc.property(odd, odd, fc.constantFrom('A', 'ANY', 'PTR', 'SRV'), (name, network, type) => {
      const wild = new NameTable()
      wild.set(member('k', { ipv4: '10.0.0.1', names: [name], network, group: 'g' }))
      for (const asked of ['_80._tcp.g', '1.0.0.10.in-addr.arpa', 'g']) {
        const found = localNames(query(asked, type).question, { tenant: 'red', network }, wild, () => 0)
        if (found !== undefined) encodeAnswer(query(asked, type), found, 512)
      }
    }),
  )
})
