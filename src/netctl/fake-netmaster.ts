// A netmaster for tests: a real HTTP server that gives prepared answers and keeps what it was asked.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An answer that is not a 200 with JSON. */
export interface TextAnswer {
  readonly status: number
  readonly text: string
}

/** JSON of a 200 answer, or a text. */
export type Answer = TextAnswer | object | string

export interface FakeNetmaster {
  readonly url: string
  /** What was asked: `METHOD path`, and the body where there was one. */
  readonly requests: readonly Asked[]
  close(): Promise<void>
}

export type Asked = string | readonly [string, unknown]

/** Answers by `METHOD path`; everything else is 404. */
export async function startFakeNetmaster(answers: Readonly<Record<string, Answer>>): Promise<FakeNetmaster> {
  const requests: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const line = `${request.method} ${request.url}`
    requests.push(text === '' ? line : [line, JSON.parse(text)])
    const answer = answers[line] ?? { status: 404, text: `nothing at ${line}\n` }
    if (isText(answer)) response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.text)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export function isText(answer: Answer): answer is TextAnswer {
  return typeof answer === 'object' && 'text' in answer
}
