// A switch for tests, without a datapath: it listens on a real unix socket, keeps flows, groups and meters, understands
// bundles, barriers and statistics, and can be told to refuse, to fall silent, or to go away.

import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { Writer } from '../../lib/bytes.ts'
import { encodeError } from './error.ts'
import { FakeTables } from './fake-tables.ts'
import { FakeTalk } from './fake-talk.ts'
import type { Flow, FlowStats } from './flow.ts'
import type { Group } from './group.ts'
import { Deframer, encodeHello } from './message.ts'
import type { Meter } from './meter.ts'
import type { Modification } from './modification.ts'
import { encodePacketIn2, type PacketIn, type PacketOut } from './packet.ts'
import type { PortDesc } from './port.ts'

export interface FakeSwitchOptions {
  /** Where to listen; removed by close(). */
  readonly path: string
  readonly ports?: readonly Pick<PortDesc, 'port' | 'name' | 'mac'>[]
}

export class FakeSwitch {
  readonly path: string
  readonly ports: readonly Pick<PortDesc, 'port' | 'name' | 'mac'>[]
  /** What clients sent through the bridge, oldest first. */
  readonly packetsOut: PacketOut[] = []
  /** Zones whose connections clients had forgotten, oldest first; undefined for a flush without zone. */
  readonly flushedZones: (number | undefined)[] = []
  /** Modifications in the order they took effect: one list per bundle or lone message. */
  readonly applied: (readonly Modification[])[] = []
  /** Bundles that were opened and neither committed nor discarded. */
  readonly openBundles = new Set<object>()
  /** The largest number of a meter; 0: a datapath without meters. */
  maxMeter = 262_144
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #monitors = new Map<unknown, () => void>()
  #tables = new FakeTables()
  #refuse: (m: Modification) => string | undefined = () => undefined
  #silent = false

  private constructor(options: FakeSwitchOptions, server: Server) {
    this.path = options.path
    this.ports = options.ports ?? []
    this.#server = server
    server.on('connection', (socket) => this.#accept(socket))
  }

  static async listen(options: FakeSwitchOptions): Promise<FakeSwitch> {
    await rm(options.path, { force: true })
    const server = createServer()
    const fake = new FakeSwitch(options, server)
    server.listen(options.path)
    await once(server, 'listening')
    return fake
  }

  flows(): FlowStats[] {
    return this.#tables.flows()
  }

  groups(): Group[] {
    return this.#tables.groups()
  }

  meters(): Meter[] {
    return this.#tables.meters()
  }

  get tables(): FakeTables {
    return this.#tables
  }

  /** Modifications for which `refuse` returns an error's name (for example 'OFPFMFC_TABLE_FULL') fail. */
  refuseWhen(refuse: (m: Modification) => string | undefined): void {
    this.#refuse = refuse
  }

  /** From now on the switch reads but says nothing, as one that hangs; `false` ends it. */
  setSilent(silent: boolean): void {
    this.#silent = silent
  }

  /** Forgets everything, as a restarted switch, and cuts all connections. */
  restart(): void {
    this.#tables = new FakeTables()
    this.cut()
  }

  /** Cuts all connections; flows stay. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  setCounters(when: (flow: Flow) => boolean, packets: bigint, bytes: bigint): void {
    this.#tables.setCounters(when, packets, bytes)
  }

  /** Hands a packet to every client. */
  sendPacketIn(packet: PacketIn): void {
    const w = new Writer()
    encodePacketIn2(w, 0, packet)
    for (const socket of this.#sockets) this.#write(socket, w)
  }

  async close(): Promise<void> {
    this.cut()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** `who` is told of changes that others make. */
  monitor(who: unknown, tell: () => void): void {
    this.#monitors.set(who, tell)
  }

  /** Applies all or nothing; returns the place and name of what is refused. `who`: nobody else's change. */
  commit(
    modifications: readonly Modification[],
    who?: unknown,
  ): { readonly index: number; readonly error: string } | undefined {
    const next = modifications.length === 1 ? this.#tables : this.#tables.clone()
    for (const [index, m] of modifications.entries()) {
      const error = this.#refuse(m) ?? next.apply(m)
      if (error !== undefined) return { index, error }
    }
    this.#tables = next
    this.applied.push(modifications)
    if (modifications.some(({ op }) => op === 'add-flow' || op === 'delete-flow' || op === 'delete-flows')) {
      for (const [monitor, tell] of this.#monitors) if (monitor !== who) tell()
    }
    return undefined
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    const w = new Writer()
    const talk = new FakeTalk(this, w, () => this.#write(socket, w))
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#monitors.delete(talk)
      talk.end()
    })
    const deframer = new Deframer()
    encodeHello(w, 0)
    this.#write(socket, w)
    socket.on('data', (chunk: Buffer) => {
      for (const message of deframer.feed(chunk)) {
        try {
          talk.answer(message)
        } catch {
          encodeError(w, message.xid, 'OFPBRC_BAD_LEN')
        }
        this.#write(socket, w)
      }
    })
  }

  #write(socket: Socket, w: Writer): void {
    if (!this.#silent && !socket.destroyed && w.length > 0) socket.write(w.take())
    w.reset()
  }
}
