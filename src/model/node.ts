// Nodes: what an agent says when it registers and while it lives, and what the cluster knows about it.

import { z } from 'zod'
import { session } from './plugin.ts'
import { nodeProtocol } from './versions.ts'

/** How often an agent says that it lives, and after which silence it counts as gone. */
export const heartbeatMs = 5_000
export const nodeTimeoutMs = 15_000

/** How many problems a node tells of at most. */
export const maxProblems = 20

const text = z.string().max(256)

export const registerBody = z.object({
  protocol: z.int().default(nodeProtocol),
  controlAddress: text.default(''),
  vtep: text.default(''),
  bootId: text.default(''),
  version: text.default(''),
  uplinks: z.array(text).max(64).default([]),
  /** Of the underlay, in bytes; 0 when unknown. */
  mtu: z.int().min(0).max(65_536).default(0),
  /** Of the node's requests; see `session` in plugin.ts. */
  session,
})
export type RegisterBody = z.output<typeof registerBody>
export type RegisterInput = z.input<typeof registerBody>

export const registerAnswer = z.object({
  protocol: z.int(),
  epoch: z.string(),
  revision: z.int(),
  heartbeatMs: z.int(),
  /** URLs of all masters on the store; missing: this one is the only one. */
  masters: z.array(z.string()).optional(),
})
export type RegisterAnswer = z.infer<typeof registerAnswer>

export const heartbeatBody = z.object({
  bootId: text.default(''),
  appliedRevision: z.int().min(0).default(0),
  /** How many endpoints the node has. */
  endpoints: z.int().min(0).default(0),
  /** What keeps the host out of infra networks, as sentences. */
  problems: z.array(z.string().max(1024)).max(maxProblems).default([]),
})
export type HeartbeatBody = z.output<typeof heartbeatBody>
export type HeartbeatInput = z.input<typeof heartbeatBody>

export const heartbeatAnswer = z.object({
  epoch: z.string(),
  revision: z.int(),
  /** As when it registered. */
  masters: z.array(z.string()).optional(),
})
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswer>

/** `silent`: not heard for a while; `lost`: others do without it; `dead`: lost for so long that its endpoints were reclaimed. */
export const nodeStates = ['lives', 'silent', 'lost', 'dead'] as const

export const nodeView = z.object({
  name: z.string(),
  controlAddress: z.string(),
  vtep: z.string(),
  version: z.string(),
  bootId: z.string(),
  uplinks: z.array(z.string()),
  mtu: z.int(),
  alive: z.boolean(),
  state: z.enum(nodeStates),
  /** Milliseconds since the epoch; 0: not since netmaster started. */
  lastSeen: z.int(),
  appliedRevision: z.int(),
  endpoints: z.int(),
  /** What keeps the host out of infra networks, as sentences. */
  problems: z.array(z.string()),
})
export type NodeView = z.infer<typeof nodeView>

/** Endpoints that went with a node. */
export const nodeRemoved = z.object({ removed: z.array(z.string()) })
export type NodeRemoved = z.infer<typeof nodeRemoved>
