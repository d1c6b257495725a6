// Command-line flags in the style of Go's flag package, declared as data: one or two dashes before any name, the value
// behind `=` or in the next word, no bundling of short names (`-s6` is the flag "s6"), `--` ends the flags.

import { closest } from './closest.ts'
import { NetpluginError } from './errors.ts'

interface FlagBase {
  /** All spellings without dashes; the first is the one that help and messages use. */
  readonly names: readonly string[]
  /** One line for the help; an empty one hides the flag. */
  readonly help: string
}

/** A flag that takes a value names it (`SUBNET`), for the help. */
export type Flag =
  | (FlagBase & { readonly kind: 'switch' })
  | (FlagBase & {
      readonly kind: 'text'
      readonly value: string
      readonly fallback?: string
      /** The value of the flag given without `=`; the next word is then never its value. */
      readonly alone?: string
    })
  | (FlagBase & { readonly kind: 'number'; readonly value: string })
  | (FlagBase & { readonly kind: 'list'; readonly value: string })

export type Flags = Readonly<Record<string, Flag>>

type FlagValue<F extends Flag> = F extends { readonly kind: 'switch' }
  ? boolean
  : F extends { readonly kind: 'list' }
    ? readonly string[]
    : F extends { readonly kind: 'number' }
      ? number | undefined
      : F extends { readonly fallback: string }
        ? string
        : string | undefined

/** What was given: a switch is false, a list empty, everything else undefined (or its fallback) when left out. */
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: FlagValue<F[K]> }

export interface ParsedFlags {
  readonly values: Readonly<Record<string, RawValue>>
  readonly words: readonly string[]
  /** Words not looked at: only when told to stop at the first word. */
  readonly rest: readonly string[]
}

type RawValue = boolean | number | string | readonly string[]

export interface ParseOptions {
  /** Stop before the first word that is no flag, so that what follows it can be read by other rules. */
  readonly stopAtWord?: boolean
}

/** Reads flags and words in any order. Throws `invalid` errors (code USAGE). */
export function parseFlags(args: readonly string[], flags: Flags, options: ParseOptions = {}): ParsedFlags {
  const byName = namesOf(flags)
  const values: Record<string, RawValue> = {}
  const words: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg === '--') return { values, words: [...words, ...args.slice(at + 1)], rest: [] }
    if (!arg.startsWith('-') || arg === '-') {
      if (options.stopAtWord) return { values, words, rest: args.slice(at) }
      words.push(arg)
      continue
    }
    const [, name = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(arg) ?? []
    const key = byName.get(name)
    const flag = key === undefined ? undefined : flags[key]
    if (key === undefined || flag === undefined) throw unknownFlag(arg, name, byName.keys())
    if (flag.kind === 'switch') {
      values[key] = switchValue(arg, inline)
      continue
    }
    const text = inline ?? (flag.kind === 'text' ? flag.alone : undefined) ?? args[++at]
    if (text === undefined) throw usage(`${arg} needs a value: ${dashed(flag.names[0] ?? name)} ${flag.value}`)
    if (flag.kind === 'number') values[key] = numberValue(arg, text)
    else if (flag.kind === 'text') values[key] = text
    else values[key] = [...listValue(values[key]), text]
  }
  return { values, words, rest: [] }
}

/** The parsed values with every declared flag filled in. */
export function fillFlags<const F extends Flags>(flags: F, values: ParsedFlags['values']): FlagValues<F> {
  const filled = Object.entries(flags).map(([key, flag]) => [key, values[key] ?? emptyValue(flag)])
  // Sound: parseFlags stored under each key only a value of that flag's kind, and emptyValue gives the others.
  return Object.fromEntries(filled) as FlagValues<F>
}

/** Help lines for flags: spellings in one column, meaning in the other. */
export function describeFlags(flags: Flags): string {
  const rows = Object.values(flags)
    .filter((flag) => flag.help !== '')
    .map((flag) => {
      const spellings = flag.names.map(dashed).join(', ')
      return {
        left: flag.kind === 'switch' ? spellings : `${spellings}${placeholder(flag)}`,
        right:
          flag.kind === 'text' && flag.fallback !== undefined ? `${flag.help} (default: ${flag.fallback})` : flag.help,
      }
    })
  const width = Math.max(0, ...rows.map((row) => row.left.length))
  return rows.map((row) => `  ${row.left.padEnd(width)}  ${row.right}\n`).join('')
}

function placeholder(flag: Exclude<Flag, { kind: 'switch' }>): string {
  return flag.kind === 'text' && flag.alone !== undefined ? `[=${flag.value}]` : ` ${flag.value}`
}

/** A mistake in what was typed; the caller shows help beside it. */
export function usage(message: string): NetpluginError {
  return new NetpluginError('invalid', 'USAGE', message)
}

function namesOf(flags: Flags): Map<string, string> {
  const byName = new Map<string, string>()
  for (const [key, flag] of Object.entries(flags)) for (const name of flag.names) byName.set(name, key)
  return byName
}

/** The spelling of a flag: `--tenant`, `-t`. */
export function dashed(name: string): string {
  return name.length <= 2 ? `-${name}` : `--${name}`
}

function unknownFlag(arg: string, name: string, known: Iterable<string>): NetpluginError {
  const near = closest(name, known)
  const given = arg.split('=')[0]
  return usage(near === undefined ? `unknown flag ${given}` : `unknown flag ${given}; did you mean ${dashed(near)}?`)
}

function switchValue(arg: string, inline: string | undefined): boolean {
  if (inline === undefined || inline === 'true') return true
  if (inline === 'false') return false
  throw usage(`${arg}: this flag is a switch; give it alone, or =true or =false`)
}

function numberValue(arg: string, text: string): number {
  // What is below zero is for the program to judge: it knows the limits.
  if (!/^-?\d{1,15}$/.test(text)) throw usage(`${arg.split('=')[0]} needs a whole number, not '${text}'`)
  return Number(text)
}

function listValue(value: RawValue | undefined): readonly string[] {
  return Array.isArray(value) ? value : []
}

function emptyValue(flag: Flag): RawValue | undefined {
  switch (flag.kind) {
    case 'switch':
      return false
    case 'list':
      return []
    case 'text':
      return flag.fallback
    case 'number':
      return undefined
  }
}
