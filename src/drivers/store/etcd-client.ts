// Calls to an etcd cluster: to one member at a time, to another one when that fails or does not answer.
//
// Which member is good is found by asking all of them something that only one in touch with the leader can answer; the first
// that does is used until it fails.

import { type ChannelCredentials, Client, type ClientDuplexStream, credentials, Metadata, status } from '@grpc/grpc-js'
import type { Clock } from '../../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import {
  type GrpcFailure,
  grpcFailure,
  isAboutTls,
  isMembersFault,
  refusal,
  unreachable,
  wantsNewToken,
} from './etcd-errors.ts'
import { type Method, methods } from './etcd-messages.ts'
import { notSent } from './kv.ts'

export interface EtcdTls {
  /** PEM; left out: the authorities that Node knows. */
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

export interface EtcdClientOptions {
  /** `host:port`, without scheme. */
  readonly endpoints: readonly string[]
  /** Left out: without TLS. */
  readonly tls?: EtcdTls
  readonly user?: { readonly name: string; readonly password: string }
  /** How long a call may take in all, fail-over included. */
  readonly callMs: number
  /** How long one member is waited for. */
  readonly memberMs: number
}

interface Member {
  readonly endpoint: string
  readonly client: Client
  /** Under way; ended when the member is left. */
  readonly streams: Set<{ cancel(): void }>
}

/** A member that says nothing for so long, although asked, is gone. etcd lets nobody ask more often than each 5 s. */
const keepAlive = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 3_000 }
const channelOptions = {
  ...keepAlive,
  'grpc.max_receive_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.enable_retries': 0,
}

export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #members: readonly Member[]
  #token: string | undefined
  #good: Member | undefined
  #closed = false

  /** Throws STORE_TLS for certificates that cannot be used. */
  constructor(options: EtcdClientOptions, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#options = options
    this.#clock = clock
    this.#log = log
    const secured = channelCredentials(options.tls)
    this.#members = options.endpoints.map((endpoint) => ({
      endpoint,
      client: new Client(endpoint, secured, channelOptions),
      streams: new Set(),
    }))
  }

  /** Safe to ask twice: goes on to other members until time is over. */
  async ask<Q, R>(method: Method<Q, R>, request: Q): Promise<R> {
    const until = this.#clock.now() + this.#options.callMs
    for (;;) {
      const member = await this.#pick(until)
      try {
        return await this.#onMember(member, method, request, until)
      } catch (error) {
        const failure = grpcFailure(error)
        this.#note(member, failure)
        if (!isMembersFault(failure)) throw refusal(failure, this.#options.user?.name)
        if (this.#clock.now() >= until) throw unreachable(new Map([[member.endpoint, failure.details]]))
      }
    }
  }

  /** Not safe to ask twice: at most one member is sent it. Throws the failure of gRPC, or `unavailable`. */
  async once<Q, R>(method: Method<Q, R>, request: Q): Promise<R> {
    const until = this.#clock.now() + this.#options.callMs
    const member = await this.#pick(until).catch((error: unknown) => {
      throw notSent(asNetpluginError(error))
    })
    try {
      return await this.#onMember(member, method, request, until)
    } catch (error) {
      const failure = grpcFailure(error)
      this.#note(member, failure)
      if (isMembersFault(failure)) throw unreachable(new Map([[member.endpoint, failure.details]]))
      throw error
    }
  }

  /** A stream to a good member; the caller ends it. */
  async stream<Q, R>(method: Method<Q, R>): Promise<ClientDuplexStream<Q, R>> {
    const member = await this.#pick(this.#clock.now() + this.#options.callMs)
    const metadata = this.#metadata()
    // Of one that has lost its leader nothing would come, and nothing say so.
    metadata.set('hasleader', 'true')
    const stream = member.client.makeBidiStreamRequest(method.path, method.encode, method.decode, metadata, {})
    member.streams.add(stream)
    // How gRPC says that it is over, whoever ended it.
    stream.on('status', () => member.streams.delete(stream))
    return stream
  }

  /** After a stream failed. */
  failed(error: unknown): NetpluginError | undefined {
    const failure = grpcFailure(error)
    if (wantsNewToken(failure)) this.#token = undefined
    this.#good = undefined
    return isMembersFault(failure) || wantsNewToken(failure) ? undefined : refusal(failure, this.#options.user?.name)
  }

  /** After etcd refused a stream in words: asks for a new token; etcd says no more than that of an old one. */
  refused(details: string): NetpluginError {
    this.#token = undefined
    return refusal({ code: status.PERMISSION_DENIED, details }, this.#options.user?.name)
  }

  close(): void {
    this.#closed = true
    for (const { client } of this.#members) client.close()
  }

  /** With a new token when the old one is no longer good. */
  async #onMember<Q, R>(member: Member, method: Method<Q, R>, request: Q, until: number): Promise<R> {
    const end = Math.min(until, this.#clock.now() + this.#options.memberMs)
    try {
      return await unary(member, method, request, this.#metadata(), end)
    } catch (error) {
      if (this.#options.user === undefined || !wantsNewToken(grpcFailure(error))) throw error
      this.#token = undefined
      await this.#authenticate(member, end)
      return unary(member, method, request, this.#metadata(), end)
    }
  }

  async #pick(until: number): Promise<Member> {
    const failures = new Map<string, string>()
    while (this.#good === undefined) {
      if (this.#closed) throw new NetpluginError('unavailable', 'STORE_CLOSED', 'the store is closed')
      const end = Math.min(until, this.#clock.now() + this.#options.memberMs)
      const tries = this.#members.map(async (member) => {
        try {
          await this.#probe(member, end)
          return member
        } catch (error) {
          const failure = grpcFailure(error)
          if (!isMembersFault(failure)) throw refusal(failure, this.#options.user?.name)
          // That time was over says less than why it was tried again.
          if (failure.code !== status.DEADLINE_EXCEEDED || !failures.has(member.endpoint)) {
            failures.set(member.endpoint, failure.details)
          }
          throw error
        }
      })
      try {
        this.#good = await Promise.any(tries)
        this.#log.debug('uses etcd', { endpoint: this.#good.endpoint })
      } catch (error) {
        const refused = (error as AggregateError).errors.find((each) => each instanceof NetpluginError)
        if (refused !== undefined) throw refused
        const hopeless = [...failures.values()].every(isAboutTls)
        if (hopeless || this.#clock.now() + 200 >= until) throw unreachable(failures)
        await this.#clock.after(100)
      }
    }
    return this.#good
  }

  /** Only one that reaches the leader can answer. */
  async #probe(member: Member, end: number): Promise<void> {
    if (this.#options.user !== undefined && this.#token === undefined) await this.#authenticate(member, end)
    const request = { key: Buffer.from('netplugin'), countOnly: true }
    await this.#onMember(member, methods.range, request, end).catch((error: unknown) => {
      // It was asked about a key that we may not read, and so did answer.
      if (!grpcFailure(error).details.includes('permission denied')) throw error
    })
  }

  async #authenticate(member: Member, end: number): Promise<void> {
    const { user } = this.#options
    if (user === undefined) return
    this.#token = (await unary(member, methods.authenticate, user, new Metadata(), end)).token
  }

  #metadata(): Metadata {
    const metadata = new Metadata()
    if (this.#token !== undefined) metadata.set('token', this.#token)
    return metadata
  }

  #note(member: Member, failure: GrpcFailure): void {
    if (!isMembersFault(failure) || this.#good !== member) return
    this.#good = undefined
    for (const stream of member.streams) stream.cancel()
    if (!this.#closed) {
      this.#log.warn('a member of etcd does not answer', { endpoint: member.endpoint, error: failure.details })
    }
  }
}

function unary<Q, R>(
  { client }: Member,
  method: Method<Q, R>,
  request: Q,
  metadata: Metadata,
  deadline: number,
): Promise<R> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<Q, R>(
      method.path,
      method.encode,
      method.decode,
      request,
      metadata,
      { deadline },
      (error, response) => {
        if (error !== null) reject(error)
        else if (response === undefined) reject(new Error('an empty answer'))
        else resolve(response)
      },
    )
  })
}

function channelCredentials(tls: EtcdTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure()
  try {
    return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null)
  } catch (cause) {
    const message = `the certificates for etcd cannot be used: ${String(cause)}; check --store-ca, --store-cert and --store-key (PEM, key and certificate of the same pair)`
    throw new NetpluginError('invalid', 'STORE_TLS', message, { cause })
  }
}
