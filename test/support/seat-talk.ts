// Connections and datagrams between the network namespaces of a lab's containers, from this process: no program is started
// in a container for them.

import { once } from 'node:events'
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { patient } from '../../src/netlab/wait.ts'
import { inNamespace } from '../../src/protocols/netlink/index.ts'
import type { TestLab } from './lab.ts'
import { accept, closeSocket, connect, listen, openSocket, receive, sendTo } from './native-sockets.ts'
import type { Seat } from './prober.ts'

export interface SeatTalk {
  /** Whether something said now comes back. */
  answers(): Promise<boolean>
  end(): void
}

const echoPort = 7000

/** A TCP connection between two containers that stays open; the far end repeats what it hears. */
export async function openTalk(lab: TestLab, client: Seat, server: Seat, isV6: boolean): Promise<SeatTalk> {
  const place = { address: isV6 ? server.ipv6 : server.ipv4, port: echoPort }
  const listener = inNamespace(server.namespace, () => {
    const socket = openSocket('tcp', isV6, place)
    listen(socket)
    return socket
  })
  const near = inNamespace(client.namespace, () => {
    const socket = openSocket('tcp', isV6)
    connect(socket, place)
    return socket
  })
  const far = await lab.until(`${client.name} to reach ${server.name}`, () => accept(listener)?.socket)
  closeSocket(listener)
  const [asking, repeating] = [near, far].map((fd) => new Socket({ fd, readable: true, writable: true })) as [
    Socket,
    Socket,
  ]
  for (const socket of [asking, repeating]) socket.on('error', () => socket.destroy())
  repeating.pipe(repeating)
  return {
    answers: async () => {
      asking.write('word')
      try {
        await once(asking, 'data', { signal: AbortSignal.timeout(patient(500)) })
        return true
      } catch {
        return false
      }
    },
    end: () => [asking, repeating].map((socket) => socket.destroy()),
  }
}

export interface Volley {
  readonly datagrams: number
  readonly datagramBytes: number
}

/** Datagrams as fast as they go. How many arrive, and from the first sent to the last waited for. */
export async function sendVolley(
  from: Seat,
  to: Seat,
  { datagrams, datagramBytes }: Volley,
): Promise<{ readonly arrived: number; readonly seconds: number }> {
  const place = { address: to.ipv4, port: 9000 }
  const receiver = inNamespace(to.namespace, () => openSocket('udp', false, place))
  const sender = inNamespace(from.namespace, () => openSocket('udp', false))
  const began = Date.now()
  let arrived = 0
  const listenFor = async (ms: number) => {
    await delay(ms)
    while (receive(receiver) !== undefined) arrived++
  }
  for (let sent = 0; sent < datagrams; sent++) {
    sendTo(sender, Buffer.alloc(datagramBytes), place)
    if (sent % 10 === 0) await listenFor(0)
  }
  await listenFor(patient(20))
  for (const socket of [receiver, sender]) closeSocket(socket)
  return { arrived, seconds: (Date.now() - began) / 1000 }
}
