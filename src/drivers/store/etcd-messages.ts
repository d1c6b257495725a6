// The messages of etcd's v3 API that we use (etcd's api/etcdserverpb/rpc.proto and mvccpb/kv.proto): field names, types and
// numbers. 64-bit numbers come back as text: ids of leases use all of them.

import protobuf from 'protobufjs/light.js'

type Fields = Readonly<Record<string, readonly [type: string, id: number, rule?: 'repeated']>>

const header = { header: ['ResponseHeader', 1] } as const

const messages: Readonly<Record<string, Fields>> = {
  ResponseHeader: { clusterId: ['uint64', 1], memberId: ['uint64', 2], revision: ['int64', 3] },
  KeyValue: {
    key: ['bytes', 1],
    createRevision: ['int64', 2],
    modRevision: ['int64', 3],
    version: ['int64', 4],
    value: ['bytes', 5],
    lease: ['int64', 6],
  },
  Event: { type: ['int32', 1], kv: ['KeyValue', 2] },
  RangeRequest: {
    key: ['bytes', 1],
    rangeEnd: ['bytes', 2],
    limit: ['int64', 3],
    revision: ['int64', 4],
    countOnly: ['bool', 9],
  },
  RangeResponse: { ...header, kvs: ['KeyValue', 2, 'repeated'], more: ['bool', 3], count: ['int64', 4] },
  PutRequest: { key: ['bytes', 1], value: ['bytes', 2], lease: ['int64', 3], ignoreValue: ['bool', 5] },
  DeleteRangeRequest: { key: ['bytes', 1], rangeEnd: ['bytes', 2] },
  Compare: {
    result: ['int32', 1],
    target: ['int32', 2],
    key: ['bytes', 3],
    version: ['int64', 4],
    createRevision: ['int64', 5],
    modRevision: ['int64', 6],
  },
  RequestOp: {
    requestRange: ['RangeRequest', 1],
    requestPut: ['PutRequest', 2],
    requestDeleteRange: ['DeleteRangeRequest', 3],
    requestTxn: ['TxnRequest', 4],
  },
  TxnRequest: {
    compare: ['Compare', 1, 'repeated'],
    success: ['RequestOp', 2, 'repeated'],
    failure: ['RequestOp', 3, 'repeated'],
  },
  ResponseOp: { responseRange: ['RangeResponse', 1] },
  TxnResponse: { ...header, succeeded: ['bool', 2], responses: ['ResponseOp', 3, 'repeated'] },
  CompactionRequest: { revision: ['int64', 1] },
  WatchRequest: { createRequest: ['WatchCreateRequest', 1] },
  WatchCreateRequest: {
    key: ['bytes', 1],
    rangeEnd: ['bytes', 2],
    startRevision: ['int64', 3],
    progressNotify: ['bool', 4],
  },
  WatchResponse: {
    ...header,
    created: ['bool', 3],
    canceled: ['bool', 4],
    compactRevision: ['int64', 5],
    cancelReason: ['string', 6],
    events: ['Event', 11, 'repeated'],
  },
  LeaseGrantRequest: { ttl: ['int64', 1], id: ['int64', 2] },
  LeaseGrantResponse: { ...header, id: ['int64', 2], ttl: ['int64', 3], error: ['string', 4] },
  LeaseRevokeRequest: { id: ['int64', 1] },
  LeaseKeepAliveRequest: { id: ['int64', 1] },
  LeaseKeepAliveResponse: { ...header, id: ['int64', 2], ttl: ['int64', 3] },
  AuthenticateRequest: { name: ['string', 1], password: ['string', 2] },
  AuthenticateResponse: { ...header, token: ['string', 2] },
  /** Of answers with nothing to read. */
  Nothing: { ...header },
}

const root = new protobuf.Root()
for (const [name, fields] of Object.entries(messages)) {
  const type = new protobuf.Type(name)
  for (const [field, [of, id, rule]] of Object.entries(fields)) type.add(new protobuf.Field(field, id, of, rule))
  root.add(type)
}

export interface Header {
  readonly clusterId: string
  readonly revision: string
}
export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly modRevision: string
  readonly lease: string
}
export interface RangeRequest {
  readonly key: Buffer
  readonly rangeEnd?: Buffer
  readonly limit?: number
  readonly revision?: string
  readonly countOnly?: boolean
}
export interface RangeResponse {
  readonly header: Header
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
}
/** `result`: 0 equal, 1 greater, 2 less; `target`: 0 version, 1 create revision, 2 revision of the last write. */
export interface Compare {
  readonly key: Buffer
  readonly result: 0 | 1 | 2
  readonly target: 0 | 1 | 2
  readonly version?: number
  readonly createRevision?: number
  readonly modRevision?: number
}
export type RequestOp =
  | { readonly requestRange: RangeRequest }
  | {
      readonly requestPut: {
        readonly key: Buffer
        readonly value?: Buffer
        readonly lease?: string
        readonly ignoreValue?: boolean
      }
    }
  | { readonly requestDeleteRange: { readonly key: Buffer } }
  | { readonly requestTxn: TxnRequest }
export interface TxnRequest {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure?: readonly RequestOp[]
}
export interface TxnResponse {
  readonly header: Header
  readonly succeeded: boolean
  readonly responses: readonly { readonly responseRange?: RangeResponse }[]
}
export interface WatchRequest {
  readonly createRequest: {
    readonly key: Buffer
    readonly rangeEnd: Buffer
    readonly startRevision: string
    readonly progressNotify: boolean
  }
}
export interface WatchResponse {
  readonly header: Header
  readonly created: boolean
  readonly canceled: boolean
  readonly compactRevision: string
  readonly cancelReason: string
  /** `type`: 0 put, 1 deleted. */
  readonly events: readonly { readonly type: number; readonly kv: KeyValue }[]
}

/** A remote procedure. The types are those of the messages above with these names. */
export interface Method<Q, R> {
  readonly path: string
  readonly encode: (request: Q) => Buffer
  readonly decode: (bytes: Buffer) => R
}

function method<Q extends object, R>(path: string, request: string, response: string): Method<Q, R> {
  const [asked, answered] = [root.lookupType(request), root.lookupType(response)]
  return {
    path: `/etcdserverpb.${path}`,
    encode: (message) => Buffer.from(asked.encode(asked.fromObject(message)).finish()),
    // Sound: protobufjs fills every field of the type that was looked up.
    decode: (bytes) =>
      answered.toObject(answered.decode(bytes), { longs: String, defaults: true, arrays: true, objects: true }) as R,
  }
}

export const methods = {
  range: method<RangeRequest, RangeResponse>('KV/Range', 'RangeRequest', 'RangeResponse'),
  txn: method<TxnRequest, TxnResponse>('KV/Txn', 'TxnRequest', 'TxnResponse'),
  compact: method<{ revision: number }, unknown>('KV/Compact', 'CompactionRequest', 'Nothing'),
  watch: method<WatchRequest, WatchResponse>('Watch/Watch', 'WatchRequest', 'WatchResponse'),
  grant: method<{ ttl: number }, { id: string; ttl: string; error: string }>(
    'Lease/LeaseGrant',
    'LeaseGrantRequest',
    'LeaseGrantResponse',
  ),
  revoke: method<{ id: string }, unknown>('Lease/LeaseRevoke', 'LeaseRevokeRequest', 'Nothing'),
  keepAlive: method<{ id: string }, { id: string; ttl: string }>(
    'Lease/LeaseKeepAlive',
    'LeaseKeepAliveRequest',
    'LeaseKeepAliveResponse',
  ),
  authenticate: method<{ name: string; password: string }, { token: string }>(
    'Auth/Authenticate',
    'AuthenticateRequest',
    'AuthenticateResponse',
  ),
} as const
