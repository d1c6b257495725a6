// UDP packets at a steady rate from one namespace to another, where they are sent back; each is known by its number.

import { type Descriptor, openSocket, receive, roomToReceive, sendTo } from './native-sockets.ts'
import type { PacketProgress, PacketReport } from './traffic-stream.ts'

const port = 7001
/** Who sends late sends no more than this at once: a burst would be lost for its own sake. */
const maxBurst = 10
const roomBytes = 8 * 1024 * 1024

export class TrafficPackets {
  readonly #address: string
  readonly #everyMs: number
  #server: Descriptor | undefined
  #client: Descriptor | undefined
  #next = 0
  /** By number, on the clock of performance.now(). */
  readonly #sentAt: number[] = []
  readonly #answeredAt: number[] = []
  #newest = -1
  #lastAnswerAt = 0
  #silence = 0
  #silenceEnd = 0

  constructor({ address, perSecond }: { readonly address: string; readonly perSecond: number }) {
    this.#address = address
    this.#everyMs = 1_000 / perSecond
  }

  /** In the namespace of who answers. */
  serve(): void {
    this.#server = openSocket('udp', false, { address: this.#address, port })
    roomToReceive(this.#server, roomBytes)
  }

  /** In the namespace of who sends: what is due. */
  send(now: number): void {
    if (this.#client === undefined) {
      this.#client = openSocket('udp', false)
      roomToReceive(this.#client, roomBytes)
      this.#next = now
    }
    for (let burst = 0; this.#next <= now && burst < maxBurst; burst++) {
      const bytes = Buffer.alloc(64)
      bytes.writeUInt32BE(this.#sentAt.length)
      this.#sentAt.push(now)
      sendTo(this.#client, bytes, { address: this.#address, port })
      this.#next += this.#everyMs
    }
    if (this.#next < now) this.#next = now
  }

  reading(): readonly Descriptor[] {
    return [this.#server, this.#client].filter((socket) => socket !== undefined)
  }

  take(found: ReadonlySet<Descriptor>, now: number): void {
    const [server, client] = [this.#server, this.#client]
    if (server !== undefined && found.has(server)) {
      for (let one = receive(server); one !== undefined; one = receive(server)) sendTo(server, one.bytes, one.from)
    }
    if (client === undefined || !found.has(client)) return
    for (let one = receive(client); one !== undefined; one = receive(client)) {
      const number = one.bytes.readUInt32BE()
      this.#answeredAt[number] = now
      this.#newest = Math.max(this.#newest, number)
      if (this.#lastAnswerAt !== 0 && now - this.#lastAnswerAt > this.#silence) {
        this.#silence = now - this.#lastAnswerAt
        this.#silenceEnd = now
      }
      this.#lastAnswerAt = now
    }
  }

  progress(): PacketProgress {
    return { sent: this.#sentAt.length, newest: this.#newest }
  }

  report(): PacketReport {
    const lost = this.#sentAt.flatMap((at, number) => (this.#answeredAt[number] === undefined ? [at] : []))
    const spanMs = (this.#sentAt.at(-1) ?? 0) - (this.#sentAt[0] ?? 0)
    return {
      sent: this.#sentAt.length,
      perSecond: (this.#sentAt.length * 1_000) / spanMs,
      lost: lost.map((at) => Math.round(performance.timeOrigin + at)),
      silenceMs: this.#silence,
      silenceEnd: Math.round(performance.timeOrigin + this.#silenceEnd),
    }
  }
}
