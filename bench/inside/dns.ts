// Asks a DNS server for the addresses of a name, at a fixed rate, whether answers come or not.
//
//   node bench/inside/dns.ts SERVER NAME RATE SECONDS one|each         one JSON document on standard output
//
// `one`: all questions from one port. `each`: each from a port of its own, as a C library asks.

import { createSocket } from 'node:dgram'
import { setTimeout as after } from 'node:timers/promises'
import { encodeName } from '../../src/protocols/dns/index.ts'

export interface DnsTimes {
  /** Answers a second, of those asked after the warm-up. */
  readonly answered: number
  /** Share of questions without an answer within half a second. */
  readonly lost: number
  /** Milliseconds to each answer. */
  readonly waits: readonly number[]
}

const [server = '', name = '', rate = '0', seconds = '0', ports = 'one'] = process.argv.slice(2)
const perSecond = Number(rate)
const warmUpMs = 500
const lateMs = 500
const askedMs = Number(seconds) * 1000

const question = Buffer.concat([
  Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  encodeName(name),
  Buffer.from([0, 1, 0, 1]),
])

interface Port {
  readonly send: (message: Buffer) => void
  readonly close: () => void
}

function open(onAnswer: (id: number, port: Port) => void): Promise<Port> {
  const socket = createSocket('udp4')
  let isOpen = true
  const port: Port = {
    send: (message) => socket.send(message),
    close: () => {
      if (isOpen) socket.close()
      isOpen = false
    },
  }
  socket.on('error', () => {})
  socket.on('message', (message) => {
    // Without an error, and with an address.
    if ((message.readUInt16BE(2) & 0xf) === 0 && message.readUInt16BE(6) > 0) onAnswer(message.readUInt16BE(0), port)
  })
  return new Promise((resolve) => socket.connect(53, server, () => resolve(port)))
}

async function measure(): Promise<DnsTimes> {
  const sentAt = new Float64Array(65_536)
  const waits: number[] = []
  const started = performance.now()
  const counts = (at: number) => at - started >= warmUpMs && at - started < warmUpMs + askedMs
  let asked = 0
  const onAnswer = (id: number) => {
    const at = sentAt[id] ?? 0
    const wait = performance.now() - at
    if (at > 0 && counts(at) && wait < lateMs) waits.push(wait)
    sentAt[id] = 0
  }
  const shared = await open(onAnswer)
  const ofItsOwn = () =>
    open((id, port) => {
      onAnswer(id)
      port.close()
    })
  const ask = async (id: number) => {
    const message = Buffer.from(question)
    message.writeUInt16BE(id, 0)
    const port = ports === 'each' ? await ofItsOwn() : shared
    const now = performance.now()
    sentAt[id] = now
    if (counts(now)) asked += 1
    port.send(message)
    if (port !== shared) setTimeout(port.close, lateMs)
  }
  let sent = 0
  while (performance.now() - started < warmUpMs + askedMs) {
    const due = ((performance.now() - started) * perSecond) / 1000
    for (; sent < due; sent++) void ask(sent % 65_536)
    await after(1)
  }
  await after(lateMs)
  shared.close()
  return { answered: waits.length / Number(seconds), lost: 1 - waits.length / asked, waits }
}

process.stdout.write(JSON.stringify(await measure()))
