// Where the server listens, and under which address it says so.

import { once } from 'node:events'
import { createServer, isIPv6, type Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { asError, NetpluginError } from '../lib/errors.ts'

export interface Listen {
  readonly host: string
  readonly port: number
}

/** Listens; answers where, which differs when any port would do. */
export async function listenOn(app: FastifyInstance, listen: Listen): Promise<Listen> {
  try {
    await app.listen(listen)
  } catch (cause) {
    throw cannotListen(listen, cause)
  }
  return boundTo(app.server, listen)
}

/** One more listener, whose connections go to the same server. */
export async function listenToo(app: FastifyInstance, listen: Listen): Promise<{ listener: Server; bound: Listen }> {
  const listener = createServer((socket) => app.server.emit('connection', socket))
  try {
    listener.listen(listen)
    await once(listener, 'listening')
  } catch (cause) {
    throw cannotListen(listen, cause)
  }
  return { listener, bound: boundTo(listener, listen) }
}

function boundTo(server: Pick<Server, 'address'>, { host, port }: Listen): Listen {
  const bound = server.address()
  return { host, port: typeof bound === 'object' && bound !== null ? bound.port : port }
}

/** `host:port`, with brackets around IPv6. */
export function formatListen({ host, port }: Listen): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** The address others use: that of this host where it listens on all of them. */
export function reachable({ host, port }: Listen, localAddress: string): Listen {
  return { host: host === '0.0.0.0' || host === '::' ? localAddress : host, port }
}

function cannotListen(listen: Listen, cause: unknown): NetpluginError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there; stop it, or choose another address with --listen-url',
    EADDRNOTAVAIL: 'no interface of this host has that address; choose another with --listen-url',
    EACCES: 'ports below 1024 need root; choose another with --listen-url',
  }
  const why = known[String(code)] ?? asError(cause).message
  const message = `cannot listen on ${formatListen(listen)}: ${why}`
  return new NetpluginError('unavailable', 'CANNOT_LISTEN', message, { cause })
}
