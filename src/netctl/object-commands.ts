// The commands that are alike for every object: ls, rm, inspect. An object's file declares what differs.

import type { Client, ObjectClient } from '../api/client.ts'
import { type Command, command, type Session, tenantFlag } from './command.ts'
import { itemTable, jsonText, lines } from './output.ts'
import type { ItemColumn } from './tables.ts'

interface Keyed {
  readonly key: string
}

/** What sentences about an object are made of. */
interface Words {
  /** As written in sentences: `network`. */
  readonly noun: string
  readonly plural: string
  readonly article: 'a' | 'an'
}

export interface ObjectKind<Item> extends Words {
  readonly collection: (netmaster: Client) => ObjectClient<never, Item, unknown>
  readonly name: (item: Item) => string
  readonly columns: readonly ItemColumn<Item>[]
  /** Line printed before a delete is asked for; undefined prints none. */
  readonly deleting: ((key: string) => string) | undefined
}

const listFlags = {
  json: { kind: 'switch', names: ['json', 'j'], help: 'Print the objects as JSON' },
  quiet: { kind: 'switch', names: ['quiet', 'q'], help: 'Print only names' },
} as const

/** `ls` over the objects of one tenant, or of all. An unknown tenant is an error, not an empty list. */
export function listOfTenant<Item extends Keyed & { readonly tenantName: string }>(kind: ObjectKind<Item>): Command {
  return command({
    names: ['ls', 'list'],
    summary: `List ${kind.plural} of a tenant`,
    args: [],
    flags: {
      ...tenantFlag,
      all: { kind: 'switch', names: ['all', 'a'], help: `List the ${kind.plural} of all tenants` },
      ...listFlags,
    },
    run: async ({ session, flags }) => {
      const netmaster = await session.netmaster()
      if (!flags.all) await netmaster.tenants.get(flags.tenant)
      const found = await kind.collection(netmaster).list()
      const items = flags.all ? found : found.filter((item) => item.tenantName === flags.tenant)
      printItems(session, kind, items, flags)
    },
  })
}

/** `ls` over objects that belong to no tenant. */
export function listOfCluster<Item extends Keyed>(kind: ObjectKind<Item>): Command {
  return command({
    names: ['ls', 'list'],
    summary: `List ${kind.plural}`,
    args: [],
    // `--all` is accepted because it is a habit; everything is listed anyway.
    flags: { all: { kind: 'switch', names: ['all', 'a'], help: '' }, ...listFlags },
    run: async ({ session, flags }) => {
      const netmaster = await session.netmaster()
      printItems(session, kind, await kind.collection(netmaster).list(), flags)
    },
  })
}

export interface RemoveAndInspect {
  readonly remove: Command
  readonly inspect: Command
}

/** `rm` and `inspect` of an object within a tenant; its key is `tenant:name`. */
export function removeAndInspectOfTenant<Item>(kind: ObjectKind<Item>): RemoveAndInspect {
  return {
    remove: command({
      ...removeWords(kind),
      flags: tenantFlag,
      run: async ({ session, args, flags }) => {
        await remove(session, kind, `${flags.tenant}:${args.name}`)
        await session.settle()
      },
    }),
    inspect: command({
      ...inspectWords(kind),
      flags: tenantFlag,
      run: ({ session, args, flags }) => inspect(session, kind, `${flags.tenant}:${args.name}`),
    }),
  }
}

/** `rm` and `inspect` of an object that belongs to no tenant; its key is its name. */
export function removeAndInspectOfCluster<Item>(kind: ObjectKind<Item>): RemoveAndInspect {
  return {
    remove: command({
      ...removeWords(kind),
      flags: {},
      run: ({ session, args }) => remove(session, kind, args.name),
    }),
    inspect: command({
      ...inspectWords(kind),
      flags: {},
      run: ({ session, args }) => inspect(session, kind, args.name),
    }),
  }
}

const removeWords = (kind: Words) =>
  ({ names: ['rm', 'delete'], summary: `Delete ${kind.article} ${kind.noun}`, args: ['name'] }) as const

const inspectWords = (kind: Words) =>
  ({
    names: ['inspect'],
    summary: `Show configuration and state of ${kind.article} ${kind.noun}`,
    args: ['name'],
  }) as const

async function remove<Item>(session: Session, kind: ObjectKind<Item>, key: string): Promise<void> {
  const netmaster = await session.netmaster()
  if (kind.deleting !== undefined) session.print(`${kind.deleting(key)}\n`)
  await kind.collection(netmaster).remove(key)
}

async function inspect<Item>(session: Session, kind: ObjectKind<Item>, key: string): Promise<void> {
  const netmaster = await session.netmaster()
  session.print(jsonText(await kind.collection(netmaster).inspect(key)))
}

interface ListStyle {
  readonly json: boolean
  readonly quiet: boolean
}

function printItems<Item extends Keyed>(
  session: Session,
  kind: ObjectKind<Item>,
  found: readonly Item[],
  style: ListStyle,
): void {
  const items = found.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  if (style.json) session.print(jsonText(items))
  else if (style.quiet) session.print(lines(items.map((item) => kind.name(item))))
  else session.print(itemTable(kind.columns, items))
}
