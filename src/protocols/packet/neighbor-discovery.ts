// Messages of IPv6 neighbor discovery, after their type, code and checksum (RFC 4861 sections 4.1 to 4.4 and 4.6).

import { type Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { ipv6ToBytes, macToBytes, readIpv6, readMac } from './address-bytes.ts'
import type {
  NdOption,
  NeighborAdvertisement,
  NeighborSolicitation,
  RouterAdvertisement,
  RouterSolicitation,
} from './layers.ts'

export type NdMessage = NeighborSolicitation | NeighborAdvertisement | RouterSolicitation | RouterAdvertisement

/** ICMPv6 types. */
export const ndTypes = {
  'router-solicitation': 133,
  'router-advertisement': 134,
  'neighbor-solicitation': 135,
  'neighbor-advertisement': 136,
} as const

const flag = { router: 0x80, solicited: 0x40, override: 0x20, onLink: 0x80, autonomous: 0x40 } as const

/** Undefined when the type is another's. */
export function readNdMessage(type: number, reader: Reader): NdMessage | undefined {
  switch (type) {
    case ndTypes['router-solicitation']:
      reader.skip(4)
      return { kind: 'router-solicitation', options: readOptions(reader) }
    case ndTypes['router-advertisement']:
      return {
        kind: 'router-advertisement',
        hopLimit: reader.u8(),
        flags: reader.u8(),
        lifetimeSeconds: reader.u16(),
        reachableMs: reader.u32(),
        retransmitMs: reader.u32(),
        options: readOptions(reader),
      }
    case ndTypes['neighbor-solicitation']:
      reader.skip(4)
      return { kind: 'neighbor-solicitation', target: readIpv6(reader), options: readOptions(reader) }
    case ndTypes['neighbor-advertisement']: {
      const flags = reader.u8()
      reader.skip(3)
      return {
        kind: 'neighbor-advertisement',
        target: readIpv6(reader),
        router: (flags & flag.router) !== 0,
        solicited: (flags & flag.solicited) !== 0,
        override: (flags & flag.override) !== 0,
        options: readOptions(reader),
      }
    }
    default:
      return undefined
  }
}

export function ndMessageBytes(message: NdMessage): Buffer {
  const writer = new Writer()
  switch (message.kind) {
    case 'router-solicitation':
      writer.u32(0)
      break
    case 'router-advertisement':
      writer.u8(message.hopLimit).u8(message.flags).u16(message.lifetimeSeconds)
      writer.u32(message.reachableMs).u32(message.retransmitMs)
      break
    case 'neighbor-solicitation':
      writer.u32(0).bytes(ipv6ToBytes(message.target))
      break
    case 'neighbor-advertisement':
      writer.u8(
        (message.router ? flag.router : 0) |
          (message.solicited ? flag.solicited : 0) |
          (message.override ? flag.override : 0),
      )
      writer.zeros(3).bytes(ipv6ToBytes(message.target))
      break
  }
  for (const option of message.options) writeOption(writer, option)
  return writer.take()
}

const optionTypes = { sourceLinkAddress: 1, targetLinkAddress: 2, prefix: 3, mtu: 5 } as const

function readOptions(reader: Reader): readonly NdOption[] {
  const options: NdOption[] = []
  while (reader.remaining > 0) {
    const type = reader.u8()
    const units = reader.u8()
    if (units === 0) throw new NetpluginError('protocol', 'BAD_OPTION', 'a neighbor discovery option has no length')
    options.push(readOption(type, reader.sub(units * 8 - 2)))
  }
  return options
}

function readOption(type: number, reader: Reader): NdOption {
  const length = reader.remaining + 2
  if (type === optionTypes.sourceLinkAddress && length === 8) {
    return { kind: 'source-link-address', mac: readMac(reader) }
  }
  if (type === optionTypes.targetLinkAddress && length === 8) {
    return { kind: 'target-link-address', mac: readMac(reader) }
  }
  if (type === optionTypes.mtu && length === 8) return { kind: 'mtu', mtu: reader.skip(2).u32() }
  if (type === optionTypes.prefix && length === 32) {
    const prefixLength = reader.u8()
    const flags = reader.u8()
    return {
      kind: 'prefix',
      length: prefixLength,
      onLink: (flags & flag.onLink) !== 0,
      autonomous: (flags & flag.autonomous) !== 0,
      validSeconds: reader.u32(),
      preferredSeconds: reader.u32(),
      prefix: readIpv6(reader.skip(4)),
    }
  }
  return { kind: 'other', type, body: Buffer.from(reader.bytes(reader.remaining)) }
}

function writeOption(writer: Writer, option: NdOption): void {
  switch (option.kind) {
    case 'source-link-address':
      writer.u8(optionTypes.sourceLinkAddress).u8(1).bytes(macToBytes(option.mac))
      return
    case 'target-link-address':
      writer.u8(optionTypes.targetLinkAddress).u8(1).bytes(macToBytes(option.mac))
      return
    case 'mtu':
      writer.u8(optionTypes.mtu).u8(1).u16(0).u32(option.mtu)
      return
    case 'prefix':
      writer.u8(optionTypes.prefix).u8(4).u8(option.length)
      writer.u8((option.onLink ? flag.onLink : 0) | (option.autonomous ? flag.autonomous : 0))
      writer.u32(option.validSeconds).u32(option.preferredSeconds).u32(0).bytes(ipv6ToBytes(option.prefix))
      return
    case 'other': {
      const units = Math.ceil((option.body.length + 2) / 8)
      const start = writer.length
      writer.u8(option.type).u8(units).bytes(option.body).align(8, start)
      return
    }
  }
}
