// Senders that never stop: from each of some network namespaces, a UDP packet and a new TCP connection to each of some
// addresses, time and again, whether somebody is there or not.

import { setTimeout as delay } from 'node:timers/promises'
import { inNamespace } from '../../src/protocols/netlink/index.ts'
import { closeSocket, connect, type Descriptor, openSocket, sendTo } from './native-sockets.ts'

export interface Gun {
  /** Path of its network namespace. */
  readonly namespace: string
}

const port = 7777

export class Fire {
  readonly #guns: readonly { readonly namespace: string; readonly udp: Descriptor }[]
  /** Connections that are being opened. */
  #opening: Descriptor[] = []
  #targets: readonly string[] = []
  #rounds = 0
  #going = true
  readonly #over: Promise<void>

  constructor(guns: readonly Gun[]) {
    this.#guns = guns.map(({ namespace }) => ({
      namespace,
      udp: inNamespace(namespace, () => openSocket('udp', false)),
    }))
    this.#over = this.#shoot()
  }

  /** In a round each gun sends two packets to each target. */
  get rounds(): number {
    return this.#rounds
  }

  aim(targets: readonly string[]): void {
    this.#targets = targets
  }

  /** Rejects with what stopped it earlier. */
  async cease(): Promise<void> {
    this.#going = false
    await this.#over
    for (const { udp } of this.#guns) closeSocket(udp)
  }

  async #shoot(): Promise<void> {
    while (this.#going) {
      for (const socket of this.#opening.splice(0)) closeSocket(socket)
      for (const { namespace, udp } of this.#guns) inNamespace(namespace, () => this.#volley(udp))
      this.#rounds++
      await delay(1)
    }
    for (const socket of this.#opening.splice(0)) closeSocket(socket)
  }

  #volley(udp: Descriptor): void {
    for (const address of this.#targets) {
      sendTo(udp, Buffer.from('fire'), { address, port })
      const tcp = openSocket('tcp', false)
      this.#opening.push(tcp)
      connect(tcp, { address, port })
    }
  }
}
