// "Did you mean" for names that netmaster does not know: the nearest name that could stand in the same place.

import type { Client } from '../api/client.ts'
import { closest } from '../lib/closest.ts'
import type { ParsedFlags } from '../lib/flags.ts'
import type { Command } from './command.ts'
import { type Source, sourceOf, sourceOfFlag } from './sources.ts'

export interface Typed {
  readonly command: Command
  readonly words: readonly string[]
  readonly values: ParsedFlags['values']
  readonly tenant: string
}

/** The first typed name that is none, and the one it is nearest to; undefined when there is none, or no answer. */
export async function suggestName(
  netmaster: Client,
  typed: Typed,
): Promise<{ readonly name: string; readonly near: string } | undefined> {
  for (const { name, source } of namesIn(typed)) {
    try {
      const known = await source({ netmaster, tenant: typed.tenant, words: typed.words })
      const near = known.includes(name) ? undefined : closest(name, known)
      if (near !== undefined) return { name, near }
    } catch {
      // The error that is being explained matters more than this one.
      return undefined
    }
  }
  return undefined
}

/** What was typed where a name has to be, the tenant first: other names are looked up within it. */
function namesIn({ command, words, values }: Typed): readonly { readonly name: string; readonly source: Source }[] {
  const found: { name: string; source: Source }[] = []
  for (const [key, flag] of Object.entries(command.flags)) {
    const [value, source] = [values[key], sourceOfFlag(flag)]
    if (source === undefined || flag.kind === 'switch' || flag.value.includes('|')) continue
    for (const name of typeof value === 'string' ? [value] : Array.isArray(value) ? value : []) {
      found.push({ name, source })
    }
  }
  const args = command.argsBeside(values)
  const known = command.creates ? args.slice(0, -1) : args
  for (const [index, arg] of known.entries()) {
    const [name, source] = [words[index], sourceOf(arg.toUpperCase())]
    if (name !== undefined && source !== undefined) found.push({ name, source })
  }
  return found
}
