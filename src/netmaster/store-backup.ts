// Backups: a text file, one JSON value a line, that any store can be filled from.
//
//   {"netplugin":"backup","version":1,"at":"…","epoch":"…","revision":7}
//   {"key":"record/tenant/default","value":{…}}                           one for each key, sorted
//   {"end":2,"sha256":"…"}                                                how many, and the hash of the lines before

import { createHash } from 'node:crypto'
import type { Commit, StoreEntry, StoreSnapshot, StoreValue } from '../drivers/store/store.ts'
import { NetpluginError } from '../lib/errors.ts'
import { headKey, settingsKey } from './store-keys.ts'

/** What is carried to another store: not who is there now, nor what only this one's revisions mean. */
export function isCarried({ key }: Pick<StoreEntry, 'key'>): boolean {
  return key.startsWith('record/') || key.startsWith('grant/') || key === settingsKey
}

export function formatBackup({ epoch, revision, entries }: StoreSnapshot, at: Date): string {
  const head = { netplugin: 'backup', version: 1, at: at.toISOString(), epoch, revision }
  const carried = entries.filter(isCarried)
  const lines = [head, ...carried.map(({ key, value }) => ({ key, value }))].map((line) => `${JSON.stringify(line)}\n`)
  const text = lines.join('')
  return `${text}${JSON.stringify({ end: carried.length, sha256: hash(text) })}\n`
}

/** Throws `invalid` BACKUP_BROKEN for anything but a whole backup of a version known here. */
export function parseBackup(
  text: string,
  path: string,
): readonly { readonly key: string; readonly value: StoreValue }[] {
  const broken = (why: string) =>
    new NetpluginError(
      'invalid',
      'BACKUP_BROKEN',
      `${path} is no backup that can be restored: ${why}; take another one`,
    )
  const lines = text.trimEnd().split('\n')
  const parse = (line: string | undefined): Readonly<Record<string, unknown>> => {
    try {
      const value: unknown = JSON.parse(line ?? '')
      if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
    } catch {
      // Told below.
    }
    throw broken('a line is no JSON object')
  }
  const head = parse(lines[0])
  if (head.netplugin !== 'backup') throw broken('it does not begin like one')
  if (head.version !== 1) throw broken(`its version is ${String(head.version)}, and this netmaster reads 1`)
  const end = parse(lines.at(-1))
  const body = lines.slice(1, -1)
  if (end.end !== body.length || end.sha256 !== hash(`${lines.slice(0, -1).join('\n')}\n`)) {
    throw broken('it is not whole, or was changed')
  }
  return body.map((line) => {
    const { key, value } = parse(line)
    if (typeof key !== 'string' || value === undefined || value === null)
      throw broken('an entry has no key or no value')
    return { key, value: value as StoreValue }
  })
}

/** One commit that makes a store hold these entries and no others of the cluster. `by`: another one each time. */
export function fillCommit(
  { entries }: StoreSnapshot,
  wanted: readonly { readonly key: string; readonly value: StoreValue }[],
  by: string,
): Commit {
  const kept = new Set(wanted.map(({ key }) => key))
  const head = entries.find(({ key }) => key === headKey)
  return {
    // Masters that run meanwhile write it with each of their commits.
    expect: [{ key: headKey, revision: head?.revision ?? 0 }],
    put: [...wanted.map(({ key, value }) => ({ key, value })), { key: headKey, value: { by } }],
    delete: entries.filter((entry) => isCarried(entry) && !kept.has(entry.key)).map(({ key }) => key),
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
