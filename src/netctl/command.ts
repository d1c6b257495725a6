// What a netctl command is, declared as data: its words, flags and what it does. A new command is one entry in the
// `commands` of its object's file; a new object is one file in commands/ and one line in commands/index.ts.

import type { Client } from '../api/client.ts'
import { type Flags, type FlagValues, fillFlags, type ParsedFlags } from '../lib/flags.ts'
import type { Config } from './config.ts'
import type { Server } from './connect.ts'
import type { Paint } from './terminal.ts'

/** What a command may touch. */
export interface Session {
  /** Where netmaster is said to be. */
  readonly server: Server
  /** Colours of standard output. */
  readonly paint: Paint
  /** Connects on first use, so that commands which need no server do without. */
  netmaster(): Promise<Client>
  /** Writes to standard output as it is: the text brings its own line ends. */
  print(text: string): void
  /** Waits until live nodes have what was changed; says on standard error which have not. */
  settle(): Promise<void>
  /** One typed line; undefined when the input ended. */
  ask(question: string, options?: { readonly secret?: boolean }): Promise<string | undefined>
  /** Returns when the user agrees or `yes` is set; throws (code USAGE) when not, or when nobody can be asked. */
  confirm(question: string, yes: boolean): Promise<void>
  /** Writes to the user's configuration file; returns its path. */
  remember(config: Config): string
}

export interface Command {
  /** First the name that help shows, then its aliases. */
  readonly names: readonly string[]
  readonly summary: string
  /** Names of the words that must follow, all of them; see sources.ts for those that can be completed. */
  readonly args: readonly string[]
  /** Those of them that must follow when these flags were given: a flag may stand for a word. */
  readonly argsBeside: (values: ParsedFlags['values']) => readonly string[]
  /** Whether the last word is the name of something new: nothing to complete or to correct. */
  readonly creates: boolean
  readonly flags: Flags
  readonly run: (session: Session, words: readonly string[], values: ParsedFlags['values']) => Promise<void>
}

/** An object with its commands: `netctl network …`. */
export interface Topic {
  readonly names: readonly string[]
  readonly summary: string
  readonly commands: readonly Command[]
}

export interface CommandSpec<A extends string, F extends Flags> {
  readonly names: readonly string[]
  readonly summary: string
  readonly args: readonly A[]
  readonly creates?: boolean
  readonly flags: F
  /** The flag that may be given instead of a word; the word is then empty. */
  readonly instead?: Readonly<Partial<Record<A, keyof F & string>>>
  readonly run: (input: Input<A, F>) => Promise<void>
}

export interface Input<A extends string, F extends Flags> {
  readonly session: Session
  readonly args: Readonly<Record<A, string>>
  readonly flags: FlagValues<F>
}

/** Ties the types of a command's words and flags to what its `run` receives. */
export function command<const A extends string, const F extends Flags>(spec: CommandSpec<A, F>): Command {
  const argsBeside = (values: ParsedFlags['values']) =>
    spec.args.filter((name) => {
      const flag = spec.instead?.[name]
      return flag === undefined || values[flag] === undefined
    })
  return {
    names: spec.names,
    summary: spec.summary,
    args: spec.args,
    argsBeside,
    creates: spec.creates === true,
    flags: spec.flags,
    run: (session, words, values) => {
      const typed = argsBeside(values)
      const args = Object.fromEntries(spec.args.map((name) => [name, words[typed.indexOf(name)] ?? '']))
      // Sound: the keys are exactly `spec.args`; the count of words was checked before.
      return spec.run({ session, args: args as Record<A, string>, flags: fillFlags(spec.flags, values) })
    },
  }
}

/** The flag of every command on an object that belongs to a tenant; the configuration file may set another default. */
export const tenantFlag = {
  tenant: { kind: 'text', names: ['tenant', 't'], value: 'TENANT', help: 'Tenant of the object', fallback: 'default' },
} as const satisfies Flags
