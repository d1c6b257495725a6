// Opens connections between many network namespaces from one process, all at once, and tells which opened. Each endpoint
// listens for TCP, answers UDP and overhears echo requests, so that what arrived is known beside what was answered; and
// each attempt is known again wherever and whenever it arrives, by its source port, number or payload.

import { setTimeout as delay } from 'node:timers/promises'
import { patient } from '../../src/netlab/wait.ts'
import { inNamespace } from '../../src/protocols/netlink/index.ts'
import { internetChecksum } from '../../src/protocols/packet/index.ts'
import {
  accept,
  closeSocket,
  connect,
  connectError,
  type Descriptor,
  listen,
  openSocket,
  type Place,
  ready,
  receive,
  resetOnClose,
  type SocketKind,
  sendTo,
} from './native-sockets.ts'

export interface Seat {
  readonly name: string
  /** Path of its network namespace. */
  readonly namespace: string
  readonly ipv4: string
  readonly ipv6: string
}

export interface Service {
  readonly kind: SocketKind
  /** 0 of ICMP. */
  readonly port: number
}

export interface Probe {
  readonly from: Seat
  readonly to: Seat
  readonly isV6: boolean
  readonly service: Service
  /** Whether it is waited for. */
  readonly expected: boolean
}

export interface Outcome {
  readonly probe: Probe
  /** The connection opened, or an answer came. */
  answered: boolean
  /** Names of the seats that something of it arrived at. */
  readonly heardBy: Set<string>
}

interface Attempt {
  readonly outcome: Outcome
  readonly number: number
}

/** What can be read, and who does that. */
type Reader = (socket: Descriptor) => boolean

const patienceMs = 3_000
/** For what is not expected, after all that is has come. Whoever comes later is known all the same, unless it is the end. */
const graceMs = 60
const [firstPort, lastPort] = [20_000, 60_999]

export class Prober {
  readonly #readers = new Map<Descriptor, Reader>()
  /** Raw sockets by seat and family. */
  readonly #raw = new Map<string, Descriptor>()
  /** By source port, of all seats together. */
  readonly #byPort = new Map<number, Attempt>()
  readonly #byNumber = new Map<number, Attempt>()
  /** Of this round: closed when it is over, for a reset would look as if nobody had answered. */
  readonly #accepted: Descriptor[] = []
  #port = firstPort
  #number = 0

  constructor(seats: readonly Seat[], services: readonly Service[]) {
    for (const seat of seats) inNamespace(seat.namespace, () => this.#serve(seat, services))
  }

  close(): void {
    for (const socket of this.#readers.keys()) closeSocket(socket)
    this.#readers.clear()
  }

  /** Tries all of them at once. Resolves when those expected have opened or patience is over, and a moment has passed. */
  async probe(probes: readonly Probe[]): Promise<readonly Outcome[]> {
    const connecting = new Map<Descriptor, Attempt>()
    const asking: Descriptor[] = []
    // What must not arrive goes first: it had the time that the others took.
    const attempts = [...probes]
      .sort((a, b) => Number(a.expected) - Number(b.expected))
      .map((probe) => {
        const attempt: Attempt = { outcome: { probe, answered: false, heardBy: new Set() }, number: ++this.#number }
        this.#byNumber.set(attempt.number, attempt)
        return attempt
      })
    for (const [seat, own] of Map.groupBy(attempts, ({ outcome }) => outcome.probe.from)) {
      inNamespace(seat.namespace, () => {
        for (const attempt of own) {
          const { kind } = attempt.outcome.probe.service
          if (kind === 'tcp') connecting.set(this.#connect(attempt), attempt)
          else if (kind === 'udp') asking.push(this.#ask(attempt))
          else this.#ping(attempt)
        }
      })
    }
    const isDone = () => attempts.every(({ outcome }) => outcome.answered || !outcome.probe.expected)
    await this.#listen(connecting, { until: Date.now() + patient(patienceMs), isDone })
    await this.#listen(connecting, { until: Date.now() + patient(graceMs), isDone: () => false })
    for (const socket of [...connecting.keys(), ...asking, ...this.#accepted.splice(0)]) closeSocket(socket)
    for (const socket of asking) this.#readers.delete(socket)
    return attempts.map(({ outcome }) => outcome)
  }

  async #listen(
    connecting: ReadonlyMap<Descriptor, Attempt>,
    end: { readonly until: number; readonly isDone: () => boolean },
  ): Promise<void> {
    const waiting = [...connecting].filter(([, { outcome }]) => !outcome.answered)
    const open = new Map(waiting)
    while (!end.isDone() && Date.now() < end.until) {
      for (const socket of ready([...this.#readers.keys()], [...open.keys()])) {
        const attempt = open.get(socket)
        if (attempt !== undefined) {
          open.delete(socket)
          attempt.outcome.answered = connectError(socket) === 0
        } else while (this.#readers.get(socket)?.(socket) === true);
      }
      await delay(3)
    }
  }

  #serve(seat: Seat, services: readonly Service[]): void {
    for (const isV6 of seat.ipv6 === '' ? [false] : [false, true]) {
      for (const { kind, port } of services) {
        const socket = openSocket(kind, isV6, { address: isV6 ? seat.ipv6 : seat.ipv4, port })
        if (kind === 'tcp') listen(socket)
        if (kind === 'icmp') this.#raw.set(`${seat.name} ${isV6}`, socket)
        const readers = { tcp: this.#accepts, udp: this.#answers, icmp: isV6 ? this.#overhears6 : this.#overhears4 }
        this.#readers.set(socket, (one) => readers[kind].call(this, one, seat))
      }
    }
  }

  #source(attempt: Attempt): Place {
    const { from, isV6 } = attempt.outcome.probe
    this.#port = this.#port === lastPort ? firstPort : this.#port + 1
    this.#byPort.set(this.#port, attempt)
    return { address: isV6 ? from.ipv6 : from.ipv4, port: this.#port }
  }

  #connect(attempt: Attempt): Descriptor {
    const { isV6, service } = attempt.outcome.probe
    const socket = openSocket('tcp', isV6, this.#source(attempt))
    resetOnClose(socket)
    connect(socket, { address: target(attempt), port: service.port })
    return socket
  }

  #accepts(socket: Descriptor, seat: Seat): boolean {
    const accepted = accept(socket)
    if (accepted === undefined) return false
    resetOnClose(accepted.socket)
    this.#accepted.push(accepted.socket)
    this.#byPort.get(accepted.peer.port)?.outcome.heardBy.add(seat.name)
    return true
  }

  #ask(attempt: Attempt): Descriptor {
    const { isV6, service } = attempt.outcome.probe
    const socket = openSocket('udp', isV6, this.#source(attempt))
    this.#readers.set(socket, () => {
      const heard = receive(socket)
      if (heard?.bytes.readUInt32BE() === attempt.number) attempt.outcome.answered = true
      return heard !== undefined
    })
    sendTo(socket, numbered(attempt), { address: target(attempt), port: service.port })
    return socket
  }

  #answers(socket: Descriptor, seat: Seat): boolean {
    const heard = receive(socket)
    if (heard === undefined) return false
    this.#byNumber.get(heard.bytes.readUInt32BE())?.outcome.heardBy.add(seat.name)
    sendTo(socket, heard.bytes, heard.from)
    return true
  }

  #ping(attempt: Attempt): void {
    const { from, isV6 } = attempt.outcome.probe
    const socket = this.#raw.get(`${from.name} ${isV6}`)
    if (socket === undefined) throw new Error(`${from.name} does not ping`)
    const message = Buffer.concat([Buffer.from([isV6 ? 128 : 8, 0, 0, 0, 0, 0, 0, 1]), numbered(attempt)])
    message.writeUInt16BE(attempt.number & 0xffff, 4)
    // That of ICMPv6 is computed by the kernel, which knows the addresses in it.
    if (!isV6) message.writeUInt16BE(internetChecksum(message), 2)
    sendTo(socket, message, { address: target(attempt), port: 0 })
  }

  #overhears4(socket: Descriptor, seat: Seat): boolean {
    const heard = receive(socket)
    if (heard === undefined) return false
    const headerLength = ((heard.bytes[0] ?? 0) & 15) * 4
    this.#echo(heard.bytes.subarray(headerLength), seat, { request: 8, reply: 0 })
    return true
  }

  #overhears6(socket: Descriptor, seat: Seat): boolean {
    const heard = receive(socket)
    if (heard === undefined) return false
    this.#echo(heard.bytes, seat, { request: 128, reply: 129 })
    return true
  }

  #echo(message: Buffer, seat: Seat, types: { readonly request: number; readonly reply: number }): void {
    if (message.length < 12) return
    const attempt = this.#byNumber.get(message.readUInt32BE(8))
    if (attempt === undefined) return
    if (message[0] === types.request) attempt.outcome.heardBy.add(seat.name)
    if (message[0] === types.reply && attempt.outcome.probe.from === seat) attempt.outcome.answered = true
  }
}

function target({ outcome }: Attempt): string {
  const { to, isV6 } = outcome.probe
  return isV6 ? to.ipv6 : to.ipv4
}

function numbered({ number }: Attempt): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(number)
  return bytes
}
