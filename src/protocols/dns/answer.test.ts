import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { encodeAnswer, failure, localAnswer, udpLimit } from './answer.ts'
import { decodeQuery, type Query } from './query.ts'
import { addressSet, type ResourceRecord } from './record.ts'

function queryFor(name: string, type: 'A' | 'AAAA' | 'PTR' | 'SRV', edns?: number): Query {
  const additionals =
    edns === undefined
      ? []
      : [
          {
            type: 'OPT' as const,
            name: '.',
            udpPayloadSize: edns,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
  const decoded = decodeQuery(
    encode({ type: 'query', id: 0x1234, flags: 0x100, questions: [{ name, type }], additionals }),
  )
  assert.ok(decoded.kind === 'query')
  return decoded.query
}

const zone = { mname: 'ns.blue', rname: 'root.blue', serial: 1, refresh: 2, retry: 3, expire: 4 }
const a = (name: string, data: string): ResourceRecord => ({ name, type: 'A', ttl: 120, data })

test('an answer has these bytes', () => {
  const bytes = encodeAnswer(queryFor('Web', 'A'), localAnswer([a('Web', '20.1.1.2')]), 512)
  assert.equal(
    bytes?.toString('hex'),
    '12348580000100010000000003576562000001' + '0001c00c00010001000000780004' + '14010102',
  )
})

test('an answer of a set has these bytes, turned so that another record comes first', () => {
  const set = addressSet('A', ['20.1.1.2', '20.1.1.3', '20.1.1.4'], 5)
  const bytes = encodeAnswer(queryFor('Web', 'A', 1232), { kind: 'set', set, first: 1 }, 512)
  const record = 'c00c00010001000000050004'
  assert.equal(
    bytes?.toString('hex'),
    `123485800001000300000001${'03576562000001'}0001${record}14010103${record}14010104${record}14010102` +
      '00002904d0000000000000',
  )
})

test('a set says the same as its records, in any rotation and either family, and is cut like them', () => {
  const addresses = fc.array(fc.ipV4(), { minLength: 1, maxLength: 80 })
  const addresses6 = fc.array(fc.ipV6(), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(
      fc.oneof(
        addresses.map((list) => ({ type: 'A' as const, list })),
        addresses6.map((list) => ({ type: 'AAAA' as const, list })),
      ),
      fc.nat(200),
      fc.option(fc.integer({ min: 0, max: 4096 }), { nil: undefined }),
      ({ type, list }, first, edns) => {
        const query = queryFor('web.front', type, edns)
        const turn = first % list.length
        const records = [...list.slice(turn), ...list.slice(0, turn)].map(
          (data): ResourceRecord => ({ name: 'web.front', type, ttl: 5, data }),
        )
        const limit = udpLimit(query)
        const answer = encodeAnswer(query, { kind: 'set', set: addressSet(type, list, 5), first }, limit)
        assert.deepEqual(answer, encodeAnswer(query, localAnswer(records), limit))
        assert.ok((answer?.length ?? 0) <= limit)
      },
    ),
  )
})

test('of more records than a message should have a part is answered, from any place on', () => {
  const list = Array.from({ length: 1_500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
  const set = addressSet('A', list, 5)
  for (const first of [0, 499, 1_400]) {
    const decoded = decode(encodeAnswer(queryFor('web', 'A'), { kind: 'set', set, first }, 65_535) ?? Buffer.alloc(0))
    const said = decoded.answers?.map((record) => ('data' in record ? record.data : ''))
    assert.deepEqual(said, [...list, ...list].slice(first, first + 1_000))
  }
})

test('what the client will ask for next is left out where it does not fit', () => {
  const query = queryFor('web', 'A')
  const additionals = Array.from({ length: 40 }, (_, index) => a(`c${index}`, '10.0.0.1'))
  const answer = localAnswer([a('web', '20.1.1.2')], { additionals })
  const cut = decode(encodeAnswer(query, answer, 512) ?? Buffer.alloc(0))
  const whole = decode(encodeAnswer(query, answer, 4_096) ?? Buffer.alloc(0))
  assert.deepEqual([cut.flag_tc, cut.answers?.length, cut.additionals?.length], [false, 1, 0])
  assert.deepEqual([whole.answers?.length, whole.additionals?.length], [1, 40])
})

test('another decoder reads what was answered', () => {
  const records: readonly ResourceRecord[] = [
    a('www.blue', '20.1.1.2'),
    { name: 'www.blue', type: 'AAAA', ttl: 5, data: 'fd00::2' },
    { name: '_http._tcp.blue', type: 'SRV', ttl: 6, data: { priority: 1, weight: 2, port: 80, target: 'www.blue' } },
    { name: '2.1.1.20.in-addr.arpa', type: 'PTR', ttl: 7, data: 'www.blue' },
    { name: 'blue', type: 'SOA', ttl: 8, data: { ...zone, minimum: 3 } },
  ]
  const bytes = encodeAnswer(queryFor('www.blue', 'A', 1232), localAnswer(records), 1232)
  const decoded = decode(bytes ?? Buffer.alloc(0))
  const plain = decoded.answers?.map(({ name, type, ...rest }) => ({
    name,
    type,
    data: (rest as { data: unknown }).data,
  }))
  assert.deepEqual(
    plain,
    records.map(({ name, type, data }) => ({ name, type, data })),
  )
  assert.deepEqual(
    {
      id: decoded.id,
      response: decoded.flag_qr,
      authoritative: decoded.flag_aa,
      recursion: [decoded.flag_rd, decoded.flag_ra],
      additionals: decoded.additionals?.map(({ type }) => type),
    },
    { id: 0x1234, response: true, authoritative: true, recursion: [true, true], additionals: ['OPT'] },
  )
})

test('a name that is not there is answered with its code and without records', () => {
  const bytes = encodeAnswer(queryFor('none', 'A'), failure('NXDOMAIN'), 512)
  const decoded = decode(bytes ?? Buffer.alloc(0)) as ReturnType<typeof decode> & { readonly rcode: string }
  assert.deepEqual([decoded.rcode, decoded.answers, decoded.flag_aa], ['NXDOMAIN', [], true])
})

test('the question is echoed as it was spelled', () => {
  const query = queryFor('wEb.BLue', 'A')
  const bytes = encodeAnswer(query, localAnswer([]), 512)
  assert.deepEqual(bytes?.subarray(12), query.questionBytes)
})

test('what does not fit is cut to the question, with the truncation flag', () => {
  const query = queryFor('web', 'A', 1232)
  const records = Array.from({ length: 100 }, (_, index) => a('web', `10.0.0.${index}`))
  const cut = decode(encodeAnswer(query, localAnswer(records), udpLimit(query)) ?? Buffer.alloc(0))
  const whole = decode(encodeAnswer(query, localAnswer(records), 65_535) ?? Buffer.alloc(0))
  assert.deepEqual([cut.flag_tc, cut.answers], [true, []])
  assert.deepEqual([whole.flag_tc, whole.answers?.length], [false, 100])
})

test("the size of UDP answers is the client's, between 512 and 1232 bytes", () => {
  assert.equal(udpLimit(queryFor('web', 'A')), 512)
  assert.equal(udpLimit(queryFor('web', 'A', 100)), 512)
  assert.equal(udpLimit(queryFor('web', 'A', 1000)), 1000)
  assert.equal(udpLimit(queryFor('web', 'A', 4096)), 1232)
})

test('a message passed on gets the id and the spelling of the client', () => {
  const message = encode({
    type: 'response',
    id: 9,
    questions: [{ name: 'web.example', type: 'A' }],
    answers: [a('x', '1.1.1.1')],
  })
  const query = queryFor('WEB.example', 'A')
  const bytes = encodeAnswer(query, { kind: 'message', message }, 512) ?? Buffer.alloc(0)
  const decoded = decode(bytes)
  assert.deepEqual([decoded.id, decoded.questions?.[0]?.name, decoded.flag_ra], [0x1234, 'WEB.example', true])
  assert.deepEqual(decode(message).id, 9)
  assert.throws(() => encodeAnswer(query, { kind: 'message', message: message.subarray(0, 14) }, 512), {
    code: 'BAD_MESSAGE',
  })
  const cut = decode(encodeAnswer(query, { kind: 'message', message }, 40) ?? Buffer.alloc(0))
  assert.deepEqual([cut.flag_tc, cut.answers], [true, []])
})

test('a record that cannot be written is refused, not sent broken', () => {
  const query = queryFor('web', 'A')
  const long = 'x'.repeat(64)
  assert.throws(() => encodeAnswer(query, localAnswer([a(long, '1.1.1.1')]), 512), { code: 'BAD_NAME' })
  const pointer: ResourceRecord = { name: 'web', type: 'PTR', ttl: 1, data: `${long}.blue` }
  assert.throws(() => encodeAnswer(query, localAnswer([pointer]), 512), { code: 'BAD_NAME' })
  for (const type of ['A', 'AAAA'] as const) {
    assert.throws(() => addressSet(type, ['10.0.0.256'], 1), { kind: 'invalid', code: 'BAD_ADDRESS' })
  }
})
