// Whether a port of the host can be had: by listening there for a moment.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { PublishedPort } from '../../model/published-port.ts'

export type Place = Pick<PublishedPort, 'protocol' | 'hostAddress' | 'hostPort'>

/** The system's code for why not (EADDRINUSE, EADDRNOTAVAIL …); undefined: it can. Of SCTP nothing is known. */
export async function whyTaken({ protocol, hostAddress, hostPort }: Place): Promise<string | undefined> {
  const address = hostAddress === '' ? '0.0.0.0' : hostAddress
  try {
    if (protocol === 'tcp') {
      const server = createServer()
      server.listen({ host: address, port: hostPort, exclusive: true })
      await once(server, 'listening')
      server.close()
    } else if (protocol === 'udp') {
      const socket = createSocket('udp4')
      socket.bind({ address, port: hostPort, exclusive: true })
      await once(socket, 'listening')
      socket.close()
    }
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}
