// `netmaster store …`: what can be done with a store without serving it.

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { openStore, readStore } from '../drivers/store/index.ts'
import type { Store, StoreSnapshot, StoreValue } from '../drivers/store/store.ts'
import { systemClock } from '../lib/clock.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { describeFlags, fillFlags, parseFlags, usage } from '../lib/flags.ts'
import { replaceFile } from '../lib/replace-file.ts'
import { fillCommit, formatBackup, isCarried, parseBackup } from './store-backup.ts'
import { checkEntries, type Finding } from './store-check.ts'
import { chooseStore, describeStore, type StoreChoice, storeFlags, storeFlagsOf, storeTarget } from './store-flags.ts'

const table = {
  ...storeFlags,
  force: { kind: 'switch', names: ['force'], help: 'copy, restore: replace what the store holds' },
  repair: { kind: 'switch', names: ['repair'], help: 'check: put right what can be put right without doubt' },
  help: { kind: 'switch', names: ['help', 'h'], help: 'this text' },
} as const

const help = `Usage: netmaster store check [STORE]
       netmaster store backup FILE
       netmaster store restore FILE
       netmaster store copy FROM TO

check    looks whether everything fits together: status 0, or 1 when something is wrong
backup   writes all of it to a file (- is standard output), at one revision; netmaster may run meanwhile
restore  fills a store from such a file, as a whole or not at all
copy     fills the store TO with what FROM holds: from one kind of store to another

A STORE is sqlite:DIRECTORY, etcd://HOST:PORT[,HOST:PORT]...[/PREFIX] or consul://…. Where none is given the flags say which.

`

interface Io {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
}

/** `args`: what follows `store`. Answers the exit status; throws what cannot be done. */
export async function runStoreCommand(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseFlags(args, table)
  const values = fillFlags(table, { ...storeFlagsOf(io.env), ...parsed.values })
  const [command, ...words] = parsed.words
  if (values.help || command === undefined) {
    io.out(help + describeFlags(table))
    return values.help ? 0 : 22
  }
  const named = (word: string) => chooseStore(ofWord(word, values))
  const byFlags = () => chooseStore(values)
  const want = (count: number, names: string) => {
    if (words.length !== count) throw usage(`netmaster store ${command} needs ${names}`)
  }
  const [first = '', second = ''] = words
  switch (command) {
    case 'check':
      if (words.length > 1) throw usage('netmaster store check takes one store')
      return check(first === '' ? byFlags() : named(first), values.repair, io)
    case 'backup':
      want(1, 'one FILE')
      return backup(byFlags(), first, io)
    case 'restore': {
      want(1, 'one FILE')
      const to = byFlags()
      return fill(parseBackup(readText(first), first), to, values.force, io)
    }
    case 'copy': {
      want(2, 'two stores: FROM and TO')
      const { entries } = await readStore(storeTarget(named(first)))
      return fill(entries.filter(isCarried), named(second), values.force, io)
    }
    default:
      throw usage(`netmaster store ${command} is not known; there are check, backup, restore and copy`)
  }
}

/** The flags, with a store that a word names. */
function ofWord(word: string, values: Parameters<typeof chooseStore>[0]): Parameters<typeof chooseStore>[0] {
  const named = {
    ...values,
    stateStore: undefined,
    stateDir: undefined,
    etcd: undefined,
    consul: undefined,
    storeUrl: word,
  }
  if (!word.startsWith('sqlite:')) return named
  const none = { storePrefix: undefined, storeCa: undefined, storeCert: undefined, storeKey: undefined }
  return { ...named, ...none, storeUser: undefined, storePasswordFile: undefined }
}

async function backup(choice: StoreChoice, path: string, { out, error }: Io): Promise<number> {
  const snapshot = await readStore(storeTarget(choice))
  const text = formatBackup(snapshot, new Date(systemClock.now()))
  if (path === '-') out(text)
  else {
    try {
      await replaceFile(path, (file) => file.writeFile(text))
    } catch (cause) {
      const message = `cannot write ${path}: ${asError(cause).message}; check the folder and its free space`
      throw new NetpluginError('unavailable', 'BACKUP_FAILED', message, { cause })
    }
  }
  error(
    `${count(snapshot.entries.filter(isCarried).length)} of ${describeStore(choice)}, revision ${snapshot.revision}\n`,
  )
  return 0
}

async function fill(
  wanted: readonly { readonly key: string; readonly value: StoreValue }[],
  choice: StoreChoice,
  force: boolean,
  { error }: Io,
): Promise<number> {
  if (choice.kind === 'memory') throw usage('a memory store is gone at the end of this; choose another one')
  await withStore(choice, async (store) => {
    const before = await store.snapshot()
    if (before.entries.some(isCarried) && !force) {
      const message = `${describeStore(choice)} is not empty; to replace everything in it, add --force`
      throw new NetpluginError('conflict', 'STORE_NOT_EMPTY', message)
    }
    const result = await store.commit(fillCommit(before, wanted, `netmaster store ${randomUUID()}`))
    if (result.ok) return
    const message = 'a netmaster has changed the store meanwhile; stop it, and try again'
    throw new NetpluginError('conflict', 'STORE_CHANGED', message)
  })
  error(`${count(wanted.length)} in ${describeStore(choice)}\n`)
  return 0
}

async function check(choice: StoreChoice, repair: boolean, io: Io): Promise<number> {
  if (!repair) return report(await readStore(storeTarget(choice)), choice, io)
  return withStore(choice, async (store) => {
    const snapshot = await store.snapshot()
    const repairs = checkEntries(snapshot.entries).flatMap(({ repair: one }) => (one === undefined ? [] : [one]))
    const put = repairs.flatMap(({ key, value }) => (value === null ? [] : [{ key, value }]))
    const gone = repairs.flatMap(({ key, value }) => (value === null ? [key] : []))
    if (repairs.length > 0) {
      const { expect, put: head } = fillCommit(
        { ...snapshot, entries: snapshot.entries.filter((entry) => !isCarried(entry)) },
        [],
        `netmaster store ${randomUUID()}`,
      )
      const result = await store.commit({ expect, put: [...put, ...head], delete: gone })
      if (!result.ok) {
        throw new NetpluginError('conflict', 'STORE_CHANGED', 'a netmaster has changed the store meanwhile; try again')
      }
      io.out(`repaired: ${put.length} grants made, ${gone.length} given back\n`)
    }
    return report(await store.snapshot(), choice, io)
  })
}

function report({ entries, revision }: StoreSnapshot, choice: StoreChoice, { out }: Io): number {
  const findings = checkEntries(entries)
  for (const finding of findings) out(`${describeFinding(finding)}\n`)
  const number =
    findings.length === 0
      ? 'nothing wrong'
      : findings.length === 1
        ? '1 thing wrong'
        : `${findings.length} things wrong`
  out(`${describeStore(choice)}: ${count(entries.length)}, revision ${revision}: ${number}\n`)
  return findings.length === 0 ? 0 : 1
}

function describeFinding({ key, problem, advice }: Finding): string {
  return `${key} ${problem}\n  ${advice}`
}

const count = (entries: number) => `${entries} entries`

async function withStore<R>(choice: StoreChoice, body: (store: Store) => Promise<R>): Promise<R> {
  const store = await openStore(storeTarget(choice), { newEpoch: randomUUID })
  try {
    return await body(store)
  } finally {
    await store.close()
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    const message = `cannot read ${path}: ${asError(cause).message}; check the path and who may read it`
    throw new NetpluginError('invalid', 'BACKUP_BROKEN', message, { cause })
  }
}
