// The engine's side of the protocol: what dockerd does, for tests and for trying a plugin by hand.

import { asError, NetpluginError } from '../../lib/errors.ts'
import { http } from '../../lib/http.ts'
import { isJsonObject } from './codec.ts'
import { type CallName, type CallRequest, type CallResponse, calls, contentType } from './messages.ts'

export interface RawAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export class LibnetworkClient {
  readonly #socketPath: string
  readonly #agent = new http.Agent({ keepAlive: true })

  constructor(options: { readonly socketPath: string }) {
    this.#socketPath = options.socketPath
  }

  /**
   * One call. Errors: `unavailable` PLUGIN_UNREACHABLE; `internal` PLUGIN_ERROR with the text that `docker` would print
   * and `details.status`; `protocol` when the answer cannot be read.
   */
  async call<N extends CallName>(name: N, request: CallRequest<N>, signal: AbortSignal): Promise<CallResponse<N>> {
    // The pair under one name belongs together; TypeScript cannot see that through an index.
    const { request: encoder, response: decoder } = calls[name] as unknown as {
      request: { encode(value: CallRequest<N>): unknown }
      response: { decode(value: unknown, where: string): CallResponse<N> }
    }
    const answer = await this.post(name, JSON.stringify(encoder.encode(request)), signal)
    const body = parseAnswer(name, answer)
    const reason = isJsonObject(body) && typeof body.Err === 'string' ? body.Err : ''
    if (answer.status !== 200 || reason !== '') {
      throw new NetpluginError('internal', 'PLUGIN_ERROR', `${name}: ${reason}`, {
        details: { call: name, status: answer.status },
      })
    }
    return decoder.decode(body, '')
  }

  /** Sends any text as the body of a call. */
  post(name: string, body: string, signal: AbortSignal): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) =>
        reject(
          new NetpluginError(
            'unavailable',
            'PLUGIN_UNREACHABLE',
            `no answer on ${this.#socketPath}: ${asError(cause).message}`,
            { cause },
          ),
        )
      const outgoing = http.request(
        {
          socketPath: this.#socketPath,
          path: `/${name}`,
          method: 'POST',
          agent: this.#agent,
          signal,
          headers: { accept: contentType, host: '', 'content-length': Buffer.byteLength(body) },
        },
        (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('error', fail)
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              contentType: incoming.headers['content-type'] ?? '',
              text: Buffer.concat(chunks).toString('utf8'),
            }),
          )
        },
      )
      outgoing.on('error', fail)
      outgoing.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function parseAnswer(name: string, answer: RawAnswer): unknown {
  try {
    return JSON.parse(answer.text)
  } catch (cause) {
    throw new NetpluginError('protocol', 'BAD_ANSWER', `${name} was answered with something that is not JSON`, {
      cause,
      details: { status: answer.status, text: answer.text.slice(0, 200) },
    })
  }
}
