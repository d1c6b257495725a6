// Linux rtnetlink and its neighbours for Node: see README.md.

export type { AddressInfo, AddressOptions } from './address.ts'
export type { RouteType, Scope } from './constants.ts'
export { disableTxChecksum, hasTxChecksum } from './ethtool.ts'
export type { LinkChange, LinkInfo } from './link.ts'
export { type LinkEvent, LinkMonitor } from './monitor.ts'
export {
  createNamespace,
  inNamespace,
  isSameNamespace,
  leaveToNewNamespace,
  nameNamespace,
  openNamespace,
  unnameNamespace,
} from './namespace.ts'
export type { NeighbourInfo } from './neighbour.ts'
export { type CreateVethOptions, hasGenericFamily, linkIndex, Netlink, withNetlink } from './netlink.ts'
export type { RouteFilter, RouteInfo, RouteOptions } from './route.ts'
