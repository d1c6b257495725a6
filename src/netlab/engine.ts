// The two calls netlab makes to a host's Docker engine, over its socket as seen through /proc: no client is started.

import { createReadStream } from 'node:fs'
import { connect } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { asError, NetpluginError } from '../lib/errors.ts'
import { http } from '../lib/http.ts'
import { type Machine, pathInside } from './namespace.ts'
import { dockerSocket } from './program.ts'

/** Whether somebody accepts connections on a unix socket of the host. */
export function answers(machine: Machine, socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect({ path: pathInside(machine, socket) })
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => resolve(false))
  })
}

/** Whether the engine says that it works. */
export async function engineAnswers(machine: Machine, signal: AbortSignal): Promise<boolean> {
  try {
    const { status } = await call(machine, 'GET', '/_ping', undefined, signal)
    return status === 200
  } catch {
    signal.throwIfAborted()
    return false
  }
}

/** Loads a `docker save` archive. Throws `unavailable` (code IMAGE_LOAD_FAILED) with the engine's reason. */
export async function loadImage(machine: Machine, archive: string, signal: AbortSignal): Promise<void> {
  const failed = (why: string, cause?: unknown) =>
    new NetpluginError('unavailable', 'IMAGE_LOAD_FAILED', `${machine.name} did not load ${archive}: ${why}`, { cause })
  let answer: { readonly status: number; readonly body: string }
  try {
    answer = await call(machine, 'POST', '/images/load?quiet=1', archive, signal)
  } catch (error) {
    throw failed(asError(error).message, error)
  }
  // The engine begins with 200 and reports a failure on the way as a line of the body.
  const reason = /"error":"((?:[^"\\]|\\.)*)"/.exec(answer.body)?.[1]
  if (answer.status !== 200 || reason !== undefined) throw failed(reason ?? answer.body.trim())
}

async function call(
  machine: Machine,
  method: string,
  path: string,
  bodyFile: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const outgoing = http.request({
    socketPath: pathInside(machine, dockerSocket),
    method,
    path,
    headers: bodyFile === undefined ? {} : { 'content-type': 'application/x-tar' },
    signal,
  })
  const incoming = new Promise<{ status: number; body: string }>((resolve, reject) => {
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
    })
  })
  if (bodyFile === undefined) {
    outgoing.end()
    return incoming
  }
  const [answer] = await Promise.all([incoming, pipeline(createReadStream(bodyFile), outgoing)])
  return answer
}
