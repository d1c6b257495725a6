// DNS servers as netplugin sees them: who listens at the socket, says what it is, and remembers what it was told.

import { createServer, type Server, type Socket } from 'node:net'
import { type FeedMessage, formatLine, type NamesMessage, parseFeedLine } from '../core/names/feed.ts'
import { linesOf } from '../lib/lines.ts'

export class FakeNamesServer {
  readonly told: FeedMessage['type'][] = []
  readonly pid: number
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  /** Hears and says nothing. */
  isStuck = false

  constructor(hello: { readonly pid: number; readonly program: string }) {
    this.pid = hello.pid
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
      if (!this.isStuck) socket.write(formatLine({ type: 'hello', ...hello }))
      void this.#hear(socket)
    })
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(path, resolve))
  }

  /** Says it to whoever is connected. */
  say(message: NamesMessage): void {
    for (const socket of this.#sockets) socket.write(formatLine(message))
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  async #hear(socket: Socket): Promise<void> {
    try {
      for await (const line of linesOf(socket, 1_000_000)) {
        const message = parseFeedLine(line)
        if (message === undefined || this.isStuck) continue
        if (message.type === 'ping') socket.write(formatLine({ type: 'pong' }))
        else this.told.push(message.type)
        if (message.type === 'yield') {
          this.#server.close()
          socket.write(formatLine({ type: 'yielded' }))
        }
        if (message.type === 'stop') this.end()
      }
    } catch {
      // netplugin went away.
    }
  }
}
