// Packets between bytes and data: the public face of this folder.

export { buildPacket } from './build.ts'
export { internetChecksum } from './checksum.ts'
export * from './layers.ts'
export {
  igmpBytes,
  type MembershipMessage,
  type MembershipRecord,
  mldBody,
  mldTypes,
  readIgmp,
  readMld,
  recordTypes,
} from './membership.ts'
export { parsePacket } from './parse.ts'
