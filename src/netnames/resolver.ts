// Answers the questions of a host's containers. They reach it through the switch, from an address that carries the port of
// the asking endpoint: so it knows whose network a question is about. Names of that network and of the others of its
// tenant are answered here, all others by the host's own servers.

import { randomInt } from 'node:crypto'
import type { Asker, FeedMessage, NamesStatus } from '../core/names/feed.ts'
import { NameTable } from '../core/names/name-table.ts'
import { askerAddresses } from '../core/pipeline/features/names.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { type Answer, type Exchange, Forwarder, failure, type Query, type Source } from '../protocols/dns/index.ts'
import { localNames } from './answers.ts'
import { RateLimit } from './rate-limit.ts'

export interface ResolverOptions {
  /** Questions a second from one container; 0: no limit. */
  readonly rate: number
}

interface Deps {
  /** The host's servers. */
  readonly nameservers: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** 0..1. */
  readonly random: () => number
  /** How one server is asked. */
  readonly exchange: Exchange
}

/** What is known of the cluster and of this host. */
interface View {
  readonly table: NameTable
  pvtSubnet: string
  askers: readonly Asker[]
  /** By the addresses that their questions come from. */
  byAddress: ReadonlyMap<string, Asker>
}

const dnsPort = 53
const internet = 1
const anyClass = 255
const forwarderLimits = {
  tryTimeoutMs: 2_000,
  rounds: 2,
  maxPending: 1_000,
  cacheEntries: 10_000,
  cacheBytes: 16 * 1024 * 1024,
  maxCacheSeconds: 300,
  maxNegativeSeconds: 30,
}
const limits = { maxKeys: 10_000, tellEveryMs: 60_000 }
/** Of zones as a whole: nobody's here. */
const transfers: ReadonlySet<string> = new Set(['AXFR', 'IXFR'])

export class Resolver {
  readonly #deps: Deps
  readonly #forwarder: Forwarder
  readonly #limit: RateLimit
  #view: View = noView()
  /** A complete view that is being told. */
  #next: View | undefined
  readonly #counts = { asked: 0, answeredHere: 0, forwarded: 0, limited: 0 }

  constructor({ rate }: ResolverOptions, deps: Deps) {
    this.#deps = deps
    const { exchange, clock, log } = deps
    const randomId = () => randomInt(65_536)
    this.#forwarder = new Forwarder({ upstreams: [], ...forwarderLimits }, { exchange, randomId, clock, log })
    this.#limit = new RateLimit({ perSecond: rate, ...limits })
  }

  /** The private subnet of which the resolver has an address; empty until a complete view is known. */
  get pvtSubnet(): string {
    return this.#view.pvtSubnet
  }

  get counts(): Omit<NamesStatus, 'pid' | 'fed' | 'address'> {
    return { members: this.#view.table.size, askers: this.#view.askers.length, ...this.#counts }
  }

  /** Takes what netplugin tells about names and askers. */
  tell(message: Extract<FeedMessage, { type: 'begin' | 'host' | 'members' | 'end' }>): void {
    const view = this.#next ?? this.#view
    switch (message.type) {
      case 'begin':
        this.#next = noView()
        return
      case 'host':
        view.pvtSubnet = message.pvtSubnet
        view.askers = message.askers
        view.byAddress = new Map(message.askers.flatMap((asker) => addressed(asker, message.pvtSubnet)))
        return
      case 'members':
        for (const key of message.gone) view.table.delete(key)
        for (const member of message.set) view.table.set(member)
        return
      case 'end':
        this.#view = view
        this.#next = undefined
        return
    }
  }

  /** A view that was not told to its end is none. */
  forgetUnfinished(): void {
    this.#next = undefined
  }

  /** Whether a message from there is to be looked at. */
  admit(source: Source): boolean {
    this.#counts.asked += 1
    const asker = this.#view.byAddress.get(source.address)
    // A container has one limit, whichever of its addresses it asks from.
    const verdict = this.#limit.check(asker === undefined ? source.address : `${asker.port}`, this.#deps.clock.now())
    if (verdict === 'allowed') return true
    this.#counts.limited += 1
    if (verdict === 'limited-tell') {
      const { port, tenant, network } = asker ?? {}
      this.#deps.log.warn('a container asks more than it may', { port, tenant, network })
    }
    return false
  }

  resolve(query: Query, source: Source): Answer | Promise<Answer> {
    const asker = this.#view.byAddress.get(source.address)
    const { question } = query
    if (asker === undefined || transfers.has(question.type)) return failure('REFUSED')
    if (question.class !== internet && question.class !== anyClass) return failure('REFUSED')
    const answer = localNames(question, asker, this.#view.table, this.#deps.random)
    if (answer !== undefined) {
      this.#counts.answeredHere += 1
      return answer
    }
    const upstreams = this.#deps.nameservers().map((address) => ({ address, port: dnsPort }))
    // No server of the host: nobody knows the name.
    if (upstreams.length === 0) return failure('NXDOMAIN')
    this.#counts.forwarded += 1
    this.#forwarder.setUpstreams(upstreams)
    return this.#forwarder.forward(query, source.transport)
  }

  close(): void {
    this.#forwarder.close()
  }
}

function noView(): View {
  return { table: new NameTable(), pvtSubnet: '', askers: [], byAddress: new Map() }
}

function addressed(asker: Asker, pvtSubnet: string): (readonly [string, Asker])[] {
  const { ipv4, ipv6 } = askerAddresses(pvtSubnet, asker.port)
  return [
    [ipv4, asker],
    [ipv6, asker],
  ]
}
