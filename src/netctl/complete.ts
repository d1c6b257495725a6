// What may come next on a command line: the shells' completion asks `netctl __complete WORD…`, with the unfinished word
// last, and gets one candidate a line. It answers quickly or not at all, and never says anything else.

import { dashed, type Flag, type Flags } from '../lib/flags.ts'
import type { Command, Topic } from './command.ts'
import { globalFlags } from './help.ts'
import { type Source, sourceOf, sourceOfFlag } from './sources.ts'

export interface Completion {
  /** What is known without asking anybody. */
  readonly candidates: readonly string[]
  /** Names to be asked for, and what was typed before: where netmaster is, which tenant. */
  readonly source?: Source
  readonly values: Readonly<Record<string, string>>
  readonly words: readonly string[]
  /** Stands before every candidate: `--tenant=`. */
  readonly prefix: string
}

interface Place {
  readonly flags: Flags
  readonly command: Command | undefined
  readonly next: readonly string[]
}

/** What could stand in place of the last word. */
export function complete(typed: readonly string[], topics: readonly Topic[], plain: readonly Command[]): Completion {
  const unfinished = typed.at(-1) ?? ''
  const values: Record<string, string> = {}
  const words: string[] = []
  let place: Place = { flags: globalFlags, command: undefined, next: first([...topics, ...plain]) }
  let topic: Topic | undefined
  let open: Flag | undefined
  for (const word of typed.slice(0, -1)) {
    if (open !== undefined) {
      remember(values, place.flags, open, word)
      open = undefined
    } else if (word.startsWith('-')) {
      const [, name = '', value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? []
      const flag = flagNamed(place.flags, name)
      if (flag !== undefined && value !== undefined) remember(values, place.flags, flag, value)
      else if (flag !== undefined && takesNextWord(flag)) open = flag
    } else if (place.command !== undefined) words.push(word)
    else if (topic === undefined && word !== 'help') {
      topic = topics.find((each) => each.names.includes(word))
      const command = plain.find((each) => each.names.includes(word))
      place = topic === undefined ? inCommand(command) : { ...place, next: first(topic.commands) }
    } else if (topic !== undefined) place = inCommand(topic.commands.find((each) => each.names.includes(word)))
  }
  const known = { values, words }
  if (open !== undefined) return valueOfFlag(open, '', known)
  const inline = /^(--?([^=]+)=)/.exec(unfinished)
  const flag = inline === null ? undefined : flagNamed(place.flags, inline[2] ?? '')
  if (flag !== undefined) return valueOfFlag(flag, inline?.[1] ?? '', known)
  if (unfinished.startsWith('-')) return { candidates: flagsOf(place.flags), prefix: '', ...known }
  if (place.command === undefined) return { candidates: place.next, prefix: '', ...known }
  return argument(place.command, known)
}

type Known = Pick<Completion, 'values' | 'words'>

function valueOfFlag(flag: Flag, prefix: string, known: Known): Completion {
  const source = sourceOfFlag(flag)
  return { candidates: [], prefix, ...known, ...(source === undefined ? {} : { source }) }
}

function argument(command: Command, known: Known): Completion {
  const args = command.argsBeside(known.values)
  const at = known.words.length
  const isNew = command.creates && at === args.length - 1
  const source = isNew ? undefined : sourceOf((args[at] ?? '').toUpperCase())
  return { candidates: [], prefix: '', ...known, ...(source === undefined ? {} : { source }) }
}

function inCommand(command: Command | undefined): Place {
  return { flags: { ...globalFlags, ...command?.flags }, command, next: [] }
}

/** The name that help shows of each. */
function first(choices: readonly (Topic | Command)[]): readonly string[] {
  return choices.map((choice) => choice.names[0] ?? '')
}

function flagsOf(flags: Flags): readonly string[] {
  return Object.values(flags)
    .filter((flag) => flag.help !== '')
    .map((flag) => dashed(flag.names[0] ?? ''))
}

function flagNamed(flags: Flags, name: string): Flag | undefined {
  // Later ones win: a command's flags stand after those of all commands.
  return Object.values(flags).findLast((flag) => flag.names.includes(name))
}

function takesNextWord(flag: Flag): boolean {
  return flag.kind !== 'switch' && (flag.kind !== 'text' || flag.alone === undefined)
}

function remember(values: Record<string, string>, flags: Flags, flag: Flag, value: string): void {
  const key = Object.keys(flags).find((each) => flags[each] === flag)
  if (key !== undefined) values[key] = value
}
