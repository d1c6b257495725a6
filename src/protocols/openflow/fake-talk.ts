// One client's conversation with a fake switch: answers messages the way Open vSwitch does, bundles included.

import { Writer } from '../../lib/bytes.ts'
import { decodeFlushedZone } from './conntrack.ts'
import { encodeError } from './error.ts'
import type { FakeSwitch } from './fake-switch.ts'
import { refusalOnSight } from './fake-tables.ts'
import { encodeFlowStats } from './flow.ts'
import { encodeGroupDesc } from './group.ts'
import { beginMessage, encodeEchoReply, encodeEmpty, endMessage, type Message } from './message.ts'
import { encodeMeterConfig, encodeMeterFeatures } from './meter.ts'
import { decodeModification, type Modification } from './modification.ts'
import { encodeFlowUpdate } from './monitor.ts'
import { decodeFlowFilter, decodeMultipartHeader, encodeAggregate, encodeMultipartReply } from './multipart.ts'
import { decodePacketOut } from './packet.ts'
import { encodePort } from './port.ts'
import { bundleControls, bundleFlags, messageTypes, multipartTypes, niciraMessages } from './wire.ts'

interface Bundle {
  closed: boolean
  readonly entries: { readonly xid: number; readonly modification: Modification }[]
}

const datapathId = 0x0000_0200_0000_0001n
const tableCount = 254
/** Entries per part of an answer; small, so that tests meet answers in parts. */
const partBytes = 4096

export class FakeTalk {
  readonly #switch: FakeSwitch
  readonly #out: Writer
  readonly #bundles = new Map<number, Bundle>()

  readonly #flush: () => void

  /** Answers go to `out`; `flush` sends what nobody asked for just now. */
  constructor(owner: FakeSwitch, out: Writer, flush: () => void) {
    this.#switch = owner
    this.#out = out
    this.#flush = flush
  }

  answer(message: Message): void {
    const { type, xid, body } = message
    switch (type) {
      case messageTypes.hello:
      case messageTypes.error:
      case messageTypes.echoReply:
      case messageTypes.setConfig:
        return
      case messageTypes.echoRequest:
        encodeEchoReply(this.#out, message)
        return
      case messageTypes.featuresRequest:
        this.#features(xid)
        return
      case messageTypes.barrierRequest:
        encodeEmpty(this.#out, messageTypes.barrierReply, xid)
        return
      case messageTypes.flowMod:
      case messageTypes.groupMod:
      case messageTypes.meterMod:
        this.#modify(xid, decodeModification(message))
        return
      case messageTypes.bundleControl:
        this.#control(message)
        return
      case messageTypes.bundleAdd:
        this.#add(message)
        return
      case messageTypes.multipartRequest:
        this.#multipart(message)
        return
      case messageTypes.packetOut:
        this.#switch.packetsOut.push(decodePacketOut(body))
        return
      case messageTypes.experimenter:
        this.#experimenter(message)
        return
      default:
        encodeError(this.#out, xid, 'OFPBRC_BAD_TYPE')
    }
  }

  /** A switch forgets the bundles of a connection that ends. */
  end(): void {
    for (const bundle of this.#bundles.values()) this.#switch.openBundles.delete(bundle)
  }

  #features(xid: number): void {
    const start = beginMessage(this.#out, messageTypes.featuresReply, xid)
    this.#out.u64(datapathId).u32(0).u8(tableCount).zeros(11)
    endMessage(this.#out, start)
  }

  #modify(xid: number, modification: Modification): void {
    const error = refusalOnSight(modification) ?? this.#switch.commit([modification], this)?.error
    if (error !== undefined) encodeError(this.#out, xid, error)
  }

  #control({ xid, body }: Message): void {
    const id = body.u32()
    const request = body.u16()
    const error = this.#controlError(id, request)
    if (error !== undefined) {
      encodeError(this.#out, xid, error)
      return
    }
    const start = beginMessage(this.#out, messageTypes.bundleControl, xid)
    this.#out
      .u32(id)
      .u16(request + 1)
      .u16(bundleFlags)
    endMessage(this.#out, start)
  }

  #controlError(id: number, request: number): string | undefined {
    const bundle = this.#bundles.get(id)
    if (request === bundleControls.openRequest) {
      if (bundle !== undefined) return 'OFPBFC_BUNDLE_EXIST'
      const opened: Bundle = { closed: false, entries: [] }
      this.#bundles.set(id, opened)
      this.#switch.openBundles.add(opened)
      return undefined
    }
    if (bundle === undefined) return 'OFPBFC_BAD_ID'
    if (request === bundleControls.closeRequest) {
      bundle.closed = true
      return undefined
    }
    this.#bundles.delete(id)
    this.#switch.openBundles.delete(bundle)
    return request === bundleControls.commitRequest ? this.#commit(bundle) : undefined
  }

  #commit(bundle: Bundle): string | undefined {
    const refused = this.#switch.commit(
      bundle.entries.map(({ modification }) => modification),
      this,
    )
    if (refused === undefined) return undefined
    encodeError(this.#out, bundle.entries[refused.index]?.xid ?? 0, refused.error)
    return 'OFPBFC_MSG_FAILED'
  }

  /** A refused message is left out of the bundle; Open vSwitch would commit the rest. */
  #add({ version, xid, body }: Message): void {
    const bundle = this.#bundles.get(body.u32())
    const type = body.skip(4).skip(1).u8()
    const inner: Message = { version, type, xid: body.skip(2).u32(), body }
    if (bundle === undefined || bundle.closed) {
      encodeError(this.#out, xid, bundle === undefined ? 'OFPBFC_BAD_ID' : 'OFPBFC_BUNDLE_CLOSED')
      return
    }
    if (type === messageTypes.meterMod) {
      encodeError(this.#out, xid, 'OFPBFC_MSG_UNSUP')
      return
    }
    if (inner.xid !== xid) {
      encodeError(this.#out, xid, 'OFPBFC_MSG_BAD_XID')
      return
    }
    const modification = decodeModification(inner)
    const error = refusalOnSight(modification)
    if (error === undefined) bundle.entries.push({ xid, modification })
    else encodeError(this.#out, xid, error)
  }

  #multipart({ xid, body }: Message): void {
    const { type } = decodeMultipartHeader(body)
    switch (type) {
      case multipartTypes.flow:
        this.#reply(xid, type, this.#switch.tables.flows(decodeFlowFilter(body)), encodeFlowStats)
        return
      case multipartTypes.aggregate:
        this.#reply(xid, type, [this.#switch.tables.flows(decodeFlowFilter(body))], encodeAggregate)
        return
      case multipartTypes.flowMonitor:
        this.#switch.monitor(this, () => {
          this.#reply(0, type, [undefined], encodeFlowUpdate)
          this.#flush()
        })
        this.#reply(xid, type, [], encodeFlowUpdate)
        return
      case multipartTypes.groupDesc:
        this.#reply(xid, type, this.#switch.groups(), encodeGroupDesc)
        return
      case multipartTypes.meterConfig:
        this.#reply(xid, type, this.#switch.tables.meters(), encodeMeterConfig)
        return
      case multipartTypes.meterFeatures:
        this.#reply(xid, type, [{ maxMeter: this.#switch.maxMeter }], encodeMeterFeatures)
        return
      case multipartTypes.portDesc:
        this.#reply(xid, type, this.#switch.ports, encodePort)
        return
      default:
        encodeError(this.#out, xid, 'OFPBRC_BAD_STAT')
    }
  }

  #reply<T>(xid: number, type: number, entries: readonly T[], encode: (w: Writer, entry: T) => void): void {
    const part = new Writer(partBytes)
    for (const entry of entries) {
      if (part.length > partBytes) {
        encodeMultipartReply(this.#out, xid, type, true, part.view())
        part.reset()
      }
      encode(part, entry)
    }
    encodeMultipartReply(this.#out, xid, type, false, part.view())
  }

  #experimenter({ xid, body }: Message): void {
    const subtype = body.skip(4).u32()
    if (subtype === niciraMessages.ctFlush || subtype === niciraMessages.ctFlushZone) {
      this.#switch.flushedZones.push(decodeFlushedZone(subtype, body))
    } else if (subtype !== niciraMessages.setControllerId && subtype !== niciraMessages.setPacketInFormat) {
      encodeError(this.#out, xid, 'OFPBRC_BAD_SUBTYPE')
    }
  }
}
