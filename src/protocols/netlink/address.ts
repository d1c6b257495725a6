// Addresses of links on the wire: ifaddrmsg and its attributes (rtnetlink(7), linux/if_addr.h).

import { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { decodeIp, encodeIp, readAttributes, writeAttributes } from './attribute.ts'
import { addressAttributes, addressFamily, addressFlag, type Scope, scopes } from './constants.ts'

export interface AddressInfo {
  /** Index of the link. */
  readonly index: number
  readonly family: 4 | 6
  readonly address: string
  readonly prefixLength: number
  /** `address/prefixLength`. */
  readonly cidr: string
  readonly scope: Scope
  /** Duplicate address detection still runs, or has found a duplicate: the address is not usable. */
  readonly tentative: boolean
  readonly duplicate: boolean
  readonly noPrefixRoute: boolean
}

export interface AddressOptions {
  /** IPv6: usable at once, without duplicate address detection. */
  readonly nodad?: boolean
  /** Without the route of the prefix to the device. */
  readonly noprefixroute?: boolean
}

const headerLength = 8

export interface AddressWithLength {
  /** 4 or 16 bytes. */
  readonly bytes: Buffer
  readonly prefixLength: number
}

/** `address/length` with its host bits kept; without a length the whole address. Throws `invalid`. */
export function parseAddressWithLength(text: string): AddressWithLength {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text)
  const bytes = encodeIp(match?.[1] ?? text)
  const prefixLength = match?.[2] === undefined ? bytes.length * 8 : Number(match[2])
  if (prefixLength > bytes.length * 8) {
    throw new NetpluginError('invalid', 'BAD_PREFIX', `'${text}' has a prefix longer than its address`)
  }
  return { bytes, prefixLength }
}

/** Body of RTM_NEWADDR and RTM_DELADDR. */
export function encodeAddress(index: number, cidr: string, options: AddressOptions): Buffer {
  const { bytes, prefixLength } = parseAddressWithLength(cidr)
  const family = bytes.length === 4 ? addressFamily.inet : addressFamily.inet6
  const flags =
    (options.nodad === true ? addressFlag.noDad : 0) | (options.noprefixroute === true ? addressFlag.noPrefixRoute : 0)
  const scope = addressScope(bytes)
  const writer = new Writer(64)
    .u8(family)
    .u8(prefixLength)
    .u8(flags & 0xff)
    .u8(scopes[scope])
    .u32le(index)
  const address = decodeIp(bytes, 'local')
  return writeAttributes(writer, addressAttributes, {
    local: address,
    address,
    flags: flags > 0xff ? flags : undefined,
  }).take()
}

/** Loopback addresses have the scope `host`; the kernel works IPv6 scopes out by itself. */
function addressScope(bytes: Buffer): Scope {
  return bytes.length === 4 && bytes[0] === 127 ? 'host' : 'global'
}

/** Body of RTM_GETADDR that asks for all addresses, or with an index for those of one link. */
export function encodeAddressQuery(index = 0): Buffer {
  return new Writer(8).zeros(4).u32le(index).take()
}

/** Reads the body of RTM_NEWADDR or RTM_DELADDR; undefined for families other than IPv4 and IPv6. */
export function decodeAddress(body: Buffer): AddressInfo | undefined {
  const header = new Reader(body, 0, headerLength)
  const family = header.u8()
  const prefixLength = header.u8()
  const headerFlags = header.u8()
  const scope = scopeName(header.u8())
  const index = header.u32le()
  if (family !== addressFamily.inet && family !== addressFamily.inet6) return undefined
  const values = readAttributes(new Reader(body, headerLength), addressAttributes)
  // On point-to-point links `address` is the far end; `local` is always ours. IPv6 sends `address` only.
  const address = values.local ?? values.address
  if (address === undefined) {
    throw new NetpluginError('protocol', 'BAD_MESSAGE', 'a netlink address message carries no address')
  }
  const flags = values.flags ?? headerFlags
  return {
    index,
    family: family === addressFamily.inet ? 4 : 6,
    address,
    prefixLength,
    cidr: `${address}/${prefixLength}`,
    scope,
    tentative: (flags & addressFlag.tentative) !== 0,
    duplicate: (flags & addressFlag.dadFailed) !== 0,
    noPrefixRoute: (flags & addressFlag.noPrefixRoute) !== 0,
  }
}

/** Scopes without a name of their own lie between `global` and `link`; they count as `site`. */
export function scopeName(value: number): Scope {
  for (const [name, number] of Object.entries(scopes)) {
    if (number === value && isScope(name)) return name
  }
  return 'site'
}

function isScope(name: string): name is Scope {
  return name in scopes
}
