// Neighbours, addresses on a link with their MACs, on the wire: ndmsg and its attributes (rtnetlink(7), linux/neighbour.h).

import { Reader, Writer } from '../../lib/bytes.ts'
import { encodeIp, readAttributes, writeAttributes } from './attribute.ts'
import { addressFamily, neighbourAttributes, neighbourState } from './constants.ts'

export interface NeighbourInfo {
  /** Index of the link. */
  readonly index: number
  readonly address: string
  /** Undefined while the kernel does not know it. */
  readonly mac: string | undefined
  /** Set by hand or needing no question: the kernel did not learn it and would not learn it again. */
  readonly fixed: boolean
}

const headerLength = 12

/** Body of RTM_GETNEIGH that asks for all IPv4 neighbours. */
export function encodeNeighbourQuery(): Buffer {
  return new Writer(headerLength)
    .u8(addressFamily.inet)
    .zeros(headerLength - 1)
    .take()
}

/** Body of RTM_DELNEIGH. */
export function encodeNeighbour(index: number, address: string): Buffer {
  const family = encodeIp(address).length === 4 ? addressFamily.inet : addressFamily.inet6
  const writer = new Writer(40).u8(family).zeros(3).u32le(index).zeros(4)
  return writeAttributes(writer, neighbourAttributes, { address, mac: undefined }).take()
}

/** Reads the body of RTM_NEWNEIGH; undefined for what has no address (bridge entries). */
export function decodeNeighbour(body: Buffer): NeighbourInfo | undefined {
  const header = new Reader(body, 0, headerLength)
  const family = header.u8()
  header.skip(3)
  const index = header.u32le()
  const state = header.u16le()
  if (family !== addressFamily.inet && family !== addressFamily.inet6) return undefined
  const { address, mac } = readAttributes(new Reader(body, headerLength), neighbourAttributes)
  if (address === undefined) return undefined
  return { index, address, mac, fixed: (state & (neighbourState.permanent | neighbourState.noArp)) !== 0 }
}
