// Requests over kept-alive connections, to any number of servers.

import type { Agent, IncomingMessage, request } from 'node:http'

export type RequestHeaders = Readonly<Record<string, string>>

export interface Asked {
  readonly method: string
  readonly path: string
  /** Made for each try and sent as JSON; undefined: none. */
  readonly body: () => unknown
  readonly headers: RequestHeaders
  /** Told of each try that may have been served and got no answer. */
  readonly unanswered: () => void
}

interface Wire {
  readonly agent: Agent
  readonly send: typeof request
}

interface Options {
  readonly insecure?: boolean
  readonly headers?: RequestHeaders
}

export class Wires {
  readonly #options: Options
  readonly #wires = new Map<string, Wire>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Resolves with the head of the answer. `keepAlive`: on a connection that others use, too. */
  open(url: URL, asked: Asked, signal: AbortSignal, keepAlive = true): Promise<IncomingMessage> {
    const { method, path, headers: more } = asked
    const body = asked.body()
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const headers: Record<string, string> = { ...this.#options.headers, ...more, 'user-agent': 'netplugin' }
    if (payload !== undefined) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = String(payload.length)
    }
    const { pathname, hostname, port, protocol } = url
    const target = { host: stripBrackets(hostname), port, path: `${pathname.replace(/\/$/, '')}${path}` }
    const { agent, send } = this.#wire(protocol)
    return new Promise((resolve, reject) => {
      const request = send({ ...target, method, headers, ...(keepAlive && { agent }), signal }, resolve)
      request.on('error', (error: NodeJS.ErrnoException) => {
        // A kept-alive connection may be closed by the server just as it is used again: then nothing was served. But if the
        // server is gone then, it may have died of something else, with the request in its hands.
        if (request.reusedSocket && error.code === 'ECONNRESET') {
          asked.unanswered()
          this.open(url, asked, signal, keepAlive).then(resolve, (again: Error) =>
            reject(Object.assign(again, { perhapsServed: true })),
          )
        } else reject(error)
      })
      request.end(payload)
    })
  }

  /** Ends kept-alive connections. */
  close(): void {
    for (const { agent } of this.#wires.values()) agent.destroy()
  }

  #wire(protocol: string): Wire {
    const found = this.#wires.get(protocol)
    if (found !== undefined) return found
    const wire = openWire(protocol, this.#options.insecure === true)
    this.#wires.set(protocol, wire)
    return wire
  }
}

function openWire(protocol: string, insecure: boolean): Wire {
  // An import of node:http by name also loads fetch and WebSocket, 40 ms that every run of netctl would pay.
  if (protocol === 'https:') {
    const https = process.getBuiltinModule('node:https')
    return { agent: new https.Agent({ keepAlive: true, rejectUnauthorized: !insecure }), send: https.request }
  }
  const http = process.getBuiltinModule('node:http')
  return { agent: new http.Agent({ keepAlive: true }), send: http.request }
}

function stripBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
