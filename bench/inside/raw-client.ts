// One kept-alive HTTP/1.1 connection with as little of its own as possible: what is measured is the server.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** The last piece only when it came in chunks. */
  readonly body: string
  /** As performance.now() gives it. */
  readonly firstByteAt: number
}

interface Waiting {
  readonly resolve: (answer: RawAnswer) => void
  readonly reject: (error: Error) => void
}

const lastChunk = Buffer.from('0\r\n\r\n')
const nothing = Buffer.alloc(0)

export class RawClient {
  readonly #socket: Socket
  #head = ''
  #received: Buffer | undefined
  #firstByteAt = 0
  #waiting: Waiting | undefined

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1').setNoDelay(true)
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('close', () => this.#waiting?.reject(new Error('netmaster closed the connection')))
    socket.on('error', (error) => this.#waiting?.reject(error))
  }

  /** One at a time. */
  request(method: string, path: string, headers: Readonly<Record<string, string>>, body: string): Promise<RawAnswer> {
    let text = `${method} ${path} HTTP/1.1\r\n`
    for (const name in headers) text += `${name}: ${headers[name]}\r\n`
    text += `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#head = ''
      this.#received = undefined
      this.#firstByteAt = 0
      this.#socket.write(text)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    if (this.#firstByteAt === 0) this.#firstByteAt = performance.now()
    if (this.#head === '') {
      const all = this.#received === undefined ? bytes : Buffer.concat([this.#received, bytes])
      const end = all.indexOf('\r\n\r\n')
      this.#received = all
      if (end < 0) return
      this.#head = all.toString('latin1', 0, end)
      this.#received = all.subarray(end + 4)
    } else if (this.#isChunked()) this.#received = bytes
    else this.#received = Buffer.concat([this.#received ?? nothing, bytes])
    const body = this.#received
    const length = /^content-length: (\d+)$/im.exec(this.#head)?.[1]
    const done = length === undefined ? body.subarray(-5).equals(lastChunk) : body.length >= Number(length)
    if (!done) return
    const waiting = this.#waiting
    this.#waiting = undefined
    const status = Number(this.#head.slice(9, 12))
    waiting?.resolve({ status, body: body.toString('utf8'), firstByteAt: this.#firstByteAt })
  }

  /** Of these only the end is kept: how long they take is all that is of interest. */
  #isChunked(): boolean {
    return this.#head.includes('transfer-encoding: chunked')
  }
}
