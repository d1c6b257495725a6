// Steady traffic between pairs of network namespaces, every packet and connection accounted for: UDP packets that are sent back, new
// TCP connections with a question and an answer each, and connections that stay. One process for both ends of all pairs; it
// says how far it is each 50 ms as a line of JSON, and when its standard input ends, after a while for what is on its way, what
// became of everything. Started by traffic-stream.ts.
//
//   node test/support/traffic.ts '{"pairs":[…],"packets":1000,"connections":100,"kept":10}'

import { setTimeout as delay } from 'node:timers/promises'
import { inNamespace } from '../../src/protocols/netlink/index.ts'
import { ready } from './native-sockets.ts'
import { TrafficConnections } from './traffic-connections.ts'
import { TrafficPackets } from './traffic-packets.ts'
import type { PairTraffic, TrafficOptions, TrafficProgress, TrafficReport } from './traffic-stream.ts'

const progressMs = 50
/** For answers to what was sent last; TCP sends again after 1 s. */
const graceMs = 3_000

const options = JSON.parse(process.argv[2] ?? '') as TrafficOptions
const streams = options.pairs.map((pair) => ({ name: pair.name, ...openPair(pair) }))
const held = { ending: false }
process.stdin.resume().once('end', () => {
  held.ending = true
})

function openPair({ client, server, address }: PairTraffic) {
  const packets = new TrafficPackets({ address, perSecond: options.packets })
  const connections = new TrafficConnections({ address, perSecond: options.connections, kept: options.kept })
  inNamespace(server, () => {
    packets.serve()
    connections.serve()
  })
  return { client, packets, connections }
}

function step(sending: boolean): void {
  const now = performance.now()
  for (const { client, packets, connections } of streams) {
    inNamespace(client, () => {
      if (sending) packets.send(now)
      if (sending) connections.open(now)
    })
  }
  const reading = streams.flatMap(({ packets, connections }) => [...packets.reading(), ...connections.reading()])
  const writing = streams.flatMap(({ connections }) => connections.writing())
  const found = ready(reading, writing)
  const then = performance.now()
  for (const { packets, connections } of streams) {
    packets.take(found, then)
    connections.take(found, then)
  }
}

function progress(): TrafficProgress {
  return streams.map(({ packets, connections }) => ({ ...packets.progress(), ...connections.progress() }))
}

function report(): TrafficReport {
  return streams.map(({ name, packets, connections }) => ({ name, ...packets.report(), ...connections.report() }))
}

let said = 0
while (!held.ending) {
  step(true)
  if (performance.now() - said >= progressMs) {
    said = performance.now()
    process.stdout.write(`${JSON.stringify({ progress: progress() })}\n`)
  }
  await delay(1)
}
for (const until = performance.now() + graceMs; performance.now() < until; ) {
  step(false)
  await delay(1)
}
process.stdout.write(`${JSON.stringify({ report: report() })}\n`)
