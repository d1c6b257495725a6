// What a hostile container, or a hostile server behind the host, can send: whatever the bytes, there is an answer within
// its limit or none, and nothing is thrown. 20,000 packets each; `make fuzz` sends a million.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'dns-packet'
import type { Member } from '../core/names/members.ts'
import { askerAddresses } from '../core/pipeline/features/names.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { type Answer, decodeQuery, encodeAnswer, type Query, type Source, udpLimit } from '../protocols/dns/index.ts'
import { Resolver } from './resolver.ts'

const packets = Number(process.env.FUZZ_PACKETS ?? 20_000)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const mostUdpBytes = 1_232

/** Numbers that can be repeated: mulberry32. */
function numbers(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const opt = (size: number) => ({
  type: 'OPT' as const,
  name: '.',
  udpPayloadSize: size,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
})
const header = (questions: number) => Buffer.from([0x12, 0x34, 1, 0, 0, questions, 0, 0, 0, 0, 0, 0])
const tail = Buffer.from([0, 1, 0, 1])
const queryBytes = (name: string, type: string, size?: number) =>
  encode({
    type: 'query',
    id: 7,
    flags: 0x100,
    questions: [{ name, type: type as 'A' }],
    additionals: size === undefined ? [] : [opt(size)],
  })

/** What packets are made from: good ones, and the known bad ones. */
const corpus: readonly Buffer[] = [
  ...['web', 'g', 'g.front', 'WeB', 'nobody.example', '.'].flatMap((name) =>
    ['A', 'AAAA', 'ANY', 'SOA', 'TXT'].flatMap((type) => [queryBytes(name, type), queryBytes(name, type, 65_535)]),
  ),
  queryBytes('_80._tcp.g', 'SRV', 4_096),
  queryBytes('1.0.0.10.in-addr.arpa', 'PTR', 512),
  queryBytes('x.'.repeat(126).slice(0, -1), 'A'),
  // A name that points to itself, two that point to each other, and one far outside.
  Buffer.concat([header(1), Buffer.from([0xc0, 12]), tail]),
  Buffer.concat([header(1), Buffer.from([0xc0, 14, 0xc0, 12]), tail]),
  Buffer.concat([header(1), Buffer.from([0xff, 0xff]), tail]),
  // A name of 300 bytes, one of labels only, a hundred questions.
  Buffer.concat([header(1), Buffer.alloc(300, 0x3f), tail]),
  Buffer.concat([header(1), Buffer.alloc(128, Buffer.from([1, 0x61])), Buffer.from([0]), tail]),
  Buffer.concat([header(100), Buffer.alloc(500, Buffer.from([1, 0x61, 0, 0, 1, 0, 1]))]),
]

function mutated(source: Buffer, random: (below: number) => number): Buffer {
  const kind = random(8)
  if (kind === 0) return Buffer.from(Array.from({ length: random(600) }, () => random(256)))
  let bytes = Buffer.from(source)
  for (let count = random(6); count > 0 && bytes.length > 0; count--) bytes[random(bytes.length)] = random(256)
  if (kind === 1) bytes = bytes.subarray(0, random(bytes.length + 1))
  if (kind === 2) bytes = Buffer.concat([bytes, Buffer.alloc(random(700), random(256))])
  if (kind === 3 && bytes.length > 14) bytes[12 + random(bytes.length - 12)] = 0xc0 | random(64)
  return bytes
}

function setup(exchange: (query: Buffer) => Buffer) {
  const pvtSubnet = '172.19.0.0/16'
  const resolver = new Resolver(
    { rate: 0 },
    {
      nameservers: () => ['192.0.2.1'],
      exchange: async (_, query) => exchange(query),
      clock: systemClock,
      log: silentLog,
      random: Math.random,
    },
  )
  const members = Array.from({ length: 200 }, (_, index): Member => {
    const own = { key: `m${index}`, tenant: 't', network: 'front', service: '', ports: [], group: 'g' }
    return { ...own, ipv4: `10.0.0.${index}`, ipv6: `fd00::${index}`, names: [index === 1 ? 'web' : `c${index}`] }
  })
  resolver.tell({ type: 'host', pvtSubnet, askers: [{ port: 1, tenant: 't', network: 'front' }] })
  resolver.tell({ type: 'members', set: members, gone: [] })
  const source: Source = { address: askerAddresses(pvtSubnet, 1).ipv4, port: 4_000, transport: 'udp' }
  return { resolve: (query: Query): Answer | Promise<Answer> => resolver.resolve(query, source) }
}

/** As the server does with a datagram. */
async function reply(
  message: Buffer,
  resolve: (query: Query) => Answer | Promise<Answer>,
): Promise<{ readonly bytes: Buffer | undefined; readonly limit: number }> {
  const decoded = decodeQuery(message)
  if (decoded.kind === 'dropped') return { bytes: undefined, limit: 0 }
  if (decoded.kind === 'refused') return { bytes: decoded.reply, limit: Math.max(message.length, 300) }
  const limit = udpLimit(decoded.query)
  const answer = resolve(decoded.query)
  return { bytes: encodeAnswer(decoded.query, answer instanceof Promise ? await answer : answer, limit), limit }
}

test('packets of a hostile container are answered within their limit, or not at all', async () => {
  const random = numbers(seed)
  const servfail = Buffer.from('000081820000000000000000', 'hex')
  const { resolve } = setup((query) => {
    const bytes = Buffer.from(servfail)
    query.copy(bytes, 0, 0, 2)
    return bytes
  })
  let answered = 0
  for (let count = 0; count < packets; count++) {
    const message = mutated(corpus[random(corpus.length)] ?? Buffer.alloc(0), random)
    const text = () => `seed ${seed}, packet ${count}: ${message.toString('hex')}`
    const { bytes, limit } = await reply(message, resolve).catch((cause) => {
      throw new Error(text(), { cause })
    })
    if (bytes === undefined) continue
    answered += 1
    assert.ok(bytes.length >= 12 && bytes.length <= Math.min(limit, mostUdpBytes), text())
    assert.equal(bytes.readUInt16BE(0), message.readUInt16BE(0), text())
    assert.equal((bytes[2] ?? 0) >> 7, 1, text())
  }
  // Else nothing was tried.
  assert.ok(answered > packets / 4 && answered < packets, `${answered} of ${packets}`)
})

test("a hostile server's responses are passed on within the limit, or are a failure", async () => {
  const random = numbers(seed + 1)
  const good = (query: Buffer) => {
    const copy = Buffer.concat([
      query.subarray(0, 12),
      query.subarray(12),
      Buffer.from('c00c00010001000000780004cb007107', 'hex'),
      Buffer.from('c00c0006000100000078001801610001620000000001000000010000000100000001000000ff', 'hex'),
    ])
    copy.writeUInt16BE(0x8180, 2)
    copy.writeUInt16BE(1, 6)
    copy.writeUInt16BE(1, 8)
    return copy
  }
  const { resolve } = setup((query) => mutated(good(query), random))
  for (let count = 0; count < packets; count++) {
    const message = queryBytes(
      `n${count % 5_000}.example`,
      random(2) === 0 ? 'A' : 'AAAA',
      random(2) === 0 ? 1_232 : undefined,
    )
    const text = () => `seed ${seed}, response ${count}`
    const decoded = decodeQuery(message)
    assert.ok(decoded.kind === 'query')
    const answer = await resolve(decoded.query)
    let bytes: Buffer | undefined
    try {
      bytes = encodeAnswer(decoded.query, answer, udpLimit(decoded.query))
    } catch (error) {
      // The server answers SERVFAIL then.
      assert.equal((error as { code?: unknown }).code, 'BAD_MESSAGE', text())
    }
    assert.ok((bytes?.length ?? 0) <= mostUdpBytes, text())
  }
})
