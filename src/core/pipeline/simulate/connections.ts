// A small connection tracker: zones, new / established / reply, and address translation with ports kept where possible
// (ovs-actions(7), "ct"). It forgets nothing and knows no windows, fragments or related connections.

import type { Conntrack, FieldName } from '../../../protocols/openflow/index.ts'
import { ctState, fieldNamed, valueBits } from '../../../protocols/openflow/index.ts'
import type { Fields } from './packet.ts'

interface Side {
  readonly address: bigint
  readonly port: bigint
}

interface Tuple {
  readonly ethType: bigint
  readonly protocol: bigint
  readonly source: Side
  readonly destination: Side
}

interface Connection {
  readonly original: Tuple
  /** As the answers come: after translation. */
  readonly reply: Tuple
  /** `ct_state` bit of its translation, 0 without. */
  readonly translated: number
  answered: boolean
  mark: bigint
  label: bigint
}

interface Found {
  readonly connection: Connection
  readonly isReply: boolean
}

export class Connections {
  readonly #byTuple = new Map<string, Found>()

  /**
   * Tracks a packet as `ct` would: sets its `ct_*` fields, remembers it when it is to be committed, and translates its
   * addresses. `exec` runs on the packet's fields once the connection is known, to set mark and label.
   */
  track(fields: Fields, zone: number, ct: Conntrack, exec: () => void): void {
    const tuple = tupleOf(fields)
    const translated = fields.get('ct_zone') === BigInt(zone) ? Number(fields.get('ct_state') ?? 0n) & anyNat : 0
    fields.set('ct_zone', BigInt(zone))
    if (tuple === undefined) {
      fields.set('ct_state', BigInt(ctState.trk | ctState.inv))
      return
    }
    let found = this.#find(zone, tuple, translated !== 0)
    if (found?.isReply === true && ct.commit === true && ct.force === true) {
      this.#forget(zone, found.connection)
      found = undefined
    }
    const isNew = found === undefined
    // The answer to a question that nobody heard opens nothing.
    if (isNew && isSynAck(fields)) {
      fields.set('ct_state', BigInt(ctState.trk | ctState.inv))
      return
    }
    if (found?.isReply === true) found.connection.answered = true
    if (isNew && ct.commit === true) found = this.#commit(zone, tuple, ct)
    fields.set('ct_state', BigInt(stateOf(found, isNew, ct) | translated))
    fields.set('ct_mark', found?.connection.mark ?? 0n)
    fields.set('ct_label', found?.connection.label ?? 0n)
    if (found === undefined) return
    if (ct.commit === true) {
      exec()
      found.connection.mark = fields.get('ct_mark') ?? 0n
      found.connection.label = fields.get('ct_label') ?? 0n
    }
    if (ct.nat !== undefined && translated === 0 && found.connection.translated !== 0) translate(fields, found)
  }

  /** A packet that was translated already is of the connection in which the other side would be the sender. */
  #find(zone: number, tuple: Tuple, isTranslated: boolean): Found | undefined {
    if (!isTranslated) return this.#byTuple.get(key(zone, tuple))
    const other = this.#byTuple.get(key(zone, reversed(tuple)))
    return other && { connection: other.connection, isReply: !other.isReply }
  }

  /** undefined when the translation has no free tuple left: the packet then goes on as it is. */
  #commit(zone: number, original: Tuple, ct: Conntrack): Found | undefined {
    for (const reply of replies(original, ct)) {
      if (this.#byTuple.has(key(zone, reply))) continue
      const translated = typeof ct.nat === 'object' ? (ct.nat.kind === 'src' ? ctState.snat : ctState.dnat) : 0
      const connection = { original, reply, translated, answered: false, mark: 0n, label: 0n }
      const found = { connection, isReply: false }
      this.#byTuple.set(key(zone, original), found)
      this.#byTuple.set(key(zone, reply), { connection, isReply: true })
      return found
    }
    return undefined
  }

  forgetAll(): void {
    this.#byTuple.clear()
  }

  #forget(zone: number, { original, reply }: Connection): void {
    this.#byTuple.delete(key(zone, original))
    this.#byTuple.delete(key(zone, reply))
  }
}

const anyNat = ctState.snat | ctState.dnat

function stateOf(found: Found | undefined, isNew: boolean, ct: Conntrack): number {
  if (found === undefined || isNew) return ctState.trk | ctState.new | (ct.nat === undefined ? 0 : translation(found))
  const state = found.connection.answered ? ctState.est : ctState.new
  return ctState.trk | state | (found.isReply ? ctState.rpl : 0) | (ct.nat === undefined ? 0 : translation(found))
}

function translation(found: Found | undefined): number {
  return found?.connection.translated ?? 0
}

/**
 * What answers may look like, in the order they are tried: the addresses and ports asked for, then, unless the source's
 * ports were asked for, other ports for the source, counting up from its own.
 */
function* replies(original: Tuple, ct: Conntrack): Generator<Tuple> {
  const { nat } = ct
  if (typeof nat !== 'object') {
    yield reversed(original)
    return
  }
  const own = nat.kind === 'src' ? original.source : original.destination
  const first = address(nat.min)
  const last = nat.max === undefined ? first : address(nat.max)
  const ports = nat.portMin === undefined ? [own.port] : portRange(nat.portMin, nat.portMax ?? nat.portMin)
  let reply = reversed(original)
  for (const port of ports) {
    for (let at = first; at <= last; at++) {
      reply = replyTo(original, nat.kind, { address: at, port })
      yield reply
    }
  }
  if (original.source.port === 0n || (nat.kind === 'src' && nat.portMin !== undefined)) return
  for (const port of otherPorts(Number(original.source.port))) {
    yield { ...reply, destination: { ...reply.destination, port } }
  }
}

function replyTo(original: Tuple, kind: 'src' | 'dst', instead: Side): Tuple {
  const reply = reversed(original)
  return kind === 'src' ? { ...reply, destination: instead } : { ...reply, source: instead }
}

function* portRange(first: number, last: number): Generator<bigint> {
  for (let port = first; port <= last; port++) yield BigInt(port)
}

function* otherPorts(own: number): Generator<bigint> {
  yield* portRange(own + 1, 65535)
  yield* portRange(1024, own - 1)
}

function reversed({ ethType, protocol, source, destination }: Tuple): Tuple {
  return { ethType, protocol, source: destination, destination: source }
}

function address(text: string): bigint {
  return valueBits(fieldNamed(text.includes(':') ? 'ipv6_src' : 'ipv4_src'), text)
}

function key(zone: number, { ethType, protocol, source, destination }: Tuple): string {
  return `${zone} ${ethType} ${protocol} ${source.address}:${source.port} ${destination.address}:${destination.port}`
}

interface TupleFields {
  readonly source: FieldName
  readonly destination: FieldName
  readonly sourcePort: FieldName | undefined
  readonly destinationPort: FieldName | undefined
}

const echoTypes: ReadonlySet<bigint> = new Set([0n, 8n, 128n, 129n])

/** Which fields make up the tuple; undefined for what is not tracked. */
function tupleFields(fields: Fields): TupleFields | undefined {
  const ethType = fields.get('eth_type')
  if (ethType !== 0x0800n && ethType !== 0x86ddn) return undefined
  const addresses =
    ethType === 0x0800n
      ? ({ source: 'ipv4_src', destination: 'ipv4_dst' } as const)
      : ({ source: 'ipv6_src', destination: 'ipv6_dst' } as const)
  switch (fields.get('ip_proto')) {
    case 6n:
      return { ...addresses, sourcePort: 'tcp_src', destinationPort: 'tcp_dst' }
    case 17n:
      return { ...addresses, sourcePort: 'udp_src', destinationPort: 'udp_dst' }
    case 1n:
    case 58n: {
      const type = fields.get(ethType === 0x0800n ? 'icmpv4_type' : 'icmpv6_type') ?? 0n
      // An echo and its answer are one conversation; packets carry no echo identifier here.
      return echoTypes.has(type) ? { ...addresses, sourcePort: undefined, destinationPort: undefined } : undefined
    }
    default:
      // Of SCTP too the userspace datapath of Open vSwitch 3.1 knows the addresses only.
      return { ...addresses, sourcePort: undefined, destinationPort: undefined }
  }
}

function isSynAck(fields: Fields): boolean {
  return fields.get('ip_proto') === 6n && ((fields.get('tcp_flags') ?? 0n) & 0x12n) === 0x12n
}

function tupleOf(fields: Fields): Tuple | undefined {
  const names = tupleFields(fields)
  if (names === undefined) return undefined
  const side = (address: FieldName, port: FieldName | undefined): Side => ({
    address: fields.get(address) ?? 0n,
    port: port === undefined ? 0n : (fields.get(port) ?? 0n),
  })
  return {
    ethType: fields.get('eth_type') ?? 0n,
    protocol: fields.get('ip_proto') ?? 0n,
    source: side(names.source, names.sourcePort),
    destination: side(names.destination, names.destinationPort),
  }
}

/** The packet as the other direction expects it. */
function translate(fields: Fields, { connection, isReply }: Found): void {
  const names = tupleFields(fields)
  if (names === undefined) return
  const { source, destination } = reversed(isReply ? connection.original : connection.reply)
  fields.set(names.source, source.address)
  fields.set(names.destination, destination.address)
  if (names.sourcePort !== undefined) fields.set(names.sourcePort, source.port)
  if (names.destinationPort !== undefined) fields.set(names.destinationPort, destination.port)
}
