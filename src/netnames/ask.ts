// Asks the server that runs on this host: what a person does with `netnames --status` and `--stop`.

import { connect } from 'node:net'
import { type FeedMessage, formatLine, type NamesStatus, parseNamesLine } from '../core/names/feed.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { linesOf } from '../lib/lines.ts'

const maxLineChars = 100_000

/** Errors: `unavailable` NAMES_NOT_SERVED. */
export async function askStatus(socket: string, signal: AbortSignal): Promise<NamesStatus> {
  const status = await say(socket, { type: 'status' }, signal)
  if (status === undefined) throw new NetpluginError('unavailable', 'NAMES_NOT_SERVED', `no answer at ${socket}`)
  return status
}

/** Resolves when the server has closed the connection. Errors: `unavailable` NAMES_NOT_SERVED. */
export async function askToStop(socket: string, signal: AbortSignal): Promise<void> {
  await say(socket, { type: 'stop' }, signal)
}

async function say(path: string, message: FeedMessage, signal: AbortSignal): Promise<NamesStatus | undefined> {
  const socket = connect(path)
  const onAbort = () => socket.destroy(asError(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    socket.write(formatLine(message))
    for await (const line of linesOf(socket, maxLineChars)) {
      const answer = parseNamesLine(line)
      if (answer?.type === 'status') return answer.status
    }
    return undefined
  } catch (error) {
    const why = asError(signal.aborted ? signal.reason : error).message
    throw new NetpluginError('unavailable', 'NAMES_NOT_SERVED', `netnames does not answer at ${path}: ${why}`, {
      cause: error,
    })
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.destroy()
  }
}
