// Every bit of packet metadata, declared once: where it lives and what it says. Feature code uses these names only.

import type { Action, FieldName, FieldRange, Match } from '../../protocols/openflow/index.ts'

interface MetadataField extends FieldRange {
  readonly why: string
}

export const metadata = {
  SourceGroup: {
    field: 'reg0',
    offset: 0,
    bits: 16,
    why: 'endpoint group of the sender; 0 = none, 65535 = not known yet',
  },
  Origin: { field: 'reg1', offset: 0, bits: 4, why: 'where the packet came from, by number' },
  Routed: { field: 'reg1', offset: 4, bits: 1, why: '1 when its network is routed by address, 0 when bridged by MAC' },
  Flood: { field: 'reg1', offset: 5, bits: 1, why: '1 when every member of its network gets a copy' },
  Established: {
    field: 'reg1',
    offset: 6,
    bits: 1,
    why: '1 when it belongs to an open connection that is judged again',
  },
  Cut: { field: 'reg1', offset: 7, bits: 1, why: '1 when the rule that denies it ends open connections too' },
  Log: { field: 'reg1', offset: 8, bits: 1, why: '1 when the rule that denies it wants to have it logged' },
  Served: { field: 'reg1', offset: 10, bits: 1, why: '1 when it belongs to a connection through a service' },
  Tenant: { field: 'reg1', offset: 16, bits: 16, why: 'tenant id, and the conntrack zone' },
  DestinationGroup: {
    field: 'reg2',
    offset: 0,
    bits: 16,
    why: 'endpoint group of the receiver; 0 = none, 65535 = not known yet',
  },
  Receiver: {
    field: 'reg2',
    offset: 16,
    bits: 16,
    why: 'endpoint group of the receiver, if that is on this host; 0 = none',
  },
  OutPort: { field: 'reg3', offset: 0, bits: 32, why: 'OpenFlow port found by Forward' },
  Network: { field: 'reg4', offset: 0, bits: 32, why: 'network id' },
  Service: {
    field: 'reg5',
    offset: 0,
    bits: 32,
    why: 'of a connection through a service, the address that translation replaces: of the service, or of the provider that answers',
  },
  Scratch: { field: 'reg8', offset: 0, bits: 32, why: 'holds one address while two fields are swapped' },
} as const satisfies Record<string, MetadataField>

export type MetadataName = keyof typeof metadata

/** Values of `Origin`. */
export const origin = { endpoint: 1, tunnel: 2, uplink: 3, host: 4, outside: 5 } as const

/** `SourceGroup` or `DestinationGroup` of an endpoint of which this node has not heard: no group has this id. */
export const strangers = 0xffff

/** Group of local endpoints that are in none, in tenants that deny by default: no other group has this id. */
export const ungrouped = 0xfffe

/** Which rule decided about the packet, by number, at the sender and at the receiver; 0: none. */
export const decidedBy = { out: 'xreg6', in: 'xreg7' } as const

/** What conntrack keeps of a connection. */
export const connection = {
  /** Bit of `ct_mark`: a rule ended it; its packets have to be allowed anew. */
  cut: 1,
  /** Where in `ct_label` the numbers of the rules are that allowed it. */
  allowedBy: { in: { field: 'ct_label', offset: 0, bits: 64 }, out: { field: 'ct_label', offset: 64, bits: 64 } },
} as const satisfies { readonly cut: number; readonly allowedBy: Readonly<Record<'in' | 'out', FieldRange>> }

/** Where a named field lives, for moves and for conntrack zones. */
export function range(name: MetadataName): FieldRange {
  const { field, offset, bits } = metadata[name]
  return { field, offset, bits }
}

export type MetadataMatch = { readonly [M in MetadataName]?: number }

/** Merges named metadata into register matches: fields that share a register become one masked match. */
export function metadataMatch(named: MetadataMatch): Match {
  return namedMatch(named)
}

/** The same, with packet fields among them, which stay as they are. */
export function namedMatch(named: Readonly<Record<string, unknown>>): Match {
  const match: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(named)) {
    if (value === undefined) continue
    if (isMetadata(name)) addMetadata(match, metadata[name], value as number)
    else match[name] = value
  }
  return match as Match
}

function isMetadata(name: string): name is MetadataName {
  return name in metadata
}

function addMetadata(match: Record<string, unknown>, { field, offset, bits }: FieldRange, value: number): void {
  if (bits === 32) {
    match[field] = value
    return
  }
  const there = (match[field] ?? { value: 0, mask: 0 }) as { readonly value: number; readonly mask: number }
  const mask = ((1 << bits) - 1) << offset
  const both = (there.mask | mask) >>> 0
  const wanted = (there.value | (value << offset)) >>> 0
  match[field] = both === 0xffffffff ? wanted : { value: wanted, mask: both }
}

/** One register write per register, however many named fields it carries. */
export function setMetadata(named: MetadataMatch): Action[] {
  return Object.entries(metadataMatch(named)).map(([field, wanted]): Action => {
    const name = field as FieldName
    return typeof wanted === 'object'
      ? { type: 'set_field', field: name, value: wanted.value, mask: wanted.mask }
      : { type: 'set_field', field: name, value: wanted }
  })
}
