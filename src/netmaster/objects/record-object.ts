// The object kinds that are stored as asked for: what all of them do alike. A kind says what its record is, why it may
// not change or go, and how it is shown.

import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../../lib/errors.ts'
import { isProblem } from '../../model/body.ts'
import type { GrantChange } from '../../model/grant.ts'
import { objectChange } from '../../model/record-list.ts'
import type { Change, ObjectName, RecordTypes } from '../../model/state.ts'
import { type Decision, unchanged } from '../decision.ts'
import type { View } from '../tables.ts'
import { checkKey, notFound, type ObjectKind } from './object.ts'

/** What goes into the transaction beside the record itself. */
export interface Alongside {
  readonly records?: readonly Change[]
  readonly grants?: readonly GrantChange[]
}

export interface RecordKindOf<K extends ObjectName, Body, Rendered, Inspected> {
  readonly kind: K
  /** Of messages, and of the code when it is not found. */
  readonly noun: string
  keyOf(body: Body): string
  /** The record that a body asks for; `existing` is undefined when it is new. */
  recordOf(view: View, body: Body, existing: RecordTypes[K] | undefined, key: string): RecordTypes[K] | Problem
  /** Grants of a record that is made or changed. */
  putAlongside?(view: View, record: RecordTypes[K], existing: RecordTypes[K] | undefined, key: string): Alongside
  /** Why it cannot be deleted. */
  heldBy?(view: View, record: RecordTypes[K], key: string): Problem | undefined
  /** What goes with it. */
  removeAlongside?(view: View, record: RecordTypes[K], key: string): Alongside
  render(view: View, record: RecordTypes[K], key: string): Rendered
  inspect(view: View, record: RecordTypes[K], key: string): Inspected
}

interface KeyedBody {
  readonly key?: string | undefined
}

export function recordObject<K extends ObjectName, Body extends KeyedBody, Rendered, Inspected>(
  kind: RecordKindOf<K, Body, Rendered, Inspected>,
): ObjectKind<Body, Rendered, Inspected> {
  const find = (view: View, key: string): RecordTypes[K] | undefined => {
    const records: ReadonlyMap<string, RecordTypes[K]> = view.objects[kind.kind]
    return records.get(key)
  }
  return {
    keys: (view) => view.objects[kind.kind].keys(),
    get: (view, key) => {
      const record = find(view, key)
      return record === undefined ? notFound(kind.noun, key) : kind.render(view, record, key)
    },
    put: (view, key, body) => checkKey(key, kind.keyOf(body), body.key) ?? put(kind, view, key, body, find(view, key)),
    remove: (view, key) => {
      const record = find(view, key)
      if (record === undefined) return notFound(kind.noun, key)
      const held = kind.heldBy?.(view, record, key)
      if (held !== undefined) return held
      const { records = [], grants = [] } = kind.removeAlongside?.(view, record, key) ?? {}
      return { records: [...records, objectChange(kind.kind, key, null)], grants, result: key }
    },
    inspect: (view, key) => {
      const record = find(view, key)
      return record === undefined ? notFound(kind.noun, key) : kind.inspect(view, record, key)
    },
  }
}

/** A request for what is there already changes nothing and is no error. */
function put<K extends ObjectName, Body, Rendered, Inspected>(
  kind: RecordKindOf<K, Body, Rendered, Inspected>,
  view: View,
  key: string,
  body: Body,
  existing: RecordTypes[K] | undefined,
): Decision<Rendered> | Problem {
  const record = kind.recordOf(view, body, existing, key)
  if (isProblem(record)) return record
  const result = kind.render(view, record, key)
  if (isDeepStrictEqual(record, existing)) return unchanged(result)
  const { records = [], grants = [] } = kind.putAlongside?.(view, record, existing, key) ?? {}
  return { records: [...records, objectChange(kind.kind, key, record)], grants, result }
}
