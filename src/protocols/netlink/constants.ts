// The numbers of the Linux user-space interface that this library uses, by name: linux/netlink.h, linux/rtnetlink.h,
// linux/if_link.h, linux/if_addr.h, linux/genetlink.h, linux/ethtool.h, asm-generic/socket.h. They are equal on x86-64
// and arm64.

export const protocolNumber = { route: 0, generic: 16 } as const
export type NetlinkProtocol = keyof typeof protocolNumber

export const messageType = {
  error: 2,
  done: 3,
  overrun: 4,
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  delNeighbour: 29,
  getNeighbour: 30,
  genericControl: 16,
} as const

/** `nlmsg_flags`. The meaning of the upper bits depends on the message: request, dump or acknowledgement. */
export const messageFlag = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  /** The state changed while it was dumped: the dump is inconsistent and must be repeated. */
  dumpInterrupted: 0x10,
  /** Dump requests. */
  dump: 0x300,
  /** Create requests. */
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** Acknowledgements: the request's payload was left out; attributes follow. */
  capped: 0x100,
  ackAttributes: 0x200,
} as const

/** Attributes of an extended acknowledgement. */
export const ackAttributes = {
  message: { type: 1, form: 'text' },
  offset: { type: 2, form: 'u32' },
} as const

export const addressFamily = { unspecified: 0, inet: 2, netlink: 16, inet6: 10 } as const

export const linkFlag = { up: 0x1, loopback: 0x8, running: 0x40, noArp: 0x80, lowerUp: 0x10000 } as const

export const linkAttributes = {
  address: { type: 1, form: 'mac' },
  name: { type: 3, form: 'text' },
  mtu: { type: 4, form: 'u32' },
  peer: { type: 5, form: 'u32' },
  master: { type: 10, form: 'u32' },
  linkInfo: { type: 18, form: 'bytes' },
  alias: { type: 20, form: 'chars' },
  group: { type: 27, form: 'u32' },
  namespaceFd: { type: 28, form: 'u32' },
  extendedMask: { type: 29, form: 'u32' },
  promiscuity: { type: 30, form: 'u32' },
  carrier: { type: 33, form: 'u8' },
  peerNamespace: { type: 37, form: 'i32' },
} as const

export const linkInfoAttributes = {
  kind: { type: 1, form: 'chars' },
  data: { type: 2, form: 'bytes' },
} as const

/** Data of the kind `veth`: an ifinfomsg and attributes of the other end. */
export const vethAttributes = { peer: { type: 1, form: 'bytes' } } as const

/** Data of the kind `macvlan`. Passed through: one on a device, with the device's own MAC. */
export const macvlanAttributes = { mode: { type: 1, form: 'u32' } } as const
export const macvlanMode = { passthru: 8 } as const

/** Bit of `extendedMask` that leaves statistics out of the answer. */
export const skipStatistics = 8

export const addressAttributes = {
  address: { type: 1, form: 'ip' },
  local: { type: 2, form: 'ip' },
  label: { type: 3, form: 'text' },
  flags: { type: 8, form: 'u32' },
} as const

export const addressFlag = {
  noDad: 0x02,
  dadFailed: 0x08,
  tentative: 0x40,
  permanent: 0x80,
  noPrefixRoute: 0x200,
} as const

export const routeAttributes = {
  destination: { type: 1, form: 'ip' },
  device: { type: 4, form: 'u32' },
  gateway: { type: 5, form: 'ip' },
  metric: { type: 6, form: 'u32' },
  source: { type: 7, form: 'ip' },
  table: { type: 15, form: 'u32' },
  /** A gateway of the other family: u16 family, address. */
  via: { type: 18, form: 'bytes' },
} as const

export const neighbourAttributes = {
  address: { type: 1, form: 'ip' },
  mac: { type: 2, form: 'mac' },
} as const

/** `ndm_state`. */
export const neighbourState = { noArp: 0x40, permanent: 0x80 } as const

/** `rtm_flags`: the gateway is reachable on the device even when no prefix says so. */
export const routeFlagOnLink = 4

export const routeTable = { main: 254, local: 255 } as const

export const scopes = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const
export type Scope = keyof typeof scopes

export const routeTypes = ['unspecified', 'unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole'] as const
export type RouteType = (typeof routeTypes)[number] | 'other'

export const genericCommand = { getFamily: 3 } as const
export const genericAttributes = {
  familyId: { type: 1, form: 'u16' },
  familyName: { type: 2, form: 'text' },
} as const

/** Multicast groups of the route protocol, as numbers for NETLINK_ADD_MEMBERSHIP. */
export const multicastGroup = { link: 1, ipv4Address: 5, ipv6Address: 9 } as const

export const socketOption = {
  socketLevel: 1,
  receiveBuffer: 8,
  receiveTimeout: 20,
  sendTimeout: 21,
  netlinkLevel: 270,
  addMembership: 1,
  capAck: 10,
  extendedAck: 11,
  strictCheck: 12,
} as const

export const socketType = { datagram: 2, raw: 3, closeOnExec: 0o2000000, nonBlocking: 0o4000 } as const
export const messageTruncated = 0x20
export const closeOnExec = 0o2000000
export const cloneNewNetwork = 0x40000000

/** How to mount (linux/mount.h). */
export const mountFlag = { bind: 0x1000, recursive: 0x4000, shared: 0x10_0000 } as const

export const ethtoolRequest = 0x8946
export const ethtoolCommand = { getTxChecksum: 0x16, setTxChecksum: 0x17 } as const
/** IFNAMSIZ, with the terminating zero. */
export const interfaceNameSize = 16
