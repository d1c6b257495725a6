// Keeps the kernel's part of the way out as it must be: works out after each pass of the agent what that is, and looks at the
// kernel when it is something else, and every few seconds for what other hands have changed.

import type { NodeNetwork } from '../core/compile/node-network.ts'
import { type Firewall, firewallText } from '../core/outside/firewall.ts'
import { firewallFor } from '../core/outside/wish.ts'
import { portNames } from '../core/pipeline/facts.ts'
import type { FirewallDriver } from '../drivers/host/firewall.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import { overlappingPrefixes, parseIpv4 } from '../lib/address.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { sameItems } from '../lib/same.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { ClusterState } from '../model/state.ts'

interface Options {
  readonly subnet: string
}

interface Deps {
  readonly firewall: FirewallDriver
  readonly host: Pick<HostDriver, 'facts'>
  readonly clock: Clock
  readonly log: Log
  /** Whether the state is known well enough to take away what it does not name. */
  readonly mayRemove: () => boolean
  /** URLs of netmasters. */
  readonly netmasters: () => readonly string[]
  /** IPv4 addresses of a name. */
  readonly resolve: (name: string) => Promise<readonly string[]>
}

interface Seen {
  readonly state: ClusterState
  readonly network: NodeNetwork
  readonly ofPorts: ReadonlyMap<string, number>
}

const auditMs = 5_000
const stepMs = 10_000

export class Outside {
  readonly #options: Options
  readonly #deps: Deps
  readonly #wakeup = new Wakeup()
  /** Woken after each look. */
  readonly #looked = new Wakeup()
  #seen: Seen | undefined
  #dirty = false
  #auditAt = 0
  /** What was put in force last, and what it was worked out from; undefined: unknown. */
  #kept: { readonly table: string | undefined; readonly inputs: readonly unknown[] } | undefined
  #netmasters: Firewall['netmasters'] = []
  /** Revision that is in force, as far as there is a way out. */
  #revision = 0
  #problem = ''

  constructor(options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  /** After a pass of the agent. */
  passed(seen: Seen): void {
    this.#seen = seen
    this.#dirty = true
    this.#wakeup.wake()
  }

  /** Sentences for people; none when all is as it should be. */
  problems(): readonly string[] {
    return this.#problem === '' ? [] : [`way out: ${this.#problem}`]
  }

  /** Resolves when what the state says at this revision is in force; rejects with what is in the way, or when the signal aborts. */
  async whenInForce(revision: number, signal: AbortSignal): Promise<void> {
    while (this.#revision < revision) {
      if (signal.aborted) {
        const message = `published ports are not in force in time: ${this.#problem || 'the switch is busy, try again'}`
        throw new NetpluginError('timeout', 'PORTS_NOT_IN_FORCE', message)
      }
      if (this.#problem !== '') throw new NetpluginError('unavailable', 'NO_WAY_IN', this.#problem)
      await this.#looked.wait(signal)
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    while (!signal.aborted) {
      // Not more than a pause: a clock may be set back.
      const pause = Math.min(auditMs, this.#auditAt - clock.now())
      if (!this.#dirty && pause > 0) await this.#wakeup.waitAtMost(pause, { clock }, signal)
      if (signal.aborted) return
      this.#dirty = false
      const isAudit = this.#auditAt > clock.now() + auditMs || this.#auditAt <= clock.now()
      if (isAudit) {
        this.#auditAt = clock.now() + auditMs
        this.#kept = undefined
      }
      if (this.#seen !== undefined) await this.#look(this.#seen, signal)
    }
  }

  async #look(seen: Seen, signal: AbortSignal): Promise<void> {
    const { firewall, host, log, mayRemove } = this.#deps
    const inputs = this.#inputs(seen)
    if (this.#kept !== undefined && this.#problem === '' && sameItems(this.#kept.inputs, inputs)) {
      this.#revision = seen.network.revision
      this.#looked.wake()
      return
    }
    try {
      // Before anything is in force as after each pause: addresses of names change too.
      if (this.#kept === undefined && seen.network.outside !== undefined)
        this.#netmasters = await this.#findNetmasters()
      const wish = firewallFor(seen.network, {
        state: seen.state,
        ofPorts: seen.ofPorts,
        links: host.facts().links,
        subnet: this.#options.subnet,
        netmasters: this.#netmasters,
      })
      if (wish === undefined && seen.network.outside !== undefined) {
        throw new NetpluginError('unavailable', 'OUTSIDE_PORT_MISSING', `the switch has no port ${portNames.outside}`)
      }
      if (wish !== undefined) this.#checkSubnet()
      if (wish !== undefined || mayRemove()) {
        const table = wish === undefined ? undefined : firewallText(wish)
        if (this.#kept === undefined || this.#kept.table !== table) {
          this.#kept = undefined
          const done = await firewall.keep(table, AbortSignal.any([signal, AbortSignal.timeout(stepMs)]))
          if (done.length > 0) log.info('way out changed', { done })
        }
        this.#kept = { table, inputs }
      }
      if (this.#problem !== '') log.info('way out as it should be again')
      this.#problem = ''
      this.#revision = seen.network.revision
    } catch (error) {
      if (signal.aborted) return
      const { code, message } = asNetpluginError(error)
      if (message !== this.#problem) log.error('way out not as it should be', { code, reason: message })
      this.#problem = message
    }
    this.#looked.wake()
  }

  /** Everything that decides what must be in force; names of netmasters are looked up again with each audit. */
  #inputs({ state, network, ofPorts }: Seen): readonly unknown[] {
    const { links, addresses } = this.#deps.host.facts()
    const { local, outside, pvtSubnet } = network
    return [state.endpoints, state.nodes, local, outside, pvtSubnet, ofPorts, links, addresses, this.#deps.mayRemove()]
  }

  #checkSubnet(): void {
    const { subnet } = this.#options
    const { addresses, links } = this.#deps.host.facts()
    const own = links.get(portNames.outside)?.index
    const other = addresses.find(({ index, cidr }) => index !== own && overlappingPrefixes(cidr, subnet))
    if (other === undefined) return
    const message = `--outside-subnet ${subnet} overlaps ${other.cidr} of this host; give netplugin another`
    throw new NetpluginError('conflict', 'OUTSIDE_SUBNET_TAKEN', message)
  }

  /** A name that nobody knows now keeps nobody from the way out. */
  async #findNetmasters(): Promise<Firewall['netmasters']> {
    const found = await Promise.all(this.#deps.netmasters().map((url) => this.#find(new URL(url))))
    return found.flat()
  }

  async #find({ hostname, port, protocol }: URL): Promise<Firewall['netmasters']> {
    const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
    const known = parseIpv4(hostname) !== undefined ? [hostname] : await this.#deps.resolve(hostname).catch(() => [])
    return known.map((address) => ({ address, port: number }))
  }
}
