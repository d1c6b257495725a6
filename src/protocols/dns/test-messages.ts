// Queries and responses for tests, written by another implementation than ours; and servers on ports that are free.

import assert from 'node:assert/strict'
import { type Answer as DnsRecord, decode, encode } from 'dns-packet'
import { type Answer, encodeAnswer } from './answer.ts'
import { decodeQuery, type Query } from './query.ts'
import type { DnsServer } from './server.ts'

export function queryFor(name: string, type: 'A' | 'AAAA' = 'A'): Query {
  const decoded = decodeQuery(encode({ type: 'query', id: 4711, flags: 0x100, questions: [{ name, type }] }))
  assert.ok(decoded.kind === 'query')
  return decoded.query
}

/** Starts a server on a port of the kernel's choice. It is free for UDP; for TCP somebody may have it: then another. */
export async function startSomewhere(
  make: () => DnsServer,
): Promise<{ server: DnsServer; address: string; port: number }> {
  for (let tries = 1; ; tries++) {
    const server = make()
    try {
      return { server, ...(await server.start()) }
    } catch (error) {
      if (tries === 10) throw error
    }
  }
}

export interface Reply {
  readonly rcode?: number
  readonly answers?: DnsRecord[]
  readonly authorities?: DnsRecord[]
}

/** The response to a query as another server would write it. */
export function respond(query: Buffer, reply: Reply): Buffer {
  const { id, questions } = decode(query)
  return encode({
    type: 'response',
    id: id ?? 0,
    flags: 0x180 | (reply.rcode ?? 0),
    questions: questions ?? [],
    answers: reply.answers ?? [],
    authorities: reply.authorities ?? [],
  })
}

export const address = (name: string, data: string, ttl = 60): DnsRecord => ({ name, type: 'A', ttl, data })
export const soa = (ttl: number, minimum: number): DnsRecord => ({
  name: 'example',
  type: 'SOA',
  ttl,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})

/** The answer as the client would get it. */
export async function told(query: Query, answer: Answer | Promise<Answer>) {
  const bytes = encodeAnswer(query, await answer, 65_535) ?? Buffer.alloc(0)
  const decoded = decode(bytes)
  const records = (decoded.answers ?? []).map((record) =>
    'ttl' in record ? { ttl: record.ttl, data: record.data } : {},
  )
  return { id: decoded.id, rcode: bytes.readUInt16BE(2) & 0xf, records, name: decoded.questions?.[0]?.name }
}
