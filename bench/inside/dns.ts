// Asks a DNS server for the addresses of a name, at a fixed rate.
//
//   node bench/inside/dns.ts SERVER NAME RATE SECONDS one|each [AT]    one JSON document on standard output
//
// `one`: all questions from one port, those due within a millisecond together, and no more while 64 wait for an answer.
// `each`: whether answers come or not, each from a port of its own, as a C library asks. AT, in milliseconds since 1970: when to begin, so that several begin together. System calls are made
// directly: with Node's sockets this program would cost several times what it measures, and measure itself.

import koffi from 'koffi'
import { encodeName } from '../../src/protocols/dns/index.ts'

export interface DnsTimes {
  /** Answers a second, of those asked after the warm-up. */
  readonly answered: number
  /** Share of questions without an answer within half a second. */
  readonly lost: number
  /** Milliseconds to each answer. */
  readonly waits: readonly number[]
}

const library = koffi.load(null)
const openSocket: (family: number, type: number, protocol: number) => number = library.func('int socket(int, int, int)')
const connect: (fd: number, to: Buffer, length: number) => number = library.func('int connect(int, const void *, int)')
const send: (fd: number, bytes: Buffer, length: number, flags: number) => number = library.func(
  'long send(int, const void *, size_t, int)',
)
const receive: (fd: number, into: Buffer, length: number, flags: number) => number = library.func(
  'long recv(int, void *, size_t, int)',
)
const closeSocket: (fd: number) => number = library.func('int close(int)')
const poll: (fds: Buffer, count: number, timeout: Buffer, mask: null) => number = library.func(
  'int ppoll(void *, unsigned long, const void *, const void *)',
)
const ipv4 = 2
const datagramNonBlocking = 2 | 0o4000
const readable = 1
const pollEntryBytes = 8

const [server = '', name = '', rate = '0', seconds = '0', ports = 'one', at = '0'] = process.argv.slice(2)
const perMs = Number(rate) / 1000
const warmUpMs = 500
const lateMs = 500
const lostMs = 100
const mostUnanswered = 64
const askedMs = Number(seconds) * 1000

const to = Buffer.from([ipv4, 0, 0, 53, ...server.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0])
const question = Buffer.concat([
  Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  encodeName(name),
  Buffer.from([0, 1, 0, 1]),
])
const answer = Buffer.alloc(2_048)

function open(): number {
  const fd = openSocket(ipv4, datagramNonBlocking, 0)
  if (fd < 0 || connect(fd, to, to.length) < 0) throw new RangeError(`no socket to ${server}`)
  return fd
}

/** Waits until one of the sockets has something, so long at most; those that have. */
function waitFor(fds: readonly number[], ms: number): readonly number[] {
  const entries = Buffer.alloc(fds.length * pollEntryBytes)
  for (const [index, fd] of fds.entries()) {
    entries.writeInt32LE(fd, index * pollEntryBytes)
    entries.writeInt16LE(readable, index * pollEntryBytes + 4)
  }
  const timeout = Buffer.alloc(16)
  const nanoseconds = Math.max(0, Math.floor(ms * 1e6))
  timeout.writeBigInt64LE(BigInt(Math.floor(nanoseconds / 1e9)), 0)
  timeout.writeBigInt64LE(BigInt(nanoseconds % 1e9), 8)
  poll(entries, fds.length, timeout, null)
  return fds.filter((_, index) => entries.readInt16LE(index * pollEntryBytes + 6) !== 0)
}

function measure(): DnsTimes {
  const sentAt = new Float64Array(65_536)
  const waits: number[] = []
  /** Sockets that wait for an answer, and until when. */
  const waiting = new Map<number, number>()
  const shared = ports === 'each' ? undefined : open()
  if (shared !== undefined) waiting.set(shared, Number.POSITIVE_INFINITY)
  waitFor([], Number(at) - Date.now())
  const started = performance.now()
  const counts = (at: number) => at - started >= warmUpMs && at - started < warmUpMs + askedMs
  let asked = 0
  let unanswered = 0
  let heardAt = started
  const ask = (id: number) => {
    question.writeUInt16BE(id, 0)
    const now = performance.now()
    const fd = shared ?? open()
    if (fd !== shared) waiting.set(fd, now + lateMs)
    sentAt[id] = now
    unanswered += 1
    if (counts(now)) asked += 1
    send(fd, question, question.length, 0)
  }
  const hear = (fd: number) => {
    for (
      let length = receive(fd, answer, answer.length, 0);
      length > 0;
      length = receive(fd, answer, answer.length, 0)
    ) {
      const id = answer.readUInt16BE(0)
      const at = sentAt[id] ?? 0
      const wait = performance.now() - at
      // Without an error, and with an address.
      const isGood = (answer.readUInt16BE(2) & 0xf) === 0 && answer.readUInt16BE(6) > 0
      if (isGood && at > 0 && counts(at) && wait < lateMs) waits.push(wait)
      sentAt[id] = 0
      unanswered -= 1
      heardAt = performance.now()
    }
    if (fd !== shared) forget(fd)
  }
  const forget = (fd: number) => {
    closeSocket(fd)
    waiting.delete(fd)
  }
  let sent = 0
  let skipped = 0
  for (let now = started; now - started < warmUpMs + askedMs + lateMs; now = performance.now()) {
    const until = Math.min(now - started, warmUpMs + askedMs)
    if (shared === undefined) for (; sent <= until * perMs; sent++) ask(sent % 65_536)
    else {
      // Those that were not asked in time are not asked at all.
      const due = Math.floor(until * perMs) - skipped - sent
      // Lost: the others are asked all the same.
      if (now - heardAt > lostMs) unanswered = 0
      const asking = Math.min(due, mostUnanswered - unanswered)
      for (let count = 0; count < asking; count++) ask(sent++ % 65_536)
      skipped += due - Math.max(0, asking)
    }
    if (shared === undefined) {
      const nextMs = until < warmUpMs + askedMs ? sent / perMs - (performance.now() - started) : 1
      for (const fd of waitFor([...waiting.keys()], Math.min(nextMs, 20))) hear(fd)
    } else {
      waitFor([], 1)
      hear(shared)
    }
    for (const [fd, end] of waiting) {
      if (end > now) break
      forget(fd)
    }
  }
  return { answered: waits.length / Number(seconds), lost: 1 - waits.length / asked, waits }
}

process.stdout.write(JSON.stringify(measure()))
