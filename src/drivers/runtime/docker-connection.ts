// HTTP over the Docker engine's unix socket, one connection a request: the engine may be restarted at any time, and a
// connection kept from before would fail the first request after it.

import type { IncomingMessage } from 'node:http'
import { asError, type ErrorKind, NetpluginError } from '../../lib/errors.ts'
import { http } from '../../lib/http.ts'

export interface DockerRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With the query, without the API version. */
  readonly path: string
  readonly body?: unknown
}

const maxAnswerBytes = 64 * 1024 * 1024

/** Opens the answer of one request; status 400 and above is thrown as an error with the engine's message. */
export async function openAnswer(
  socketPath: string,
  { method, path, body }: DockerRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = http.request(
      {
        socketPath,
        method,
        path,
        agent: false,
        signal,
        headers: {
          host: 'docker',
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
      },
      resolve,
    )
    outgoing.on('error', (error) => reject(signal.aborted ? interrupted(signal) : unreachableEngine(socketPath, error)))
    outgoing.end(text)
  })
  const status = incoming.statusCode ?? 0
  if (status >= 400) throw refusal(status, await readText(socketPath, incoming, signal))
  return incoming
}

/** The JSON answer of one request; undefined when the answer is empty. */
export async function fetchJson(socketPath: string, request: DockerRequest, signal: AbortSignal): Promise<unknown> {
  const text = await readText(socketPath, await openAnswer(socketPath, request, signal), signal)
  return text === '' ? undefined : parseJson(text)
}

async function readText(socketPath: string, incoming: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of incoming) {
      length += chunk.length
      if (length > maxAnswerBytes) break
      chunks.push(chunk)
    }
  } catch (error) {
    throw signal.aborted ? interrupted(signal) : unreachableEngine(socketPath, asError(error))
  }
  if (length > maxAnswerBytes) {
    throw new NetpluginError('protocol', 'DOCKER_BAD_ANSWER', `Docker sent more than ${maxAnswerBytes} bytes`)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new NetpluginError('protocol', 'DOCKER_BAD_ANSWER', 'Docker sent something that is not JSON', {
      cause,
      details: { text: text.slice(0, 200) },
    })
  }
}

function interrupted(signal: AbortSignal): NetpluginError {
  const late = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
  return new NetpluginError(
    'timeout',
    late ? 'DOCKER_TIMEOUT' : 'DOCKER_INTERRUPTED',
    late ? 'Docker did not answer in time; see journalctl -u docker' : 'the request to Docker was interrupted',
    { cause: signal.reason },
  )
}

function unreachableEngine(socketPath: string, cause: Error): NetpluginError {
  const code = (cause as NodeJS.ErrnoException).code
  const why =
    code === 'ENOENT'
      ? `there is no socket ${socketPath}`
      : code === 'ECONNREFUSED'
        ? `nobody listens on ${socketPath}`
        : `${socketPath} failed (${code ?? cause.message})`
  return new NetpluginError(
    'unavailable',
    'DOCKER_UNREACHABLE',
    `Docker does not answer: ${why}; start it with: systemctl start docker`,
    { cause, details: { socketPath } },
  )
}

const kindOfStatus: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
}

const codeOfKind: Readonly<Partial<Record<ErrorKind, string>>> = {
  invalid: 'DOCKER_INVALID',
  'not-found': 'DOCKER_NOT_FOUND',
  conflict: 'DOCKER_CONFLICT',
  forbidden: 'DOCKER_FORBIDDEN',
  unauthorized: 'DOCKER_UNAUTHORIZED',
}

function refusal(status: number, text: string): NetpluginError {
  let reason = text.trim()
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'message' in body) reason = String(body.message)
  } catch {
    // Proxies and very old engines answer in plain text: that is the reason then.
  }
  const kind = kindOfStatus[status] ?? 'unavailable'
  return new NetpluginError(kind, codeOfKind[kind] ?? 'DOCKER_FAILED', `Docker: ${reason}`, { details: { status } })
}
