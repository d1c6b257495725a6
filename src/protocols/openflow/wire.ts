// Numbers of the wire format, each with its name there (OpenFlow 1.4.1 section 7; nicira-ext of Open vSwitch).

export const openflowVersion = 5
export const niciraVendor = 0x2320
export const noBuffer = 0xffffffff
export const anyGroup = 0xffffffff
export const anyTable = 0xff

/** OFPT_* */
export const messageTypes = {
  hello: 0,
  error: 1,
  echoRequest: 2,
  echoReply: 3,
  experimenter: 4,
  featuresRequest: 5,
  featuresReply: 6,
  setConfig: 9,
  packetIn: 10,
  flowRemoved: 11,
  portStatus: 12,
  packetOut: 13,
  flowMod: 14,
  groupMod: 15,
  multipartRequest: 18,
  multipartReply: 19,
  barrierRequest: 20,
  barrierReply: 21,
  meterMod: 29,
  bundleControl: 33,
  bundleAdd: 34,
} as const

/** OFPMP_* */
export const multipartTypes = {
  flow: 1,
  aggregate: 2,
  groupDesc: 7,
  meterConfig: 10,
  meterFeatures: 11,
  portDesc: 13,
  flowMonitor: 16,
} as const

/** OFPFME_*, without those for changes of our own and for pauses. */
export const flowEvents = { added: 1, removed: 2, modified: 3 } as const

/** OFPFC_* */
export const flowCommands = { add: 0, delete: 3, deleteStrict: 4 } as const

/** OFPGC_*; `put` is Open vSwitch's add-or-modify. */
export const groupCommands = { add: 0, modify: 1, delete: 2, put: 0x8000 } as const

/** OFPMC_* */
export const meterCommands = { add: 0, modify: 1, delete: 2 } as const

/** OFPGT_*, by position. */
export const groupTypes = ['all', 'select', 'indirect', 'fast_failover'] as const

/** OFPIT_* */
export const instructionTypes = { goto: 1, writeMetadata: 2, write: 3, apply: 4, clear: 5, meter: 6 } as const

/** OFPAT_* */
export const actionTypes = {
  output: 0,
  pushVlan: 17,
  popVlan: 18,
  group: 22,
  decTtl: 24,
  setField: 25,
  experimenter: 0xffff,
} as const

/** NXAST_* */
export const niciraActions = {
  resubmit: 1,
  regMove: 6,
  regLoad: 7,
  note: 8,
  resubmitTable: 14,
  outputReg: 15,
  controller: 20,
  regLoad2: 33,
  conjunction: 34,
  ct: 35,
  nat: 36,
  controller2: 37,
  ctClear: 43,
} as const

/** NXAC2PT_* */
export const controller2Props = { maxLen: 0, controllerId: 1, reason: 2, userdata: 3 } as const

/** NX_CT_F_* */
export const ctFlags = { commit: 1, force: 2 } as const

/** NX_NAT_F_* */
export const natFlags = { src: 1, dst: 2, persistent: 4, hash: 8, random: 16 } as const

/** NX_NAT_RANGE_* */
export const natRange = { ipv4Min: 1, ipv4Max: 2, ipv6Min: 4, ipv6Max: 8, portMin: 16, portMax: 32 } as const

/** NXT_* */
export const niciraMessages = {
  setPacketInFormat: 16,
  setControllerId: 20,
  ctFlushZone: 29,
  packetIn2: 30,
  ctFlush: 32,
} as const

/** NXPINT_* */
export const packetIn2Props = {
  packet: 0,
  fullLength: 1,
  bufferId: 2,
  tableId: 3,
  cookie: 4,
  reason: 5,
  metadata: 6,
  userdata: 7,
} as const

/** OFPBCT_* */
export const bundleControls = {
  openRequest: 0,
  openReply: 1,
  closeRequest: 2,
  closeReply: 3,
  commitRequest: 4,
  commitReply: 5,
  discardRequest: 6,
  discardReply: 7,
} as const

/** OFPBF_ATOMIC | OFPBF_ORDERED */
export const bundleFlags = 3

/** OFPMPF_*_MORE */
export const multipartMore = 1
