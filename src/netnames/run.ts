// The life of a host's DNS server. It outlives the netplugin that started it, so that names resolve while netplugin is
// away, and ends when it is told to, when another took its place, or when nobody can need it any more.

import type { NamesStatus } from '../core/names/feed.ts'
import { resolverAddresses } from '../core/pipeline/features/names.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Exchange, Query, Source } from '../protocols/dns/index.ts'
import type { NamesConfig } from './config.ts'
import { Control } from './control.ts'
import { HostServers } from './host-servers.ts'
import { Resolver } from './resolver.ts'
import { Service } from './serve.ts'

interface Deps {
  readonly pid: number
  /** IPv4 addresses of this host. */
  readonly hostAddresses: () => ReadonlySet<string>
  readonly exchange: Exchange
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

/** How often it looks whether it is still of use. */
const lookEveryMs = 2_000
/** Without netplugin, and without the port of the switch that it answers at, for so long: the host is no node any more. */
const uselessMs = 60_000

/** Runs until the signal aborts, or it has no reason to run. Errors: as `Control.open`. */
export async function runNetnames(config: NamesConfig, deps: Deps, signal: AbortSignal): Promise<void> {
  const { pid, exchange, clock, log, random } = deps
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  const end = (reason: string) => {
    if (!until.aborted) log.info('names server ends', { reason })
    over.abort()
  }
  const servers = new HostServers(config.resolvConf, { clock })
  const nameservers = () => servers.get()
  const resolver = new Resolver({ rate: config.rate }, { nameservers, exchange, clock, log, random })
  const common = {
    resolve: (query: Query, source: Source) => resolver.resolve(query, source),
    admit: (source: Source) => resolver.admit(source),
    clock,
    log,
    random,
  }
  const serving = (address: string) => control.say({ type: 'serving', address })
  const service = new Service({ maxRetryMs: 500 }, { ...common, serving })
  // A host without IPv6 never has the address.
  const service6 = new Service({ maxRetryMs: 5_000 }, { ...common, serving: () => {} })
  const serveAt = (pvtSubnet: string) => {
    const { ipv4, ipv6 } = resolverAddresses(pvtSubnet)
    service6.moveTo(ipv6)
    service.moveTo(ipv4)
  }
  const status = (): NamesStatus => ({
    pid,
    fed: control.isFed,
    address: service.address,
    ...resolver.counts,
  })
  const control: Control = new Control(
    { socket: config.socket, hello: { type: 'hello', pid, program: config.program } },
    {
      log,
      left: (yielded) => {
        resolver.forgetUnfinished()
        if (yielded) end('netplugin left, and this server was to be replaced')
        else log.info('netplugin is away: names stay as they are')
      },
      told: (message, reply) => {
        switch (message.type) {
          case 'stop':
            end('told to')
            return
          case 'status':
            reply({ type: 'status', status: status() })
            return
          case 'begin':
          case 'members':
            resolver.tell(message)
            return
          case 'host':
          case 'end':
            resolver.tell(message)
            if (resolver.pvtSubnet !== '') serveAt(resolver.pvtSubnet)
            if (message.type === 'end' && service.address !== '') reply({ type: 'serving', address: service.address })
            return
        }
      },
    },
  )
  await control.open()
  log.info('ready', { socket: config.socket })
  try {
    await Promise.all([service6.run(until), service.run(until), watchUse(deps, { control, service, end }, until)])
  } finally {
    resolver.close()
    await control.close()
  }
}

interface Watched {
  readonly control: Control
  readonly service: Service
  readonly end: (reason: string) => void
}

async function watchUse({ clock, hostAddresses }: Deps, { control, service, end }: Watched, signal: AbortSignal) {
  let usefulAt = clock.now()
  while (!signal.aborted) {
    await clock.after(lookEveryMs, signal).catch(() => {})
    if (!control.isOwner) return end('the control socket is not its own any more')
    const now = clock.now()
    if (control.isFed || hostAddresses().has(service.address) || now < usefulAt) usefulAt = now
    if (now - usefulAt >= uselessMs) return end('netplugin and the port of the switch are gone')
  }
}
