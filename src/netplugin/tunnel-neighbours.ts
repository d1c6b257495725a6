// Open vSwitch's userspace datapath drops the first packet to a tunnel end whose MAC it does not know. It learns MACs
// from the ARP answers it sees; so the kernel is made to ask for each peer before a container does, and again now and
// then, before the switch forgets. The kernel learns from questions, too: a peer that asked first is known to it, and it would
// not ask. So it forgets the peer before it sends.

import { createSocket } from 'node:dgram'
import type { HostDriver } from '../drivers/host/host.ts'
import type { Clock } from '../lib/clock.ts'
import { asError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'

/** Makes the kernel ask for the MAC of an address on the underlay. */
export interface Prober {
  ask(address: string): void
  close(): void
}

interface Deps {
  readonly clock: Clock
  readonly openProber: () => Prober
}

/** The switch forgets after 15 minutes without use. */
const refreshMs = 5 * 60_000
/** While a peer, or the switch, is not up yet its MAC cannot be learnt. */
const retriesMs = [0, 100, 300, 1_000, 3_000, 10_000]
/** RFC 863: what arrives there is to be thrown away; a host without the service says so, which does as well. */
const discardPort = 9

export class TunnelNeighbours {
  readonly #deps: Deps
  readonly #due = new Map<string, { tries: number; at: number }>()
  readonly #wakeup = new Wakeup()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The tunnel ends of the other nodes, as they are now. */
  keepWarm(peers: readonly string[]): void {
    let grown = false
    for (const known of this.#due.keys()) if (!peers.includes(known)) this.#due.delete(known)
    for (const peer of peers) {
      if (this.#due.has(peer)) continue
      this.#due.set(peer, { tries: 0, at: this.#deps.clock.now() })
      grown = true
    }
    if (grown) this.#wakeup.wake()
  }

  /** The switch may be another one, which knows nobody. */
  askAgain(): void {
    const at = this.#deps.clock.now()
    for (const peer of this.#due.keys()) this.#due.set(peer, { tries: 0, at })
    this.#wakeup.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, openProber } = this.#deps
    const prober = openProber()
    try {
      while (!signal.aborted) {
        const now = clock.now()
        for (const [peer, due] of this.#due) {
          if (due.at > now) continue
          prober.ask(peer)
          due.tries++
          due.at = now + (retriesMs[due.tries] ?? refreshMs)
        }
        const next = Math.min(refreshMs, ...[...this.#due.values()].map((due) => due.at - now))
        await this.#wakeup.waitAtMost(next, { clock }, signal)
      }
    } finally {
      prober.close()
    }
  }
}

interface ProberDeps {
  readonly host: Pick<HostDriver, 'forgetNeighbour'>
  readonly log: Log
}

/** Sends empty datagrams; refused or not, the kernel has asked for the peer's MAC. */
export function udpProber({ host, log }: ProberDeps): Prober {
  const socket = createSocket('udp4')
  socket.on('error', (error) => log.debug('tunnel end not reached', { reason: error.message }))
  return {
    ask: (address) => {
      try {
        host.forgetNeighbour(address)
      } catch (error) {
        log.warn('neighbour not forgotten', { address, reason: asError(error).message })
      }
      socket.send(Buffer.alloc(0), discardPort, address, () => {})
    },
    close: () => void socket.close(),
  }
}
