// The commands that are alike for every object: ls, rm, inspect, and how one is stored. An object's file declares what
// differs.

import type { Client, ObjectClient } from '../api/client.ts'
import { NetpluginError } from '../lib/errors.ts'
import { type Command, command, type Session, tenantFlag } from './command.ts'
import { documentFlags, type ListLayout, listFlags, listFormat, printDocument, printItems } from './output.ts'

interface Keyed {
  readonly key: string
}

/** What sentences about an object are made of. */
interface Words {
  /** As written in sentences and as the argument of commands: `network`. */
  readonly noun: string
  readonly plural: string
  /** What stands before the noun: `a`, or more. */
  readonly article: string
}

export interface ObjectKind<Item, Input = never> extends Words, ListLayout<Item> {
  readonly collection: (netmaster: Client) => ObjectClient<Input, Item, unknown>
  /** `create` is refused when there is one: what it says would change it. */
  readonly createdOnce?: boolean
  /** Line printed when one was stored; undefined prints none. */
  readonly created?: (key: string) => string
  /** Line printed before a delete is asked for; undefined prints none. */
  readonly deleting?: (key: string) => string
}

/** Stores an object, says so, and waits for the hosts. */
export async function store<Item, Input>(
  session: Session,
  kind: ObjectKind<Item, Input>,
  key: string,
  body: Input,
): Promise<void> {
  const collection = kind.collection(await session.netmaster())
  if (kind.createdOnce === true) await createOnce(collection, kind, key, body)
  else await collection.put(key, body)
  if (kind.created !== undefined) session.print(`${kind.created(key)}\n`)
  await session.settle()
}

async function createOnce<Item, Input>(
  collection: ObjectClient<Input, Item, unknown>,
  { noun }: Words,
  key: string,
  body: Input,
): Promise<void> {
  try {
    await collection.create(key, body)
  } catch (error) {
    if (!(error instanceof NetpluginError && error.code === 'PRECONDITION_FAILED')) throw error
    const message = `${noun} ${key} exists already; use it as it is, or delete it first`
    throw new NetpluginError('conflict', 'EXISTS', message, { cause: error, details: error.details })
  }
}

/** Says that an object is deleted, deletes it, and waits for the hosts. */
export async function remove<Item, Input>(session: Session, kind: ObjectKind<Item, Input>, key: string): Promise<void> {
  const netmaster = await session.netmaster()
  if (kind.deleting !== undefined) session.print(`${kind.deleting(key)}\n`)
  await kind.collection(netmaster).remove(key)
  await session.settle()
}

/** `ls` over the objects of one tenant, or of all. An unknown tenant is an error, not an empty list. */
export function listOfTenant<Item extends Keyed & { readonly tenantName: string }, Input>(
  kind: ObjectKind<Item, Input>,
): Command {
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
      const format = listFormat(flags)
      const netmaster = await session.netmaster()
      if (!flags.all) await netmaster.tenants.get(flags.tenant)
      const found = await kind.collection(netmaster).list()
      const items = flags.all ? found : found.filter((item) => item.tenantName === flags.tenant)
      await printItems(session, kind, byKey(items), format)
    },
  })
}

/** `ls` over objects that belong to no tenant. */
export function listOfCluster<Item extends Keyed, Input>(kind: ObjectKind<Item, Input>): Command {
  return command({
    names: ['ls', 'list'],
    summary: `List ${kind.plural}`,
    args: [],
    // `--all` is accepted because it is a habit; everything is listed anyway.
    flags: { all: { kind: 'switch', names: ['all', 'a'], help: '' }, ...listFlags },
    run: async ({ session, flags }) => {
      const format = listFormat(flags)
      const netmaster = await session.netmaster()
      await printItems(session, kind, byKey(await kind.collection(netmaster).list()), format)
    },
  })
}

export interface RemoveAndInspect {
  readonly remove: Command
  readonly inspect: Command
}

/** `rm` and `inspect` of an object within a tenant; its key is `tenant:name`. */
export function removeAndInspectOfTenant<Item, Input>(kind: ObjectKind<Item, Input>): RemoveAndInspect {
  return {
    remove: command({
      ...removeWords(kind),
      flags: tenantFlag,
      run: ({ session, args, flags }) => remove(session, kind, `${flags.tenant}:${args[kind.noun]}`),
    }),
    inspect: command({
      ...inspectWords(kind),
      flags: { ...tenantFlag, ...documentFlags },
      run: async ({ session, args, flags }) => {
        const found = await inspected(session, kind, `${flags.tenant}:${args[kind.noun]}`)
        await printDocument(session, found, flags)
      },
    }),
  }
}

/** `rm` and `inspect` of an object that belongs to no tenant; its key is its name. */
export function removeAndInspectOfCluster<Item, Input>(kind: ObjectKind<Item, Input>): RemoveAndInspect {
  return {
    remove: command({
      ...removeWords(kind),
      flags: {},
      run: ({ session, args }) => remove(session, kind, args[kind.noun] ?? ''),
    }),
    inspect: command({
      ...inspectWords(kind),
      flags: documentFlags,
      run: async ({ session, args, flags }) => {
        await printDocument(session, await inspected(session, kind, args[kind.noun] ?? ''), flags)
      },
    }),
  }
}

const removeWords = (kind: Words) => ({
  names: ['rm', 'delete'],
  summary: `Delete ${kind.article} ${kind.noun}`,
  args: [kind.noun],
})

const inspectWords = (kind: Words) => ({
  names: ['inspect'],
  summary: `Show configuration and state of ${kind.article} ${kind.noun}`,
  args: [kind.noun],
})

async function inspected<Item, Input>(session: Session, kind: ObjectKind<Item, Input>, key: string): Promise<unknown> {
  const netmaster = await session.netmaster()
  return kind.collection(netmaster).inspect(key)
}

function byKey<Item extends Keyed>(items: readonly Item[]): readonly Item[] {
  return items.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
