// JSON over HTTP/1.1 to one server: kept-alive connections, a deadline on every request, errors rebuilt from what the
// server said, and newline-separated JSON streams (one document a line).

import type { Agent, IncomingMessage, request } from 'node:http'
import { asError, type ErrorKind, errorKinds, NetpluginError } from '../lib/errors.ts'
import { fillPath, type Route } from './route.ts'

export interface TransportOptions {
  /** `http://host:port` or `https://…`; a path is kept as a prefix. */
  readonly baseUrl: string
  /** For a whole request and its answer; streams only for the answer's head. */
  readonly timeoutMs: number
  /** Accept any TLS certificate. */
  readonly insecure?: boolean
  /** Sent with every request: who asks. */
  readonly headers?: Readonly<Record<string, string>>
}

type RequestHeaders = Readonly<Record<string, string>>

/** Answers above this are refused: nothing the API says is that long. */
const maxAnswerBytes = 256 * 1024 * 1024
/** A line of a stream holds at most 500 records of at most some KiB. */
const maxLineChars = 64 * 1024 * 1024

export class Transport {
  readonly #options: TransportOptions
  readonly #base: URL
  readonly #agent: Agent
  readonly #send: typeof request

  constructor(options: TransportOptions) {
    this.#options = options
    this.#base = parseBaseUrl(options.baseUrl)
    // An import of node:http by name also loads fetch and WebSocket, 40 ms that every run of netctl would pay.
    if (this.#base.protocol === 'https:') {
      const https = process.getBuiltinModule('node:https')
      this.#agent = new https.Agent({ keepAlive: true, rejectUnauthorized: options.insecure !== true })
      this.#send = https.request
    } else {
      const http = process.getBuiltinModule('node:http')
      this.#agent = new http.Agent({ keepAlive: true })
      this.#send = http.request
    }
  }

  /** Calls a route; parameters fill its path. */
  async call<Input, Body, Answer>(
    route: Route<Input, Body, Answer>,
    parameters: Readonly<Record<string, string>>,
    body: Input,
    signal?: AbortSignal,
    headers?: RequestHeaders,
  ): Promise<Answer> {
    const answer = await this.request(route.method, fillPath(route.path, parameters), body, signal, headers)
    return answer as Answer
  }

  /** One request; resolves with the parsed JSON of a 2xx answer, rejects with NetpluginError otherwise. */
  async request(
    method: string,
    path: string,
    body: unknown,
    signal?: AbortSignal,
    headers: RequestHeaders = {},
  ): Promise<unknown> {
    const deadline = AbortSignal.timeout(this.#options.timeoutMs)
    const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
    try {
      const response = await this.#open(method, path, body, { ...headers, accept: 'application/json' }, either)
      const text = await readText(response)
      if (!isSuccess(response)) throw this.#refusal(response, text)
      return this.#parse(text, response)
    } catch (error) {
      throw this.#explain(error, deadline, signal)
    }
  }

  /** A stream of JSON documents, one a line; ends with the server's end, or with an error after `idleMs` of silence. */
  async *stream(path: string, options: { readonly idleMs: number }, signal: AbortSignal): AsyncIterable<unknown> {
    const head = AbortSignal.timeout(this.#options.timeoutMs)
    const opened = await this.#openStream(path, head, signal)
    const { response } = opened
    const idle = setTimeout(() => response.destroy(this.#silent(options.idleMs)), options.idleMs)
    const onAbort = () => response.destroy(asError(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      response.setEncoding('utf8')
      let pending = ''
      for await (const chunk of response) {
        idle.refresh()
        const lines = `${pending}${chunk}`.split('\n')
        pending = lines.pop() ?? ''
        if (pending.length > maxLineChars) throw this.#broken('a line of the stream is too long')
        for (const line of lines) if (line !== '') yield this.#parse(line, response)
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw this.#explain(error, head, signal)
    } finally {
      clearTimeout(idle)
      signal.removeEventListener('abort', onAbort)
      response.destroy()
    }
  }

  /** Ends kept-alive connections. */
  close(): void {
    this.#agent.destroy()
  }

  async #openStream(path: string, head: AbortSignal, signal: AbortSignal): Promise<{ response: IncomingMessage }> {
    const opening = new AbortController()
    const cancel = (event: Event) =>
      opening.abort(event.target instanceof AbortSignal ? event.target.reason : undefined)
    head.addEventListener('abort', cancel, { once: true })
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) opening.abort(signal.reason)
    try {
      const response = await this.#open(
        'GET',
        path,
        undefined,
        { accept: 'application/x-ndjson, application/json' },
        opening.signal,
      )
      if (!isSuccess(response)) throw this.#refusal(response, await readText(response))
      return { response }
    } catch (error) {
      throw this.#explain(error, head, signal)
    } finally {
      head.removeEventListener('abort', cancel)
      signal.removeEventListener('abort', cancel)
    }
  }

  #open(
    method: string,
    path: string,
    body: unknown,
    more: RequestHeaders,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const headers: Record<string, string> = { ...this.#options.headers, ...more, 'user-agent': 'netplugin' }
    if (payload !== undefined) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = String(payload.length)
    }
    const prefix = this.#base.pathname.replace(/\/$/, '')
    const target = { host: stripBrackets(this.#base.hostname), port: this.#base.port, path: `${prefix}${path}` }
    return new Promise((resolve, reject) => {
      const request = this.#send({ ...target, method, headers, agent: this.#agent, signal }, resolve)
      request.on('error', (error: NodeJS.ErrnoException) => {
        // A kept-alive connection may be closed by the server just as it is used again: then nothing was served.
        if (request.reusedSocket && error.code === 'ECONNRESET') {
          this.#open(method, path, body, more, signal).then(resolve, reject)
        } else reject(error)
      })
      request.end(payload)
    })
  }

  #parse(text: string, response: IncomingMessage): unknown {
    try {
      return JSON.parse(text)
    } catch (cause) {
      const type = response.headers['content-type'] ?? 'without content type'
      throw this.#broken(`the answer is not JSON (${type}); is this the address of netmaster?`, cause)
    }
  }

  #refusal(response: IncomingMessage, text: string): NetpluginError {
    const status = response.statusCode ?? 0
    const said = parseRefusal(text)
    const kind = said?.kind ?? kindOfStatus(status)
    const message = said?.message ?? text.trim().split('\n')[0] ?? ''
    return new NetpluginError(
      kind,
      said?.code ?? 'REFUSED',
      message === '' ? `netmaster answered status ${status}` : message,
      {
        details: { ...said?.details, status },
      },
    )
  }

  #explain(error: unknown, deadline: AbortSignal, signal?: AbortSignal): unknown {
    if (error instanceof NetpluginError) return error
    if (signal?.aborted) return signal.reason
    const url = this.#options.baseUrl
    if (deadline.aborted) {
      const seconds = this.#options.timeoutMs / 1000
      const message = `netmaster at ${url} did not answer within ${seconds} s; check that it is running and not overloaded`
      return new NetpluginError('timeout', 'NETMASTER_TIMEOUT', message, { cause: error, details: { url } })
    }
    const reason = systemReason(error)
    const message = `cannot reach netmaster at ${url}: ${reason}; check that it is running and that the address is right`
    return new NetpluginError('unavailable', 'NETMASTER_UNREACHABLE', message, { cause: error, details: { url } })
  }

  #silent(idleMs: number): NetpluginError {
    const message = `netmaster at ${this.#options.baseUrl} sent nothing for ${idleMs / 1000} s`
    return new NetpluginError('timeout', 'STREAM_SILENT', message)
  }

  #broken(what: string, cause?: unknown): NetpluginError {
    const message = `netmaster at ${this.#options.baseUrl}: ${what}`
    return new NetpluginError('protocol', 'BAD_ANSWER', message, cause === undefined ? {} : { cause })
  }
}

function parseBaseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url
  throw new NetpluginError(
    'invalid',
    'BAD_URL',
    `${JSON.stringify(text)} is not the URL of a netmaster; write it as http://host:9999`,
  )
}

function stripBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

function isSuccess(response: IncomingMessage): boolean {
  const status = response.statusCode ?? 0
  return status >= 200 && status < 300
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += chunk.length
    if (length > maxAnswerBytes) throw new NetpluginError('protocol', 'ANSWER_TOO_LONG', 'the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

interface Refusal {
  readonly kind: ErrorKind
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

function parseRefusal(text: string): Refusal | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('kind' in value && 'code' in value && 'message' in value)) {
    return undefined
  }
  const { code, message } = value
  const kind = errorKinds.find((candidate) => candidate === value.kind)
  if (kind === undefined || typeof code !== 'string' || typeof message !== 'string') return undefined
  const details = 'details' in value && typeof value.details === 'object' && value.details !== null ? value.details : {}
  return { kind, code, message, details: { ...details } }
}

function kindOfStatus(status: number): ErrorKind {
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 503) return 'unavailable'
  if (status === 504) return 'timeout'
  return status >= 500 ? 'internal' : 'invalid'
}

function systemReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was closed',
    ENOTFOUND: 'the host name is unknown',
    EAI_AGAIN: 'the host name could not be looked up',
    EHOSTUNREACH: 'there is no route to the host',
    ENETUNREACH: 'there is no route to the network',
    ETIMEDOUT: 'the connection timed out',
  }
  return known[code] ?? asError(error).message
}
