// etcd v3 as a `Kv`, over gRPC.
//
// etcd takes 128 operations in a transaction (--max-txn-ops), but a transaction may hold others, whose operations count by
// themselves: 60 of 60 are 3,600 at once. An inner one cannot undo the outer one when its conditions fail. It can be made
// to: its other branch then writes a key that must exist (`ignore_value`) and never does, and etcd refuses the whole before it has
// written anything. Conditions on all keys so hold for all writes.

import { NetpluginError } from '../../lib/errors.ts'
import type { EtcdClient } from './etcd-client.ts'
import { grpcFailure, isCompacted, isKeyNotFound, isLeaseNotFound, refusal } from './etcd-errors.ts'
import {
  type Compare,
  type KeyValue,
  methods,
  type RangeResponse,
  type RequestOp,
  type TxnRequest,
} from './etcd-messages.ts'
import { watchEtcd } from './etcd-watch.ts'
import type { Kv, KvCommit, KvCondition, KvEntry, KvLimits, KvResult, KvTransaction, KvWrite } from './kv.ts'

/** Operations of one level of a transaction; two levels are at most 128. */
const perLevel = 60
/** Entries read at once. */
const pageSize = 5_000
const keysAtOnce = 100

/** etcd takes requests of 1.5 MiB (--max-request-bytes). */
const limits: KvLimits = {
  conditions: (perLevel * perLevel) / 2,
  writes: perLevel * perLevel,
  operations: perLevel * perLevel * 2,
  bytes: 1_200_000,
}

export class EtcdKv implements Kv {
  readonly limits = limits
  readonly #client: EtcdClient
  readonly #neverPrefix: string
  readonly #user: string | undefined

  /** `prefix`: below which no key `never/…` is ever written. */
  constructor(options: { readonly prefix: string; readonly user: string | undefined }, client: EtcdClient) {
    this.#client = client
    this.#neverPrefix = `${options.prefix}never/`
    this.#user = options.user
  }

  async identity(): Promise<string> {
    const { header } = await this.#client.ask(methods.range, { key: Buffer.from(this.#neverPrefix), countOnly: true })
    return BigInt(header.clusterId).toString(16)
  }

  async read(prefix: string): Promise<readonly KvEntry[]> {
    const rangeEnd = endOf(prefix)
    for (;;) {
      const entries: KvEntry[] = []
      let key = Buffer.from(prefix)
      let revision: string | undefined
      try {
        for (;;) {
          const page: RangeResponse = await this.#client.ask(methods.range, {
            key,
            rangeEnd,
            limit: pageSize,
            ...(revision === undefined ? {} : { revision }),
          })
          revision ??= page.header.revision
          for (const kv of page.kvs) entries.push(entryOf(kv))
          const last = page.kvs.at(-1)
          if (!page.more || last === undefined) return entries
          key = Buffer.concat([last.key, Buffer.from([0])])
        }
      } catch (error) {
        // Others made etcd forget the revision between two pages.
        if (!(error instanceof NetpluginError && error.message.includes('has been compacted'))) throw error
      }
    }
  }

  async get(keys: readonly string[]): Promise<readonly KvEntry[]> {
    const entries: KvEntry[] = []
    for (let at = 0; at < keys.length; at += keysAtOnce) {
      const success = keys
        .slice(at, at + keysAtOnce)
        .map((key): RequestOp => ({ requestRange: { key: Buffer.from(key) } }))
      const { responses } = await this.#client.ask(methods.txn, { compare: [], success })
      for (const { responseRange } of responses) for (const kv of responseRange?.kvs ?? []) entries.push(entryOf(kv))
    }
    return entries
  }

  async transact(transaction: KvTransaction): Promise<KvResult> {
    try {
      const { succeeded, header } = await this.#client.once(methods.txn, toTxn(transaction, this.#neverPrefix))
      return succeeded ? { ok: true, revision: Number(header.revision) } : { ok: false }
    } catch (error) {
      if (error instanceof NetpluginError) throw error
      const failure = grpcFailure(error)
      if (isKeyNotFound(failure)) return { ok: false }
      throw refusal(failure, this.#user)
    }
  }

  watch(prefix: string, from: number, signal: AbortSignal): AsyncIterable<KvCommit> {
    return watchEtcd(this.#client, { key: Buffer.from(prefix), rangeEnd: endOf(prefix), from }, signal)
  }

  async grant(ttlMs: number): Promise<{ readonly id: string; readonly ttlMs: number }> {
    const { id, ttl, error } = await this.#client.ask(methods.grant, { ttl: Math.max(2, Math.ceil(ttlMs / 1_000)) })
    if (error !== '') throw new NetpluginError('protocol', 'STORE_PROTOCOL', `etcd grants no lease: ${error}`)
    return { id, ttlMs: Number(ttl) * 1_000 }
  }

  async keepAlive(id: string): Promise<boolean> {
    const stream = await this.#client.stream(methods.keepAlive)
    try {
      return await new Promise<boolean>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('no answer in time')), 2_000)
        stream.on('error', reject)
        stream.on('end', () => reject(new Error('ended')))
        stream.on('close', () => clearTimeout(timer))
        stream.on('data', ({ ttl }: { readonly ttl: string }) => resolve(Number(ttl) > 0))
        stream.write({ id })
      })
    } catch (error) {
      throw this.#client.failed(error) ?? new NetpluginError('unavailable', 'STORE_UNREACHABLE', String(error))
    } finally {
      stream.on('error', () => {})
      stream.cancel()
    }
  }

  async revoke(id: string): Promise<void> {
    try {
      await this.#client.once(methods.revoke, { id })
    } catch (error) {
      if (!isLeaseNotFound(grpcFailure(error))) throw error
    }
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#client.once(methods.compact, { revision })
    } catch (error) {
      if (!isCompacted(grpcFailure(error))) throw error
    }
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

/** The first key after all that begin with the prefix. */
function endOf(prefix: string): Buffer {
  const bytes = Buffer.from(prefix)
  const last = bytes.length - 1
  bytes.writeUInt8(bytes.readUInt8(last) + 1, last)
  return bytes
}

function entryOf({ key, value, modRevision, lease }: KeyValue): KvEntry {
  return {
    key: key.toString(),
    value: value.toString(),
    revision: Number(modRevision),
    leased: lease !== '0',
  }
}

/** As one request; `neverPrefix`: below it no key exists. */
export function toTxn({ conditions, writes }: KvTransaction, neverPrefix: string): TxnRequest {
  const compare = conditions.map(comparesOf)
  const success = writes.map(opOf)
  if (compare.flat().length <= perLevel && success.length <= perLevel) return { compare: compare.flat(), success }
  // The first few conditions stay outside, where they are answered without an error.
  const outside: Compare[] = compare.splice(0, 2).flat()
  const inner: TxnRequest[] = []
  while (compare.length > 0 || success.length > 0) {
    const compares: Compare[] = []
    while (compare.length > 0 && compares.length + 2 <= perLevel) compares.push(...(compare.shift() ?? []))
    const never = Buffer.from(`${neverPrefix}${inner.length}`)
    inner.push({
      compare: compares,
      success: success.splice(0, perLevel),
      failure: [{ requestPut: { key: never, ignoreValue: true } }],
    })
  }
  return { compare: outside, success: inner.map((txn) => ({ requestTxn: txn })) }
}

function comparesOf(condition: KvCondition): Compare[] {
  const key = Buffer.from(condition.key)
  switch (condition.is) {
    case 'absent':
      return [{ key, result: 0, target: 1, createRevision: 0 }]
    case 'at':
      return [{ key, result: 0, target: 2, modRevision: condition.revision }]
    case 'until':
      return [
        { key, result: 1, target: 0, version: 0 },
        { key, result: 2, target: 2, modRevision: condition.revision + 1 },
      ]
  }
}

function opOf({ key: text, value, lease }: KvWrite): RequestOp {
  const key = Buffer.from(text)
  if (value === null) return { requestDeleteRange: { key } }
  const requestPut = { key, value: Buffer.from(value) }
  return { requestPut: lease === undefined ? requestPut : { ...requestPut, lease } }
}
