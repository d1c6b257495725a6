// The socket by which netplugin tells the server about names. It belongs to one process: who cannot have it does not
// serve, and who finds that another has it ends.

import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { type FeedMessage, formatLine, type NamesMessage, parseFeedLine } from '../core/names/feed.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { makeFolder } from '../lib/folder.ts'
import { linesOf } from '../lib/lines.ts'
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'

/** What is left of a message when the connection has dealt with the rest. */
export type ControlMessage = Exclude<FeedMessage, { type: 'ping' | 'yield' }>

interface Options {
  readonly socket: string
  readonly hello: Extract<NamesMessage, { type: 'hello' }>
}

interface Deps {
  /** `reply` answers whoever said it. */
  readonly told: (message: ControlMessage, reply: (message: NamesMessage) => void) => void
  /** The netplugin that told everything so far is gone; whether this server had yielded to another. */
  readonly left: (yielded: boolean) => void
  readonly log: Log
}

/** A message has 500 members at most, each with a few names. */
const maxLineChars = 4 * 1024 * 1024

export class Control {
  readonly #options: Options
  readonly #deps: Deps
  readonly #server: Server
  readonly #tasks: Tasks
  readonly #sockets = new Set<Socket>()
  #feeder: Socket | undefined
  #inode: number | undefined
  #yielded = false

  constructor(options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    this.#server = createServer((socket) => this.#tasks.spawn('control connection', () => this.#serve(socket)))
  }

  get isFed(): boolean {
    return this.#feeder !== undefined
  }

  /** Errors: `conflict` NAMES_SERVED when another process has the socket, `unavailable` where it cannot be made. */
  async open(): Promise<void> {
    const { socket } = this.#options
    makeFolder(dirname(socket), { mode: 0o700, purpose: 'folder of the control socket', flag: '--socket' })
    if (existsSync(socket)) {
      if (await answers(socket)) {
        throw new NetpluginError('conflict', 'NAMES_SERVED', `another process listens at ${socket}`)
      }
      rmSync(socket, { force: true })
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(cannotListen(socket, cause)))
      this.#server.listen(socket, resolve)
    })
    this.#inode = statSync(socket).ino
    writeFileSync(pidFileOf(socket), `${this.#options.hello.pid}\n`)
  }

  /** Whether the socket at the path is ours still. */
  get isOwner(): boolean {
    if (this.#yielded) return true
    return statSync(this.#options.socket, { throwIfNoEntry: false })?.ino === this.#inode
  }

  /** Tells the netplugin that feeds this server, if there is one. */
  say(message: NamesMessage): void {
    this.#feeder?.write(formatLine(message))
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    // Closing removes what is at the path: where that is another's, the end of the process does.
    if (this.isOwner) await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    else this.#server.unref()
    await this.#tasks.settled()
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.write(formatLine(this.#options.hello))
    const reply = (message: NamesMessage) => void socket.write(formatLine(message))
    try {
      for await (const line of linesOf(socket, maxLineChars)) {
        const message = parseFeedLine(line)
        if (message === undefined) throw new NetpluginError('protocol', 'BAD_LINE', 'not a message of this version')
        this.#take(message, socket, reply)
      }
    } catch (error) {
      this.#deps.log.debug('control connection failed', { reason: asError(error).message })
    } finally {
      socket.destroy()
      this.#sockets.delete(socket)
      if (this.#feeder === socket) {
        this.#feeder = undefined
        this.#deps.left(this.#yielded)
      }
    }
  }

  #take(message: FeedMessage, socket: Socket, reply: (message: NamesMessage) => void): void {
    switch (message.type) {
      case 'ping':
        reply({ type: 'pong' })
        return
      case 'yield':
        // Without this netplugin nobody would tell it anything, and its successor may never come: then it ends.
        this.#feeder = socket
        this.#yielded = true
        // The path is free when this is said: closing removes it at once, and waits only for connections.
        this.#server.close()
        reply({ type: 'yielded' })
        return
      case 'begin':
        this.#feeder = socket
        break
      case 'host':
      case 'members':
      case 'end':
        // One that was overtaken by a newer netplugin.
        if (socket !== this.#feeder) return
        break
      case 'status':
      case 'stop':
        break
    }
    this.#deps.told(message, reply)
  }
}

/** Where the process that listens at the socket writes its number. */
export function pidFileOf(socket: string): string {
  return `${socket}.pid`
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function cannotListen(path: string, cause: Error): NetpluginError {
  return new NetpluginError('unavailable', 'CONTROL_FAILED', `cannot listen at ${path}: ${cause.message}`, { cause })
}
