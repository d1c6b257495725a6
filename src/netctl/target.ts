// Finds the command that the first words of a command line name. Flags that hold everywhere may stand between them.

import { closest } from '../lib/closest.ts'
import { NetpluginError } from '../lib/errors.ts'
import { type ParsedFlags, parseFlags } from '../lib/flags.ts'
import type { Command, Topic } from './command.ts'
import { commandHelp, globalFlags, programHelp, topicHelp } from './help.ts'

export interface Target {
  /** `network create`, or as much of it as was given. */
  readonly path: string
  readonly command: Command | undefined
  readonly args: readonly string[]
  readonly globals: ParsedFlags['values']
  readonly help: string
  readonly askedForHelp: boolean
}

/** Throws code USAGE, with the help to show, when the words name nothing. */
export function findTarget(argv: readonly string[], topics: readonly Topic[], plain: readonly Command[]): Target {
  const first = parseFlags(argv, globalFlags, { stopAtWord: true })
  const [word, ...after] = first.rest
  if (word === 'help') return { ...findTarget(after, topics, plain), askedForHelp: true }
  const help = programHelp(topics, plain)
  if (word === undefined) {
    return { path: '', command: undefined, args: [], globals: first.values, help, askedForHelp: false }
  }
  const command = named(plain, word)
  if (command !== undefined) return found(command.names[0] ?? word, command, after, first.values)
  const topic = named(topics, word)
  if (topic === undefined) throw unknownWord('netctl', word, [...topics, ...plain], help)
  return findCommand(topic, after, first.values)
}

function findCommand(topic: Topic, args: readonly string[], before: ParsedFlags['values']): Target {
  const topicName = topic.names[0] ?? ''
  const second = parseFlags(args, globalFlags, { stopAtWord: true })
  const globals = { ...before, ...second.values }
  const [verb, ...rest] = second.rest
  const help = topicHelp(topic)
  if (verb === undefined) {
    return { path: topicName, command: undefined, args: [], globals, help, askedForHelp: false }
  }
  const command = named(topic.commands, verb)
  if (command === undefined) throw unknownWord(`netctl ${topicName}`, verb, topic.commands, help)
  return found(`${topicName} ${command.names[0]}`, command, rest, globals)
}

function found(path: string, command: Command, args: readonly string[], globals: ParsedFlags['values']): Target {
  return { path, command, args, globals, help: commandHelp(path, command), askedForHelp: false }
}

interface Named {
  readonly names: readonly string[]
}

function named<T extends Named>(choices: readonly T[], word: string): T | undefined {
  return choices.find((choice) => choice.names.includes(word))
}

function unknownWord(path: string, word: string, choices: readonly Named[], help: string): NetpluginError {
  const near = closest(
    word,
    choices.flatMap((choice) => choice.names),
  )
  const hint = near === undefined ? '' : `; did you mean '${near}'?`
  return new NetpluginError('invalid', 'USAGE', `${path} has no '${word}'${hint}`, { details: { help } })
}
