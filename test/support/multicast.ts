// Who listens to multicast groups in containers, what their interfaces get, and who sends to groups.

import { setTimeout as delay } from 'node:timers/promises'
import { inNamespace, withNetlink } from '../../src/protocols/netlink/index.ts'
import { findLayer, type Layer, parsePacket } from '../../src/protocols/packet/index.ts'
import type { Container } from './containers.ts'
import type { TestLab } from './lab.ts'
import {
  changeMembership,
  closeSocket,
  type Descriptor,
  openSocket,
  openTap,
  receiveFrame,
  sendBy,
  sendTo,
} from './native-sockets.ts'
import { namespaceOf } from './policy-lab.ts'

const port = 5_000

/** A socket of a container, and everything that its interface gets. */
export class Listener {
  readonly ipv4: string
  readonly #sockets: { readonly v4: Descriptor; readonly v6: Descriptor }
  readonly #interfaceIndex: number
  readonly #tap: Descriptor
  /** Numbers of the packets that came, by destination. */
  readonly #heard = new Map<string, Set<number>>()
  /** Its own pass its tap, too. */
  readonly #sent = new Set<string>()

  constructor(lab: TestLab, container: Container) {
    this.ipv4 = container.ipv4
    const place = inNamespace(namespaceOf(lab, container), () => ({
      sockets: { v4: openSocket('udp', false), v6: openSocket('udp', true) },
      tap: openTap(),
      interfaceIndex: withNetlink((netlink) => netlink.link('eth0'))?.index ?? 0,
    }))
    this.#sockets = place.sockets
    this.#tap = place.tap
    this.#interfaceIndex = place.interfaceIndex
  }

  join(group: string): void {
    changeMembership(this.#socketFor(group), 'join', { group, interfaceIndex: this.#interfaceIndex })
  }

  leave(group: string): void {
    changeMembership(this.#socketFor(group), 'leave', { group, interfaceIndex: this.#interfaceIndex })
  }

  /** Sends a packet with a number in it. */
  send(destination: string, number: number): void {
    const socket = this.#socketFor(destination)
    sendBy(socket, this.#interfaceIndex, destination.includes(':'))
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(number)
    this.#sent.add(`${destination} ${number}`)
    sendTo(socket, bytes, { address: destination, port })
  }

  /** Numbers of the packets that reached the interface for this destination; those it sent itself are not among them. */
  heard(destination: string): ReadonlySet<number> {
    for (let frame = receiveFrame(this.#tap); frame !== undefined; frame = receiveFrame(this.#tap)) {
      const { to, number } = numbered(parsePacket(frame).layers) ?? {}
      if (to === undefined || number === undefined || this.#sent.has(`${to} ${number}`)) continue
      this.#heard.set(to, (this.#heard.get(to) ?? new Set()).add(number))
    }
    return this.#heard.get(destination) ?? new Set()
  }

  close(): void {
    closeSocket(this.#sockets.v4)
    closeSocket(this.#sockets.v6)
    closeSocket(this.#tap)
  }

  #socketFor(address: string): Descriptor {
    return address.includes(':') ? this.#sockets.v6 : this.#sockets.v4
  }
}

function numbered(layers: readonly Layer[]): { readonly to: string; readonly number: number } | undefined {
  const packet = { layers, problems: [] }
  const ip = findLayer(packet, 'ipv4') ?? findLayer(packet, 'ipv6')
  const payload = findLayer(packet, 'payload')
  if (ip === undefined || findLayer(packet, 'udp')?.destinationPort !== port || payload?.bytes.length !== 4)
    return undefined
  return { to: ip.destination, number: Buffer.from(payload.bytes).readUInt32BE() }
}

/** What crosses a host's underlay inside VXLAN, as long as this is open: packets to groups. */
export class TunnelTap {
  readonly #tap: Descriptor
  #count = 0

  constructor(lab: TestLab, host: string) {
    this.#tap = inNamespace(`/proc/${lab.pid(host)}/ns/net`, openTap)
  }

  /** Packets so far to this destination. */
  count(destination: string): number {
    for (let frame = receiveFrame(this.#tap); frame !== undefined; frame = receiveFrame(this.#tap)) {
      const { layers } = parsePacket(frame)
      const inside = layers.findIndex((layer) => layer.kind === 'vxlan')
      if (inside >= 0 && numbered(layers.slice(inside + 1))?.to === destination) this.#count++
    }
    return this.#count
  }

  close(): void {
    closeSocket(this.#tap)
  }
}

/** Sends to a group all the time, numbering from 1. */
export class Sender {
  readonly #listener: Listener
  readonly #group: string
  readonly #over: Promise<void>
  #going = true
  #last = 0

  constructor(listener: Listener, group: string, everyMs = 20) {
    this.#listener = listener
    this.#group = group
    this.#over = this.#run(everyMs)
  }

  get last(): number {
    return this.#last
  }

  async stop(): Promise<number> {
    this.#going = false
    await this.#over
    return this.#last
  }

  async #run(everyMs: number): Promise<void> {
    while (this.#going) {
      this.#listener.send(this.#group, ++this.#last)
      await delay(everyMs)
    }
  }
}
