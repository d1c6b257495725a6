// Calls the daemon as the executable does.

import { connect } from 'node:net'
import { asError, NetpluginError } from '../../lib/errors.ts'
import { type CniRequest, encodeRequest } from './framing.ts'

export interface CniCallResult {
  readonly status: number
  /** What the executable would print. */
  readonly output: string
}

/** Throws `unavailable` CNI_UNREACHABLE when nobody listens, or the connection ends without an answer. */
export function callDaemon(socketPath: string, request: CniRequest, signal: AbortSignal): Promise<CniCallResult> {
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown) => {
      const message = `netplugin does not answer at ${socketPath}: ${why}; is it running?`
      reject(new NetpluginError('unavailable', 'CNI_UNREACHABLE', message, { cause }))
    }
    const socket = connect({ path: socketPath })
    const parts: Buffer[] = []
    const abort = () => socket.destroy(asError(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    socket.once('connect', () => socket.write(encodeRequest(request)))
    socket.on('data', (part) => parts.push(part))
    socket.on('error', (error) => failed(error.message, error))
    socket.once('close', () => {
      signal.removeEventListener('abort', abort)
      const text = Buffer.concat(parts).toString()
      if (/^[01]\n/.test(text)) resolve({ status: Number(text[0]), output: text.slice(2) })
      else failed('it ended without an answer')
    })
  })
}
