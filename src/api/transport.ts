// JSON over HTTP/1.1: kept-alive connections, a deadline on every request, errors rebuilt from what the server said, and
// newline-separated JSON streams (one document a line). Where there are several servers, one that does not serve is left for
// the next, and what it did not answer is sent again there: every request of the API may be.

import type { IncomingMessage } from 'node:http'
import { systemClock } from '../lib/clock.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { refusalOf, systemReason, wasPerhapsServed } from './refusal.ts'
import { fillPath, type Route } from './route.ts'
import { type ServerChoice, Servers } from './servers.ts'
import { type Asked, type RequestHeaders, Wires } from './wires.ts'

export interface TransportOptions {
  /** `http://host:port` or `https://…`; a path is kept as a prefix. Several servers are written with commas between them. */
  readonly baseUrl: string
  /** For a whole request and its answer, at however many servers; streams only for the answer's head. */
  readonly timeoutMs: number
  /** Accept any TLS certificate. */
  readonly insecure?: boolean
  /** Sent with every request: who asks. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers above this are refused: nothing the API says is that long. */
const maxAnswerBytes = 256 * 1024 * 1024
/** A line of a stream holds at most 500 records of at most some KiB. */
const maxLineChars = 64 * 1024 * 1024

/** A server that is slow is asked after so long whether it is there at all, and has as long again to say so. */
const hungMs = 1_000
/** Before all servers are asked once more. */
const roundMs = 250

/** Without a body, and to be sent as it is each time. */
const plain = { body: () => undefined, unanswered: () => {} }

export class Transport {
  readonly #options: TransportOptions
  readonly #servers: Servers
  readonly #wires: Wires

  constructor(options: TransportOptions) {
    this.#options = options
    this.#servers = new Servers(options.baseUrl)
    this.#wires = new Wires(options)
  }

  /** All servers there are, as one of them says. */
  learn(urls: readonly string[]): void {
    this.#servers.learn(urls)
  }

  /** URLs of those that are asked. */
  servers(): readonly string[] {
    return this.#servers.list
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

  /** As `call`, for a request whose tries differ. */
  async callNumbered<Input, Body, Answer>(
    route: Route<Input, Body, Answer>,
    parameters: Readonly<Record<string, string>>,
    tries: { readonly body: () => Input; readonly unanswered: () => void },
    signal?: AbortSignal,
  ): Promise<Answer> {
    const asked = { method: route.method, path: fillPath(route.path, parameters), headers: {}, ...tries }
    return (await this.#ask(asked, signal)) as Answer
  }

  /**
   * One request; resolves with the parsed JSON of a 2xx answer, rejects with NetpluginError otherwise. `details.resent` of an
   * error says that an earlier server may have done what was asked for.
   */
  async request(
    method: string,
    path: string,
    body: unknown,
    signal?: AbortSignal,
    headers: RequestHeaders = {},
  ): Promise<unknown> {
    return this.#ask({ ...plain, method, path, body: () => body, headers }, signal)
  }

  async #ask(asked: Asked, signal: AbortSignal | undefined): Promise<unknown> {
    const deadline = AbortSignal.timeout(this.#options.timeoutMs)
    const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
    let resent = false
    for (let tries = 1; ; tries++) {
      const server = this.#servers.current
      try {
        return await this.#requestAt(server, asked, either)
      } catch (cause) {
        if (signal?.aborted === true && !(cause instanceof NetpluginError)) throw signal.reason
        const error = this.#explain(cause, server, deadline)
        const isLast = tries >= 2 * this.#servers.count || either.aborted
        if (this.#servers.count === 1 || !isOfServer(error)) throw resent ? asResent(error) : error
        this.#servers.leave(server)
        if (isLast) throw resent ? asResent(error) : error
        resent ||= wasPerhapsServed(error.cause)
      }
      if (tries % this.#servers.count === 0) await systemClock.after(roundMs, either).catch(() => {})
    }
  }

  async #requestAt(server: ServerChoice, asked: Asked, signal: AbortSignal): Promise<unknown> {
    const hung = this.#servers.count > 1 ? this.#watchFor(server, signal) : undefined
    const either = hung === undefined ? signal : AbortSignal.any([signal, hung.signal])
    try {
      const { headers } = asked
      const response = await this.#wires.open(
        server.url,
        { ...asked, headers: { ...headers, accept: 'application/json' } },
        either,
      )
      const text = await readText(response)
      if (!isSuccess(response)) throw refusalOf(response, text)
      return this.#parse(text, response, server)
    } catch (error) {
      if (wasPerhapsServed(error)) asked.unanswered()
      if (hung?.signal.aborted === true && !signal.aborted) throw hung.signal.reason
      throw error
    } finally {
      hung?.stop()
    }
  }

  /** Aborts when the server does not even say that it is there. */
  #watchFor(server: ServerChoice, signal: AbortSignal): { readonly signal: AbortSignal; readonly stop: () => void } {
    const hung = new AbortController()
    const look = async () => {
      const over = AbortSignal.any([signal, AbortSignal.timeout(hungMs)])
      try {
        const asked = { ...plain, method: 'GET', path: '/healthz', headers: { connection: 'close' } }
        const response = await this.#wires.open(server.url, asked, over, false)
        response.resume()
        timer = setTimeout(look, hungMs)
      } catch {
        hung.abort(this.#noAnswer(server, 2 * hungMs))
      }
    }
    let timer = setTimeout(look, hungMs)
    return { signal: hung.signal, stop: () => clearTimeout(timer) }
  }

  /** A stream of JSON documents, one a line; ends with the server's end, or with an error after `idleMs` of silence. */
  async *stream(path: string, options: { readonly idleMs: number }, signal: AbortSignal): AsyncIterable<unknown> {
    const head = AbortSignal.timeout(this.#options.timeoutMs)
    const server = this.#servers.current
    const { response } = await this.#openStream(server, path, head, signal)
    const idle = setTimeout(() => response.destroy(silent(server, options.idleMs)), options.idleMs)
    const onAbort = () => response.destroy(asError(signal.reason))
    const onLeft = () => response.destroy(asError(server.left.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    server.left.addEventListener('abort', onLeft, { once: true })
    try {
      response.setEncoding('utf8')
      let pending = ''
      for await (const chunk of response) {
        idle.refresh()
        const lines = `${pending}${chunk}`.split('\n')
        pending = lines.pop() ?? ''
        if (pending.length > maxLineChars) throw broken(server, 'a line of the stream is too long')
        for (const line of lines) if (line !== '') yield this.#parse(line, response, server)
      }
      this.#servers.leave(server)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const explained = this.#explain(error, server, head)
      if (isOfServer(explained)) this.#servers.leave(server)
      throw explained
    } finally {
      clearTimeout(idle)
      signal.removeEventListener('abort', onAbort)
      server.left.removeEventListener('abort', onLeft)
      response.destroy()
    }
  }

  /** Ends kept-alive connections. */
  close(): void {
    this.#wires.close()
  }

  async #openStream(
    server: ServerChoice,
    path: string,
    head: AbortSignal,
    signal: AbortSignal,
  ): Promise<{ response: IncomingMessage }> {
    const opening = new AbortController()
    const cancel = (event: Event) =>
      opening.abort(event.target instanceof AbortSignal ? event.target.reason : undefined)
    head.addEventListener('abort', cancel, { once: true })
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) opening.abort(signal.reason)
    try {
      const headers = { accept: 'application/x-ndjson, application/json' }
      const response = await this.#wires.open(server.url, { ...plain, method: 'GET', path, headers }, opening.signal)
      if (!isSuccess(response)) throw refusalOf(response, await readText(response))
      return { response }
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      const error = this.#explain(cause, server, head)
      if (isOfServer(error)) this.#servers.leave(server)
      throw error
    } finally {
      head.removeEventListener('abort', cancel)
      signal.removeEventListener('abort', cancel)
    }
  }

  #parse(text: string, response: IncomingMessage, server: ServerChoice): unknown {
    try {
      return JSON.parse(text)
    } catch (cause) {
      const type = response.headers['content-type'] ?? 'without content type'
      throw broken(server, `the answer is not JSON (${type}); is this the address of netmaster?`, cause)
    }
  }

  #explain(error: unknown, server: ServerChoice, deadline: AbortSignal): NetpluginError {
    if (error instanceof NetpluginError) return error
    if (deadline.aborted) return this.#noAnswer(server, this.#options.timeoutMs, error)
    const url = shown(server)
    const message = `cannot reach netmaster at ${url}: ${systemReason(error)}; check that it is running and that the address is right`
    return new NetpluginError('unavailable', 'NETMASTER_UNREACHABLE', message, { cause: error, details: { url } })
  }

  #noAnswer(server: ServerChoice, ms: number, cause?: unknown): NetpluginError {
    const url = shown(server)
    const message = `netmaster at ${url} did not answer within ${ms / 1000} s; check that it is running and not overloaded`
    return new NetpluginError('timeout', 'NETMASTER_TIMEOUT', message, { cause, details: { url } })
  }
}

/** Whether another server may do better: this one is away, or says that it cannot serve anybody. */
function isOfServer({ code, kind, details }: NetpluginError): boolean {
  if (details.status !== undefined) return kind === 'unavailable' && details.status === 503
  return ['NETMASTER_UNREACHABLE', 'NETMASTER_TIMEOUT', 'NETMASTER_LEFT', 'STREAM_SILENT'].includes(code)
}

function asResent(error: NetpluginError): NetpluginError {
  const { kind, code, message, details, cause } = error
  return new NetpluginError(kind, code, message, { cause, details: { ...details, resent: true } })
}

function shown({ url }: ServerChoice): string {
  return url.href.replace(/\/$/, '')
}

function silent(server: ServerChoice, idleMs: number): NetpluginError {
  const message = `netmaster at ${shown(server)} sent nothing for ${idleMs / 1000} s`
  return new NetpluginError('timeout', 'STREAM_SILENT', message)
}

function broken(server: ServerChoice, what: string, cause?: unknown): NetpluginError {
  const message = `netmaster at ${shown(server)}: ${what}`
  return new NetpluginError('protocol', 'BAD_ANSWER', message, cause === undefined ? {} : { cause })
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
