// What masters on one store tell each other: what nodes said to one of them. Not for users, nor for nodes.

import { z } from 'zod'
import { count } from './counts.ts'
import { membersBody } from './multicast.ts'
import { maxProblems } from './node.ts'

const text = z.string().max(256)

/** What is known of a node's life. */
export const presence = z.object({
  node: text,
  /** How long ago it was heard, in ms: clocks of masters may differ. */
  agoMs: z.int().min(0),
  appliedRevision: z.int().min(0),
  endpoints: z.int().min(0),
  problems: z.array(z.string().max(1024)).max(maxProblems),
  uplinks: z.array(text).max(64),
  mtu: z.int().min(0),
})
export type PresenceNews = z.infer<typeof presence>

/** What a node said about its members of multicast groups. */
export const membersNews = z.object({ node: text, body: membersBody })
export type MembersNews = z.infer<typeof membersNews>

/** Nodes in one body. */
export const maxNews = 200

export const newsBody = z.object({
  presence: z.array(presence).max(maxNews),
  members: z.array(membersNews).max(maxNews),
})
export type NewsBody = z.infer<typeof newsBody>

export const newsAnswer = z.object({ status: z.literal('ok') })
export type NewsAnswer = z.infer<typeof newsAnswer>

/** Addresses of the master that led and of the one that leads now, `host:port`. */
export const handOverAnswer = z.object({ from: z.string(), to: z.string() })
export type HandOverAnswer = z.infer<typeof handOverAnswer>

/** A question for nodes whose streams another master has. */
export const askBody = z.object({ about: z.enum(['policy', 'service']), key: z.string(), nodes: z.array(text) })
export type AskBody = z.infer<typeof askBody>

/** Of those that answered. */
export const askAnswer = z.array(z.object({ node: z.string(), counts: z.array(count) }))
export type AskAnswer = z.infer<typeof askAnswer>
