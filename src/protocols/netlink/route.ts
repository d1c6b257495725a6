// Routes on the wire: rtmsg and its attributes (rtnetlink(7), linux/rtnetlink.h). Unicast routes are written; all are read.

import { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { parseAddressWithLength, scopeName } from './address.ts'
import { decodeIp, encodeIp, readAttributes, writeAttributes } from './attribute.ts'
import {
  addressFamily,
  type RouteType,
  routeAttributes,
  routeFlagOnLink,
  routeTable,
  routeTypes,
  type Scope,
  scopes,
} from './constants.ts'

export interface RouteInfo {
  readonly family: 4 | 6
  /** `address/length`; `0.0.0.0/0` and `::/0` are the default routes. */
  readonly destination: string
  /** The gateway; absent when the destination is on the link. */
  readonly via?: string
  /** 0 for routes over several devices and for routes that lead nowhere. */
  readonly deviceIndex: number
  /** Who made it: 2 kernel, 3 boot, 4 static, others by agreement. */
  readonly protocol: number
  readonly scope: Scope
  readonly type: RouteType
  readonly table: number
  readonly metric: number
  /** Preferred source address. */
  readonly source?: string
  readonly onLink: boolean
}

export interface RouteOptions {
  readonly destination: string
  readonly via?: string
  readonly deviceIndex: number
  readonly protocol: number
  /** Default: `link` for IPv4 without a gateway, else `global`. */
  readonly scope?: Scope
  readonly source?: string
  readonly metric?: number
  readonly table?: number
  /** The gateway is reachable on the device even when no prefix says so. */
  readonly onLink?: boolean
}

/** Which routes a dump shall contain; needs the strict checks of the socket to be on. */
export interface RouteFilter {
  readonly table?: number
  readonly protocol?: number
}

const headerLength = 12
const unicast = 1

/** Body of RTM_NEWROUTE and RTM_DELROUTE. */
export function encodeRoute(options: RouteOptions): Buffer {
  const { bytes, prefixLength } = parseAddressWithLength(options.destination)
  const v4 = bytes.length === 4
  const scope = options.scope ?? (v4 && options.via === undefined ? 'link' : 'global')
  const table = options.table ?? routeTable.main
  const writer = new Writer(128)
    .u8(v4 ? addressFamily.inet : addressFamily.inet6)
    .u8(prefixLength)
    .u8(0)
    .u8(0)
    .u8(table > 255 ? 0 : table)
    .u8(options.protocol)
    .u8(scopes[scope])
    .u8(unicast)
    .u32le(options.onLink === true ? routeFlagOnLink : 0)
  const via = options.via === undefined ? undefined : encodeIp(options.via)
  const sameFamily = via === undefined || via.length === bytes.length
  return writeAttributes(writer, routeAttributes, {
    destination: prefixLength === 0 ? undefined : decodeIp(maskHostBits(bytes, prefixLength), 'destination'),
    gateway: sameFamily ? options.via : undefined,
    via: via === undefined || sameFamily ? undefined : encodeVia(via),
    device: options.deviceIndex === 0 ? undefined : options.deviceIndex,
    metric: options.metric,
    source: options.source,
    table: table > 255 ? table : undefined,
  }).take()
}

/** The kernel refuses a destination with host bits. */
function maskHostBits(bytes: Buffer, prefixLength: number): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - index * 8)))))
}

function encodeVia(address: Buffer): Buffer {
  const family = address.length === 4 ? addressFamily.inet : addressFamily.inet6
  return new Writer(18).u16le(family).bytes(address).take()
}

/** Body of RTM_GETROUTE for a dump of one family. */
export function encodeRouteQuery(family: 4 | 6, filter: RouteFilter): Buffer {
  const table = filter.table ?? 0
  const writer = new Writer(32)
    .u8(family === 4 ? addressFamily.inet : addressFamily.inet6)
    .zeros(3)
    .u8(table > 255 ? 0 : table)
    .u8(filter.protocol ?? 0)
    .zeros(2)
    .u32le(0)
  return writeAttributes(writer, routeAttributes, { table: table > 255 ? table : undefined }).take()
}

/** Reads the body of RTM_NEWROUTE or RTM_DELROUTE; undefined for families other than IPv4 and IPv6. */
export function decodeRoute(body: Buffer): RouteInfo | undefined {
  const header = new Reader(body, 0, headerLength)
  const family = header.u8()
  const prefixLength = header.u8()
  header.skip(2)
  const table = header.u8()
  const protocol = header.u8()
  const scope = scopeName(header.u8())
  const type = routeTypes[header.u8()] ?? 'other'
  const flags = header.u32le()
  if (family !== addressFamily.inet && family !== addressFamily.inet6) return undefined
  const values = readAttributes(new Reader(body, headerLength), routeAttributes)
  const base = values.destination ?? (family === addressFamily.inet ? '0.0.0.0' : '::')
  const via = values.gateway ?? (values.via === undefined ? undefined : decodeVia(values.via))
  return {
    family: family === addressFamily.inet ? 4 : 6,
    destination: `${base}/${prefixLength}`,
    ...(via === undefined ? {} : { via }),
    deviceIndex: values.device ?? 0,
    protocol,
    scope,
    type,
    table: values.table ?? table,
    metric: values.metric ?? 0,
    ...(values.source === undefined ? {} : { source: values.source }),
    onLink: (flags & routeFlagOnLink) !== 0,
  }
}

function decodeVia(bytes: Buffer): string {
  if (bytes.length < 2) throw new NetpluginError('protocol', 'BAD_ATTRIBUTE', 'a netlink gateway ends after one byte')
  return decodeIp(bytes.subarray(2), 'via')
}
