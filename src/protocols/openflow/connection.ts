// A conversation with one bridge: change it, in bundles or one by one, and ask what it holds. Every method that waits
// ends by reply, by error of the switch, by the signal, by deadline, or with the connection.

import type { Reader } from '../../lib/bytes.ts'
import type { Clock } from '../../lib/clock.ts'
import { asError, NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { commitBundle } from './bundle.ts'
import { Channel } from './channel.ts'
import { type ConntrackMatch, encodeConntrackFlush } from './conntrack.ts'
import { decodeError } from './error.ts'
import { decodeFlowStats, type FlowStats } from './flow.ts'
import { decodeGroupDesc, type Group } from './group.ts'
import { decodeFeatures, encodeEchoReply, encodeEmpty, type Features, type Message } from './message.ts'
import { decodeMeterConfig, decodeMeterFeatures, encodeMetersRequest, type Meter } from './meter.ts'
import { encodeModification, type Modification } from './modification.ts'
import { decodeFlowUpdate, encodeMonitorRequest } from './monitor.ts'
import {
  decodeAggregate,
  decodeMultipartHeader,
  encodeFlowsRequest,
  encodeMultipartRequest,
  type FlowFilter,
} from './multipart.ts'
import type { PacketIn, PacketOut } from './packet.ts'
import { decodePacketIn, decodePacketIn2, encodePacketInRequest, encodePacketOut } from './packet.ts'
import { decodePort, type PortDesc } from './port.ts'
import { ask, askParts, barrier, type Question, Transfer, tell } from './request.ts'
import { messageTypes, multipartTypes, niciraMessages, niciraVendor } from './wire.ts'

export interface ConnectionOptions {
  /** The bridge's socket: `<rundir>/<bridge>.mgmt`. */
  readonly path: string
  /** Default 5000. */
  readonly handshakeTimeoutMs?: number
  /** How long any single reply may take (default 30000); a bundle may take longer as long as it moves. */
  readonly requestTimeoutMs?: number
  /** Which controller this is for `controller` actions (default 0). */
  readonly controllerId?: number
}

export interface ConnectionDeps {
  readonly log: Log
  readonly clock: Clock
}

type Encode = Question['encode']

const defaultHandshakeMs = 5_000
const defaultRequestMs = 30_000

export class OpenFlowConnection {
  /** Settles when the switch went away (with the reason) or after close() (with undefined). */
  readonly closed: Promise<Error | undefined>
  readonly #channel: Channel
  readonly #log: Log
  readonly #controllerId: number
  readonly #listeners: ((packet: PacketIn) => void)[] = []
  #onForeignChange: () => void = () => {}
  #features: Features = { datapathId: '', tables: 0 }
  #writing: Promise<void> = Promise.resolve()
  #nextBundle = 1

  private constructor(channel: Channel, options: ConnectionOptions, { log }: ConnectionDeps) {
    this.#channel = channel
    this.closed = channel.closed
    this.#log = log.with({ path: options.path })
    this.#controllerId = options.controllerId ?? 0
  }

  /** Connects and greets. `unavailable` when nobody listens there or the bridge does not allow OpenFlow 1.4. */
  static async connect(
    options: ConnectionOptions,
    deps: ConnectionDeps,
    signal?: AbortSignal,
  ): Promise<OpenFlowConnection> {
    signal?.throwIfAborted()
    const { path, requestTimeoutMs = defaultRequestMs, handshakeTimeoutMs = defaultHandshakeMs } = options
    const channel = new Channel({ path, timeoutMs: requestTimeoutMs }, deps)
    const connection = new OpenFlowConnection(channel, options, deps)
    try {
      await channel.open((message) => connection.#onUnasked(message), handshakeTimeoutMs, signal)
      const encode: Encode = (w, xid) => encodeEmpty(w, messageTypes.featuresRequest, xid)
      const reply = await ask(channel, { what: 'the features of the switch', encode }, signal)
      connection.#features = decodeFeatures(reply.body)
    } catch (error) {
      channel.close()
      throw error
    }
    return connection
  }

  get features(): Features {
    return this.#features
  }

  /**
   * Applies all modifications at once, in order, or none. Rejects with an error whose `details.index` names the one the
   * switch refused. On success everything is in force. When the signal or the connection ends during the commit, the
   * outcome is unknown: read the flows back.
   */
  async bundle(modifications: readonly Modification[], signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (modifications.length === 0) return
    const id = this.#nextBundle++
    await this.#inTurn(() => commitBundle(this.#channel, id, modifications, signal), signal)
  }

  /** Applies modifications one after the other; a refused one does not stop the others, the first is the error. */
  async send(modifications: readonly Modification[], signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await this.#inTurn(async () => {
      const transfer = new Transfer(this.#channel, modifications)
      try {
        await transfer.run(encodeModification, false, signal)
        await this.barrier(signal)
      } finally {
        transfer.end()
      }
      const refusal = transfer.refusal()
      if (refusal !== undefined) throw refusal
    }, signal)
  }

  /** Resolves when the switch has done everything sent before. */
  async barrier(signal?: AbortSignal): Promise<void> {
    await barrier(this.#channel, signal)
  }

  /** The flows of the bridge that agree with the filter, in canonical form. */
  async flows(filter: FlowFilter = {}, signal?: AbortSignal): Promise<FlowStats[]> {
    const encode: Encode = (w, xid) => encodeFlowsRequest(w, xid, multipartTypes.flow, filter)
    return await askParts(this.#channel, { what: 'the list of flows', encode }, decodeFlowStats, signal)
  }

  /** How many flows there are; costs little however many. */
  async countFlows(filter: FlowFilter = {}, signal?: AbortSignal): Promise<number> {
    const encode: Encode = (w, xid) => encodeFlowsRequest(w, xid, multipartTypes.aggregate, filter)
    const [count] = await askParts(this.#channel, { what: 'the number of flows', encode }, decodeAggregate, signal)
    if (count === undefined) throw new NetpluginError('protocol', 'NO_AGGREGATE', 'the switch told no number of flows')
    return count
  }

  /** The groups of the bridge, in canonical form. */
  async groups(signal?: AbortSignal): Promise<Group[]> {
    const encode: Encode = (w, xid) => encodeMultipartRequest(w, xid, multipartTypes.groupDesc)
    return await askParts(this.#channel, { what: 'the list of groups', encode }, decodeGroupDesc, signal)
  }

  /** All meters of the bridge. */
  async meters(signal?: AbortSignal): Promise<Meter[]> {
    const encode: Encode = (w, xid) => encodeMultipartRequest(w, xid, multipartTypes.meterConfig, encodeMetersRequest)
    return await askParts(this.#channel, { what: 'the list of meters', encode }, decodeMeterConfig, signal)
  }

  /** The largest number a meter may have; 0 where the datapath has none. */
  async maxMeter(signal?: AbortSignal): Promise<number> {
    const encode: Encode = (w, xid) => encodeMultipartRequest(w, xid, multipartTypes.meterFeatures)
    const question = { what: 'what meters it has', encode }
    const [features] = await askParts(this.#channel, question, decodeMeterFeatures, signal)
    return features?.maxMeter ?? 0
  }

  async ports(signal?: AbortSignal): Promise<PortDesc[]> {
    const encode: Encode = (w, xid) => encodeMultipartRequest(w, xid, multipartTypes.portDesc)
    return await askParts(this.#channel, { what: 'the list of ports', encode }, decodePort, signal)
  }

  /** Sends a packet through the bridge. A refusal is logged. */
  packetOut(out: PacketOut): void {
    this.#channel.post((w) => encodePacketOut(w, this.#channel.allocate(1), out))
  }

  /** Packets that `controller` actions send to this connection. The first listener turns them on. */
  onPacketIn(listener: (packet: PacketIn) => void): void {
    this.#listeners.push(listener)
    if (this.#listeners.length > 1) return
    this.#channel.post((w) => encodePacketInRequest(w, () => this.#channel.allocate(1), this.#controllerId))
  }

  /** Makes the switch forget connections; resolves when they are gone. Flushing by tuple needs Open vSwitch 3.1. */
  async flushConntrack(match: ConntrackMatch, signal?: AbortSignal): Promise<void> {
    const encode: Encode = (w, xid) => encodeConntrackFlush(w, xid, match)
    await tell(this.#channel, { what: 'flushing connections', encode }, signal)
  }

  /** From now on calls the listener when somebody else has changed flows: once for changes that are told together. */
  async watchFlows(listener: () => void, signal?: AbortSignal): Promise<void> {
    this.#onForeignChange = listener
    await askParts(this.#channel, { what: 'news of flows', encode: encodeMonitorRequest }, decodeFlowUpdate, signal)
  }

  close(): void {
    this.#channel.close()
  }

  /** One writer at a time, so that two bundles do not fill the connection at once. */
  async #inTurn(work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const before = this.#writing
    const turn = Promise.withResolvers<void>()
    this.#writing = before.then(() => turn.promise)
    try {
      await unlessAborted(before, signal)
      await work()
    } finally {
      turn.resolve()
    }
  }

  #onUnasked(message: Message): void {
    switch (message.type) {
      case messageTypes.echoRequest:
        this.#channel.post((w) => encodeEchoReply(w, message))
        return
      case messageTypes.error:
        this.#log.warn('switch refused a message', { error: decodeError(message.body).name, xid: message.xid })
        return
      case messageTypes.multipartReply:
        this.#hearOfFlows(message.body)
        return
      case messageTypes.packetIn:
        this.#deliver(() => decodePacketIn(message.body))
        return
      case messageTypes.experimenter:
        if (message.body.u32() !== niciraVendor || message.body.u32() !== niciraMessages.packetIn2) return
        this.#deliver(() => decodePacketIn2(message.body))
        return
      default:
    }
  }

  #hearOfFlows(body: Reader): void {
    if (decodeMultipartHeader(body).type !== multipartTypes.flowMonitor) return
    let isForeign = false
    while (body.remaining > 0) if (decodeFlowUpdate(body)) isForeign = true
    if (isForeign) this.#onForeignChange()
  }

  /** A packet that cannot be read, and a listener that throws, cost that packet and not the connection. */
  #deliver(decode: () => PacketIn): void {
    try {
      const packet = decode()
      for (const listener of this.#listeners) this.#hand(packet, listener)
    } catch (error) {
      this.#log.warn('packet from the switch not understood', { error: asError(error).message })
    }
  }

  #hand(packet: PacketIn, listener: (packet: PacketIn) => void): void {
    try {
      listener(packet)
    } catch (error) {
      this.#log.error('packet listener failed', { error: asError(error).message })
    }
  }
}

/** Waits in line, where every other has its own deadline: only the signal ends the wait. */
async function unlessAborted(before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await before
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([before, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
