import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode, RECURSION_DESIRED } from 'dns-packet'
import fc from 'fast-check'
import { decodeQuery } from './query.ts'

/** `dig web A` with EDNS and a cookie, as sent. */
const dig = Buffer.from(
  '1f3c01200001000000000001037765620000010001000029' + '04d000000000000c000a00089a1b2c3d4e5f6071',
  'hex',
)

function rcodeOf(message: Buffer): number | string {
  const decoded = decodeQuery(message)
  return decoded.kind === 'refused' ? decoded.reply.readUInt16BE(2) & 0xf : decoded.kind
}

test('a query gives its question, its flags and what the client can take', () => {
  const decoded = decodeQuery(dig)
  assert.deepEqual(decoded, {
    kind: 'query',
    query: {
      id: 0x1f3c,
      recursionDesired: true,
      checkingDisabled: false,
      question: { name: 'web', type: 'A', class: 1 },
      questionBytes: Buffer.from('03776562000001' + '0001', 'hex'),
      edns: { udpPayloadBytes: 1232, dnssecOk: false },
    },
  })
})

test('queries of another encoder are read alike', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('A', 'AAAA', 'PTR', 'SRV', 'MX', 'TXT', 'SOA', 'CNAME'),
      fc.boolean(),
      (labels, type, recursionDesired) => {
        const name = labels.join('.')
        const flags = recursionDesired ? RECURSION_DESIRED : 0
        const decoded = decodeQuery(encode({ type: 'query', id: 7, flags, questions: [{ name, type: type as 'A' }] }))
        assert.equal(decoded.kind, 'query')
        if (decoded.kind !== 'query') return
        assert.deepEqual(decoded.query.question, { name, type, class: 1 })
        assert.equal(decoded.query.recursionDesired, recursionDesired)
        assert.equal(decoded.query.edns, undefined)
      },
    ),
    { numRuns: 50 },
  )
})

test('an unknown type is named by its number', () => {
  const message = Buffer.from(dig)
  message.writeUInt16BE(1234, 17)
  const decoded = decodeQuery(message)
  assert.equal(decoded.kind === 'query' && decoded.query.question.type, 'TYPE1234')
})

test('a response sent as a query, and less than a header, are dropped', () => {
  const response = Buffer.from(dig)
  response.writeUInt16BE(0x8180, 2)
  assert.equal(rcodeOf(response), 'dropped')
  assert.equal(rcodeOf(dig.subarray(0, 11)), 'dropped')
})

test('another operation is not implemented, a broken query is a format error', () => {
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(dig)
    copy.writeUInt16BE(value, at)
    return copy
  }
  const formatError = 1
  const notImplemented = 4
  assert.equal(rcodeOf(changed(2, 0x2800)), notImplemented) // UPDATE
  assert.equal(rcodeOf(changed(4, 0)), formatError) // no question
  assert.equal(rcodeOf(changed(4, 2)), formatError) // two questions
  assert.equal(rcodeOf(changed(6, 1)), formatError) // an answer in a query
  assert.equal(rcodeOf(changed(10, 0xffff)), formatError) // 65535 additional records
  assert.equal(rcodeOf(changed(10, 2)), formatError) // more records than there are
  assert.equal(rcodeOf(changed(12, 0xc00c)), formatError) // a name that points to itself
  assert.equal(rcodeOf(dig.subarray(0, 20)), formatError)
  const reply = decodeQuery(changed(4, 0))
  assert.deepEqual(reply.kind === 'refused' && reply.reply, Buffer.from('1f3c81010000000000000000', 'hex'))
})

test('two EDNS records are a format error, and another EDNS version is said to be unknown', () => {
  const opt = dig.subarray(21)
  const two = Buffer.concat([dig, opt])
  two.writeUInt16BE(2, 10)
  assert.equal(rcodeOf(two), 1)

  const version1 = Buffer.from(dig)
  version1[27] = 1
  const decoded = decodeQuery(version1)
  assert.deepEqual(decoded.kind === 'refused' && { rcode: decoded.rcode, reply: decoded.reply }, {
    rcode: 'BADVERS',
    reply: Buffer.from('1f3c81000001000000000001' + '03776562000001' + '0001' + '00002904d0010000000000', 'hex'),
  })
})

test('no bytes make the decoder throw', () => {
  const damaged = fc
    .array(fc.tuple(fc.nat(dig.length - 1), fc.nat(255)), { maxLength: 6 })
    .chain((changes) => fc.tuple(fc.constant(changes), fc.nat(dig.length)))
    .map(([changes, length]) => {
      const copy = Buffer.from(dig)
      for (const [at, value] of changes) copy[at] = value
      return copy.subarray(0, length)
    })
  const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(damaged, noise), (message) => {
      assert.ok(['query', 'refused', 'dropped'].includes(decodeQuery(message).kind))
    }),
    { numRuns: 5_000 },
  )
})
