// Port numbers that mean something else than a port (OpenFlow 1.4.1 section 7.2.1), and ports as the switch lists them.

import { formatMac, macBytes } from '../../lib/address.ts'
import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'

export const reservedPorts = {
  in_port: 0xfffffff8,
  normal: 0xfffffffa,
  flood: 0xfffffffb,
  all: 0xfffffffc,
  controller: 0xfffffffd,
  local: 0xfffffffe,
} as const

export type ReservedPort = keyof typeof reservedPorts

/** OFPP_ANY: no port named. */
export const anyPort = 0xffffffff
const reservedFrom = 0xffffff00

export function portNumber(port: number | ReservedPort): number {
  return typeof port === 'number' ? port : reservedPorts[port]
}

/** The name of a reserved port, or the number itself. */
export function portOfNumber(number: number): number | ReservedPort {
  for (const [name, value] of Object.entries(reservedPorts)) {
    if (value === number) return name as ReservedPort
  }
  return number
}

/** The 16 bit form of OpenFlow 1.0, which the Nicira actions kept. */
export function shortPort(number: number): number {
  if (number < 0xff00) return number
  if (number >= reservedFrom && number <= anyPort) return number & 0xffff
  throw new NetpluginError('invalid', 'OPENFLOW_PORT', `port ${number} does not fit 16 bits; use a port below 65280`)
}

export function portOfShort(number: number): number {
  return number >= 0xff00 ? (number | 0xffff0000) >>> 0 : number
}

/** A port of the bridge as the switch describes it. */
export interface PortDesc {
  readonly port: number
  readonly name: string
  readonly mac: string
  /** Somebody turned the port off. */
  readonly adminDown: boolean
  /** The port has no carrier. */
  readonly linkDown: boolean
  readonly config: number
  readonly state: number
}

const portDown = 1
const linkDown = 1

/** Reads one `ofp_port`. */
export function decodePort(r: Reader): PortDesc {
  const port = r.u32()
  const length = r.u16()
  if (length < 40) throw new NetpluginError('protocol', 'PORT_LENGTH', `port description of ${length} bytes`)
  const body = r.skip(2).sub(length - 8)
  const mac = formatMac(body.u16() * 2 ** 32 + body.u32())
  const name = body.skip(2).bytes(16).toString('latin1')
  const end = name.indexOf('\0')
  const config = body.u32()
  const state = body.u32()
  return {
    port,
    name: end < 0 ? name : name.slice(0, end),
    mac,
    adminDown: (config & portDown) !== 0,
    linkDown: (state & linkDown) !== 0,
    config,
    state,
  }
}

/** Appends one `ofp_port` whose link is up: for a switch. */
export function encodePort(w: Writer, port: Pick<PortDesc, 'port' | 'name' | 'mac'>): void {
  w.u32(port.port).u16(40).zeros(2).bytes(macBytes(port.mac)).zeros(2)
  w.ascii(port.name.slice(0, 15).padEnd(16, '\0')).u32(0).u32(0)
}
