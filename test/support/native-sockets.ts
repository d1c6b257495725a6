// Sockets as the kernel has them, never blocking: for tests that hold thousands of them in other network namespaces at
// once and want raw ones too (socket(7), tcp(7), raw(7), poll(2)). What fails throws with the error's number.

import koffi from 'koffi'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../src/lib/address.ts'

type Native = (...args: readonly (number | Uint8Array | null)[]) => number

const library = koffi.load(null)
const bindCall = (prototype: string): Native => library.func(prototype)
const native = {
  socket: bindCall('int socket(int, int, int)'),
  bind: bindCall('int bind(int, const void *, uint32_t)'),
  listen: bindCall('int listen(int, int)'),
  accept: bindCall('int accept4(int, void *, void *, int)'),
  connect: bindCall('int connect(int, const void *, uint32_t)'),
  setsockopt: bindCall('int setsockopt(int, int, int, const void *, uint32_t)'),
  getsockopt: bindCall('int getsockopt(int, int, int, void *, void *)'),
  sendto: bindCall('long sendto(int, const void *, size_t, int, const void *, uint32_t)'),
  recvfrom: bindCall('long recvfrom(int, void *, size_t, int, void *, void *)'),
  poll: bindCall('int poll(void *, unsigned long, int)'),
  close: bindCall('int close(int)'),
}

/** A socket's descriptor. */
export type Descriptor = number

export interface Place {
  readonly address: string
  readonly port: number
}

export type SocketKind = 'tcp' | 'udp' | 'icmp'

const families = { v4: 2, v6: 10, packet: 17 }
const types = { stream: 1, datagram: 2, raw: 3, nonBlocking: 0o4000, closeOnExec: 0o2000000 }
const flags = types.nonBlocking | types.closeOnExec
const socketLevel = 1
const levels = { v4: 0, v6: 41 } as const
const options = { reuse: 2, error: 4, linger: 13, receiveBufferForce: 33 }
const noSignal = 0x4000
const tryLater = new Set([11, 115])

/** In the network namespace of the moment. */
export function openSocket(kind: SocketKind, isV6: boolean, bound?: Place): Descriptor {
  const family = isV6 ? families.v6 : families.v4
  const [type, protocol] =
    kind === 'tcp' ? [types.stream, 6] : kind === 'udp' ? [types.datagram, 17] : [types.raw, isV6 ? 58 : 1]
  const socket = checked('socket', native.socket(family, type | flags, protocol))
  if (bound === undefined) return socket
  setNumbers(socket, options.reuse, [1])
  const bytes = placeBytes(bound)
  checked('bind', native.bind(socket, bytes, bytes.length))
  return socket
}

/** Gets whole frames: all that pass any interface of the network namespace of the moment, also one that is yet to come. */
export function openTap(): Descriptor {
  const everything = 0x0300
  return checked('socket', native.socket(families.packet, types.raw | flags, everything))
}

export function listen(socket: Descriptor): void {
  checked('listen', native.listen(socket, 1024))
}

/** undefined when nobody waits. */
export function accept(socket: Descriptor): { readonly socket: Descriptor; readonly peer: Place } | undefined {
  const { bytes, length } = roomForPlace()
  const accepted = orLater('accept', native.accept(socket, bytes, length, flags))
  return accepted === undefined ? undefined : { socket: accepted, peer: readPlace(bytes) }
}

/** Begins to connect. */
export function connect(socket: Descriptor, to: Place): void {
  const bytes = placeBytes(to)
  orLater('connect', native.connect(socket, bytes, bytes.length))
}

/** The number of the error that ended a connection attempt; 0 when it succeeded. */
export function connectError(socket: Descriptor): number {
  const value = Buffer.alloc(4)
  const length = Buffer.from([4, 0, 0, 0])
  checked('getsockopt', native.getsockopt(socket, socketLevel, options.error, value, length))
  return value.readInt32LE()
}

/** Closing then resets the connection, which leaves nothing behind. */
export function resetOnClose(socket: Descriptor): void {
  setNumbers(socket, options.linger, [1, 0])
}

/** Room for so many bytes that nobody has read yet, beyond what the system allows others (root). */
export function roomToReceive(socket: Descriptor, bytes: number): void {
  setNumbers(socket, options.receiveBufferForce, [bytes])
}

/** On a connection: a few bytes, which its buffer has room for. */
export function send(socket: Descriptor, bytes: Uint8Array): void {
  checked('send', native.sendto(socket, bytes, bytes.length, noSignal, null, 0))
}

/** Raw sockets take port 0. */
export function sendTo(socket: Descriptor, bytes: Uint8Array, to: Place): void {
  const place = placeBytes(to)
  checked('sendto', native.sendto(socket, bytes, bytes.length, 0, place, place.length))
}

/** undefined when nothing is there. Raw IPv4 sockets give the IP header too. */
export function receive(socket: Descriptor): { readonly bytes: Buffer; readonly from: Place } | undefined {
  const into = Buffer.alloc(2048)
  const place = roomForPlace()
  const size = orLater('recvfrom', native.recvfrom(socket, into, into.length, 0, place.bytes, place.length))
  return size === undefined ? undefined : { bytes: into.subarray(0, size), from: readPlace(place.bytes) }
}

/** The next frame of a tap; undefined when nothing is there. */
export function receiveFrame(tap: Descriptor): Buffer | undefined {
  const into = Buffer.alloc(2048)
  const size = orLater('recvfrom', native.recvfrom(tap, into, into.length, 0, null, null))
  return size === undefined ? undefined : into.subarray(0, size)
}

/** Those that can be read (listening: accepted from), or written, now: connected or failed to. Does not wait. */
export function ready(reading: readonly Descriptor[], writing: readonly Descriptor[]): ReadonlySet<Descriptor> {
  const [pollIn, pollOut] = [1, 4]
  const wanted = [...reading.map((fd) => [fd, pollIn] as const), ...writing.map((fd) => [fd, pollOut] as const)]
  const table = Buffer.alloc(wanted.length * 8)
  for (const [index, [fd, events]] of wanted.entries()) {
    table.writeInt32LE(fd, index * 8)
    table.writeInt16LE(events, index * 8 + 4)
  }
  const found = native.poll(table, wanted.length, 0)
  // A signal came in between: who asks asks again.
  if (found < 0 && koffi.errno() === interrupted) return new Set()
  checked('poll', found)
  return new Set(wanted.filter((_, index) => table.readInt16LE(index * 8 + 6) !== 0).map(([fd]) => fd))
}

/** Listens to a multicast group on an interface (ip(7), ipv6(7)), or no more. */
export function changeMembership(
  socket: Descriptor,
  what: 'join' | 'leave',
  { group, interfaceIndex }: { readonly group: string; readonly interfaceIndex: number },
): void {
  const ipv4 = parseIpv4(group)
  const bytes = Buffer.alloc(ipv4 === undefined ? 20 : 12)
  if (ipv4 === undefined) bytes.write((parseIpv6(group) ?? 0n).toString(16).padStart(32, '0'), 0, 'hex')
  else bytes.writeUInt32BE(ipv4, 0)
  bytes.writeInt32LE(interfaceIndex, bytes.length - 4)
  const option = ipv4 === undefined ? { join: 20, leave: 21 } : { join: 35, leave: 36 }
  checked(what, native.setsockopt(socket, levels[ipv4 === undefined ? 'v6' : 'v4'], option[what], bytes, bytes.length))
}

/** Multicast that the socket sends leaves by this interface. */
export function sendBy(socket: Descriptor, interfaceIndex: number, isV6: boolean): void {
  const bytes = Buffer.alloc(isV6 ? 4 : 12)
  bytes.writeInt32LE(interfaceIndex, bytes.length - 4)
  checked('setsockopt', native.setsockopt(socket, levels[isV6 ? 'v6' : 'v4'], isV6 ? 17 : 32, bytes, bytes.length))
}

export function closeSocket(socket: Descriptor): void {
  checked('close', native.close(socket))
}

function setNumbers(socket: Descriptor, option: number, values: readonly number[]): void {
  const bytes = Buffer.from(Int32Array.from(values).buffer)
  checked('setsockopt', native.setsockopt(socket, socketLevel, option, bytes, bytes.length))
}

function roomForPlace() {
  return { bytes: Buffer.alloc(28), length: Buffer.from([28, 0, 0, 0]) }
}

/** A sockaddr_in or sockaddr_in6. */
function placeBytes({ address, port }: Place): Buffer {
  const ipv4 = parseIpv4(address)
  const bytes = Buffer.alloc(ipv4 === undefined ? 28 : 16)
  bytes.writeUInt16LE(ipv4 === undefined ? families.v6 : families.v4)
  bytes.writeUInt16BE(port, 2)
  if (ipv4 !== undefined) bytes.writeUInt32BE(ipv4, 4)
  else bytes.write((parseIpv6(address) ?? 0n).toString(16).padStart(32, '0'), 8, 'hex')
  return bytes
}

function readPlace(bytes: Buffer): Place {
  const port = bytes.readUInt16BE(2)
  if (bytes.readUInt16LE() === families.v4) return { address: formatIpv4(bytes.readUInt32BE(4)), port }
  return { address: formatIpv6(BigInt(`0x${bytes.toString('hex', 8, 24)}`)), port }
}

function orLater(what: string, value: number): number | undefined {
  return value < 0 && tryLater.has(koffi.errno()) ? undefined : checked(what, value)
}

/** EINTR. */
const interrupted = 4

function checked(what: string, value: number): number {
  if (value < 0) throw new Error(`${what} failed with error ${koffi.errno()}`)
  return value
}
