// Conditional requests (RFC 9110, section 13): an entity tag for each state of an object, so that somebody who edits it
// is told when somebody else was faster.

import { hash } from 'node:crypto'
import type { Problem } from '../lib/errors.ts'
import { problem } from '../model/body.ts'

export interface ConditionHeaders {
  readonly 'if-match'?: string | undefined
  readonly 'if-none-match'?: string | undefined
}

/** The tag of a representation: the same text, the same tag, also after a restart. */
export function etagOf(text: string): string {
  return `"${hash('sha256', text, 'base64url').slice(0, 22)}"`
}

/** Whether a write may go on; `current` is the tag of what is there, undefined when there is nothing. */
export function checkConditions(
  headers: ConditionHeaders,
  current: string | undefined,
  key: string,
): Problem | undefined {
  const { 'if-match': match, 'if-none-match': none } = headers
  if (match !== undefined && !(current !== undefined && matches(match, current, 'strong'))) {
    const why = current === undefined ? 'does not exist' : 'was changed meanwhile'
    const details = current === undefined ? { key } : { key, etag: current }
    return problem('conflict', 'PRECONDITION_FAILED', `${key} ${why}; read it again, and decide anew`, details)
  }
  if (none !== undefined && current !== undefined && matches(none, current, 'weak')) {
    const message = `${key} exists already; leave If-None-Match out to change it`
    return problem('conflict', 'PRECONDITION_FAILED', message, { key, etag: current })
  }
  return undefined
}

/** Whether a reader has this already. */
export function isKnown(headers: ConditionHeaders, current: string): boolean {
  const none = headers['if-none-match']
  return none !== undefined && matches(none, current, 'weak')
}

/** `*`, or a list of tags. A weak tag never matches strongly. */
function matches(header: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  for (const [given] of header.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (given === tag || (comparison === 'weak' && given === `W/${tag}`)) return true
  }
  return false
}
