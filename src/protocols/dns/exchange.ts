// One query to one upstream server and its answer. Each query goes out on a socket of its own: the kernel gives it a
// random port, and with the random id a forger has to guess both (RFC 5452). A connected UDP socket takes datagrams of
// the upstream only, and learns at once when nobody listens there.

import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { asError, NetpluginError } from '../../lib/errors.ts'
import { framed, framesOf } from './framing.ts'
import { isAnswerTo } from './response.ts'
import type { Transport } from './server.ts'

export interface Upstream {
  readonly address: string
  readonly port: number
}

/** Errors: `unavailable` UPSTREAM_REFUSED (nobody listens there) or UPSTREAM_FAILED, or the reason of the signal. */
export type Exchange = (upstream: Upstream, query: Buffer, transport: Transport, signal: AbortSignal) => Promise<Buffer>

export const exchange: Exchange = (upstream, query, transport, signal) =>
  transport === 'udp' ? exchangeUdp(upstream, query, signal) : exchangeTcp(upstream, query, signal)

function failed({ address, port }: Upstream, cause: unknown): NetpluginError {
  const error: NodeJS.ErrnoException = asError(cause)
  const code = error.code === 'ECONNREFUSED' ? 'UPSTREAM_REFUSED' : 'UPSTREAM_FAILED'
  return new NetpluginError('unavailable', code, `no answer from DNS server ${address}#${port}: ${error.message}`, {
    cause,
  })
}

function exchangeUdp(upstream: Upstream, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(upstream.address.includes(':') ? 'udp6' : 'udp4')
    let open = true
    const finish = (settle: () => void) => {
      if (!open) return
      open = false
      signal.removeEventListener('abort', onAbort)
      socket.close()
      settle()
    }
    const onAbort = () => finish(() => reject(signal.reason))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('error', (error) => finish(() => reject(failed(upstream, error))))
    // What does not answer our query is ignored, not an error: else a forger could end the query with any packet.
    socket.on('message', (message) => {
      if (isAnswerTo(query, message)) finish(() => resolve(message))
    })
    socket.on('connect', () => {
      if (open) socket.send(query, (error) => error && finish(() => reject(failed(upstream, error))))
    })
    socket.connect(upstream.port, upstream.address)
  })
}

async function exchangeTcp(upstream: Upstream, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  signal.throwIfAborted()
  const socket = connect({ host: upstream.address, port: upstream.port })
  const onAbort = () => socket.destroy(asError(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    socket.write(framed(query))
    for await (const message of framesOf(socket)) if (isAnswerTo(query, message)) return Buffer.from(message)
    throw new Error('the connection ended without an answer')
  } catch (error) {
    throw signal.aborted ? signal.reason : failed(upstream, error)
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.destroy()
  }
}
