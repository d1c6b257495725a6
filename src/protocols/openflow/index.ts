// OpenFlow 1.4 with Open vSwitch's extensions: the public face of this folder. See README.md for an example.

export type { Action, Conntrack, Nat } from './action.ts'
export { canonicalAction, canonicalActions } from './action.ts'
export { decodeActions } from './action-decode.ts'
export { encodeActions } from './action-encode.ts'
export { type ConnectionOptions, OpenFlowConnection } from './connection.ts'
export type { ConnectionTuple, ConntrackMatch } from './conntrack.ts'
export { type FieldRange, type FieldValue, fieldNamed, type Masked, valueBits, valueOfBits } from './field.ts'
export { canonicalise, type Flow, type FlowStats, type Foreign } from './flow.ts'
export {
  canonicalFlow,
  canonicalGroupText,
  flowIdentity,
  formatActions,
  formatFlow,
  formatMatch,
} from './format.ts'
export { allGroups, type Bucket, canonicalGroup, type Group, type GroupType } from './group.ts'
export { canonicalMatch, decodeMatch, encodeMatch, isCanonicalOf, type Match } from './match.ts'
export type { Features } from './message.ts'
export { allMeters, type Meter } from './meter.ts'
export { encodeModification, type Masked64, type Modification } from './modification.ts'
export type { FlowFilter } from './multipart.ts'
export { ctState, type FieldName, oxmFields, vlanPresent } from './oxm.ts'
export type { PacketIn, PacketOut } from './packet.ts'
export { type PortDesc, type ReservedPort, reservedPorts } from './port.ts'
export { missingPrerequisite } from './prerequisites.ts'
