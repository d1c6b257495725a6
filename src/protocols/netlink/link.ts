// Links (network devices) on the wire: ifinfomsg and its attributes (rtnetlink(7), linux/if_link.h).

import { Reader, Writer } from '../../lib/bytes.ts'
import { attributeBytes, readAttributes, writeAttributes } from './attribute.ts'
import {
  linkAttributes,
  linkFlag,
  linkInfoAttributes,
  macvlanAttributes,
  macvlanMode,
  skipStatistics,
  vethAttributes,
} from './constants.ts'

export interface LinkInfo {
  readonly index: number
  readonly name: string
  /** `veth`, `bridge`, `tun`, `vxlan`, `openvswitch` …; empty for plain devices. */
  readonly kind: string
  /** Empty when the device has no hardware address. */
  readonly mac: string
  readonly mtu: number
  readonly up: boolean
  readonly carrier: boolean
  readonly alias: string
  /** Group number of the device; 0 unless somebody set one. */
  readonly group: number
  /** Index of the bridge or bond it belongs to; 0 = none. */
  readonly masterIndex: number
  /** Index of the other end (veth) or of the device below. */
  readonly peerIndex?: number
  /** How many want all that passes, besides programs; absent: nobody does. */
  readonly promiscuity?: number
  /** Present when the peer is in another network namespace: the kernel's id of that namespace. */
  readonly peerNetnsId?: number
}

export interface LinkChange {
  readonly up?: boolean
  /** False: the kernel neither asks nor answers with ARP on it. */
  readonly arp?: boolean
  readonly mtu?: number
  readonly mac?: string
  readonly name?: string
  readonly alias?: string
  readonly group?: number
  /** Descriptor of the namespace to move the link to: costs about 20 ms. */
  readonly namespaceFd?: number
  /** 0 takes the link out of its bridge. */
  readonly masterIndex?: number
}

export interface VethOptions {
  readonly name: string
  readonly mac?: string
  readonly mtu?: number
  readonly group?: number
  readonly up?: boolean
  readonly peer: {
    readonly name: string
    readonly mac?: string
    readonly mtu?: number
    /** Descriptor of the namespace in which the peer is born. */
    readonly namespaceFd?: number
  }
}

export interface MacvlanOptions {
  readonly name: string
  readonly mtu?: number
  /** Index, in the namespace of the connection, of the device below: all that it receives is the macvlan's. */
  readonly lowerIndex: number
  /** Descriptor of the namespace in which the macvlan is born. */
  readonly namespaceFd: number
}

const headerLength = 16

function writeHeader(writer: Writer, index: number, flags: number, change: number): Writer {
  return writer.zeros(4).u32le(index).u32le(flags).u32le(change)
}

/** How a message names an existing link. A link cannot be renamed by its name: the name would be the new one. */
export type LinkKey = { readonly index: number } | { readonly name: string }

/** Body of RTM_NEWLINK for an existing link, or of RTM_DELLINK. */
export function encodeLinkChange(key: LinkKey, change: LinkChange): Buffer {
  const writer = new Writer(128)
  const index = 'index' in key ? key.index : 0
  const flags = (change.up === true ? linkFlag.up : 0) | (change.arp === false ? linkFlag.noArp : 0)
  const mask = (change.up === undefined ? 0 : linkFlag.up) | (change.arp === undefined ? 0 : linkFlag.noArp)
  writeHeader(writer, index, flags, mask)
  return writeAttributes(writer, linkAttributes, {
    address: change.mac,
    mtu: change.mtu,
    name: 'name' in key ? key.name : change.name,
    alias: change.alias,
    group: change.group,
    master: change.masterIndex,
    namespaceFd: change.namespaceFd,
  }).take()
}

/** Body of RTM_GETLINK; without a key, for a dump. */
export function encodeLinkQuery(key?: LinkKey): Buffer {
  const index = key !== undefined && 'index' in key ? key.index : 0
  const name = key !== undefined && 'name' in key ? key.name : undefined
  const writer = writeHeader(new Writer(64), index, 0, 0)
  return writeAttributes(writer, linkAttributes, { name, extendedMask: skipStatistics }).take()
}

/** Body of RTM_NEWLINK that makes both ends of a veth pair. The peer is born down: the kernel refuses it otherwise. */
export function encodeVeth(options: VethOptions): Buffer {
  const { peer } = options
  const up = options.up === true ? linkFlag.up : 0
  const peerBody = writeAttributes(writeHeader(new Writer(128), 0, 0, 0), linkAttributes, {
    address: peer.mac,
    mtu: peer.mtu,
    name: peer.name,
    namespaceFd: peer.namespaceFd,
  }).take()
  const data = attributeBytes(vethAttributes, { peer: peerBody })
  return writeAttributes(writeHeader(new Writer(256), 0, up, up), linkAttributes, {
    address: options.mac,
    mtu: options.mtu,
    name: options.name,
    group: options.group,
    linkInfo: attributeBytes(linkInfoAttributes, { kind: 'veth', data }),
  }).take()
}

/** Body of RTM_NEWLINK for a device that needs nothing but its kind, such as `bridge` or `dummy`. */
export function encodeNewLink(kind: string, options: LinkChange & { readonly name: string }): Buffer {
  const up = options.up === true ? linkFlag.up : 0
  return writeAttributes(writeHeader(new Writer(128), 0, up, up), linkAttributes, {
    address: options.mac,
    mtu: options.mtu,
    name: options.name,
    group: options.group,
    master: options.masterIndex,
    linkInfo: attributeBytes(linkInfoAttributes, { kind }),
  }).take()
}

/** Body of RTM_NEWLINK that makes a macvlan, up, with the MAC of the device below and nobody beside it. */
export function encodeMacvlan({ name, mtu, lowerIndex, namespaceFd }: MacvlanOptions): Buffer {
  const data = attributeBytes(macvlanAttributes, { mode: macvlanMode.passthru })
  return writeAttributes(writeHeader(new Writer(128), 0, linkFlag.up, linkFlag.up), linkAttributes, {
    mtu,
    name,
    peer: lowerIndex,
    namespaceFd,
    linkInfo: attributeBytes(linkInfoAttributes, { kind: 'macvlan', data }),
  }).take()
}

/** Reads the body of RTM_NEWLINK or RTM_DELLINK. */
export function decodeLink(body: Buffer): LinkInfo {
  const header = new Reader(body, 0, headerLength).skip(4)
  const index = header.i32le()
  const flags = header.u32le()
  header.u32le()
  const values = readAttributes(new Reader(body, headerLength), linkAttributes)
  const kind =
    values.linkInfo === undefined ? '' : (readAttributes(new Reader(values.linkInfo), linkInfoAttributes).kind ?? '')
  return {
    index,
    name: values.name ?? '',
    kind,
    mac: values.address ?? '',
    mtu: values.mtu ?? 0,
    up: (flags & linkFlag.up) !== 0,
    carrier: values.carrier === undefined ? (flags & linkFlag.lowerUp) !== 0 : values.carrier !== 0,
    alias: values.alias ?? '',
    group: values.group ?? 0,
    masterIndex: values.master ?? 0,
    ...(values.peer === undefined ? {} : { peerIndex: values.peer }),
    ...(values.promiscuity === undefined || values.promiscuity === 0 ? {} : { promiscuity: values.promiscuity }),
    ...(values.peerNamespace === undefined ? {} : { peerNetnsId: values.peerNamespace }),
  }
}

/** The other end as a veth request names it: reads back what `encodeVeth` wrote. */
export function decodeVethPeer(body: Buffer): LinkInfo | undefined {
  const values = readAttributes(new Reader(body, headerLength), linkAttributes)
  if (values.linkInfo === undefined) return undefined
  const { data } = readAttributes(new Reader(values.linkInfo), linkInfoAttributes)
  if (data === undefined) return undefined
  const { peer } = readAttributes(new Reader(data), vethAttributes)
  return peer === undefined ? undefined : decodeLink(peer)
}
