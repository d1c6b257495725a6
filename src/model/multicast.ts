// Multicast in networks: what hosts say about the members they have, and what the cluster says about a network. Nothing of
// it is stored: a host that has said nothing may have members of every group.

import { z } from 'zod'

/** `snoop`: to members only; `flood`: to everybody; `off`: to nobody. Groups of the link go everywhere, whatever this says. */
export const multicastModes = ['snoop', 'flood', 'off'] as const
export type MulticastMode = (typeof multicastModes)[number]

/** Groups of one network that a host remembers at most; who joins one more gets everything. */
export const maxGroups = 1_024

const group = z.string().max(45)

export const hostReport = z.object({
  /** It has members it cannot tell of: it gets what is sent to whatever group. */
  everything: z.boolean(),
  /** How many of its endpoints are members of each. */
  groups: z.array(z.object({ group, members: z.int().min(0) })).max(maxGroups),
})
export type HostReport = z.infer<typeof hostReport>

/** Networks in one body. */
export const maxReports = 8

export const membersBody = z.object({
  /** What was said before holds no more: this host begins anew. */
  first: z.boolean(),
  /** By `tenant:network`; null: the host has none of the network any more. */
  networks: z.array(z.object({ network: z.string().max(256), report: hostReport.nullable() })).max(maxReports),
})
export type MembersBody = z.infer<typeof membersBody>

export const membersAnswer = z.object({ taken: z.int() })
export type MembersAnswer = z.infer<typeof membersAnswer>

/** What other hosts are told of one. */
export interface HostMembers {
  readonly everything: boolean
  readonly groups: readonly string[]
}

export const networkMulticast = z.object({
  key: z.string(),
  multicast: z.enum(multicastModes),
  groups: z.array(z.object({ group: z.string(), hosts: z.array(z.object({ host: z.string(), members: z.int() })) })),
  /** Hosts that get everything, having told so or nothing yet. */
  everything: z.array(z.string()),
})
export type NetworkMulticast = z.infer<typeof networkMulticast>
