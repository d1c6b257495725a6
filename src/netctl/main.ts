// netctl from the words of the command line to an exit status. Scripts depend on the statuses:
// 0 done, 1 typed wrongly, 2 no answer from netmaster, 3 refused by netmaster, 4 a local file or output failed.

import type { Client } from '../api/client.ts'
import { readBuildInfo } from '../lib/build-info.ts'
import type { Clock } from '../lib/clock.ts'
import { closest } from '../lib/closest.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import { type Flags, fillFlags, type ParsedFlags, parseFlags, usage } from '../lib/flags.ts'
import type { Command, Session, Topic } from './command.ts'
import { plainCommands, topics } from './commands/index.ts'
import type { ConnectOptions } from './connect.ts'
import { commandHelp, globalFlags, programHelp, topicHelp } from './help.ts'
import { whenApplied } from './when-applied.ts'

export const exitStatus = { done: 0, usage: 1, noAnswer: 2, refused: 3, localFile: 4 } as const

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly clock: Clock
  readonly connect: (options: ConnectOptions) => Promise<Client>
}

/** Runs one command line (without the program's name) and returns the exit status. Never throws. */
export async function netctl(argv: readonly string[], around: Surroundings): Promise<number> {
  let help = programHelp(topics, plainCommands)
  try {
    const target = findTarget(argv)
    help = target.help
    const parsed = target.command === undefined ? noFlags : parseFlags(target.args, withGlobals(target.command.flags))
    const globals = { ...target.globals, ...parsed.values }
    if (globals.help === true || target.askedForHelp) {
      around.out(help)
      return exitStatus.done
    }
    if (globals.version === true) {
      around.out(`netctl version ${readBuildInfo().version}\n`)
      return exitStatus.done
    }
    if (target.command === undefined) throw usage(`${target.path} needs a command`.trim())
    checkWords(target.path, target.command, parsed.words)
    const { session, close } = openSession(globals, around)
    try {
      await target.command.run(session, parsed.words, parsed.values)
    } finally {
      await close()
    }
    return exitStatus.done
  } catch (thrown: unknown) {
    const error = asNetpluginError(thrown)
    const status = statusOf(error)
    around.err(`netctl: ${messageOf(error)}\n`)
    if (status === exitStatus.usage) around.err(`\n${error.details.help ?? help}`)
    return status
  }
}

interface Target {
  /** `network create`, or as much of it as was given. */
  readonly path: string
  readonly command: Command | undefined
  readonly args: readonly string[]
  readonly globals: ParsedFlags['values']
  readonly help: string
  readonly askedForHelp: boolean
}

const noFlags: ParsedFlags = { values: {}, words: [], rest: [] }

/** Finds the command that the first words name; flags that hold everywhere may stand between them. */
function findTarget(argv: readonly string[]): Target {
  const first = parseFlags(argv, globalFlags, { stopAtWord: true })
  const [word, ...after] = first.rest
  if (word === 'help') return { ...findTarget(after), askedForHelp: true }
  const root = { path: '', command: undefined, args: [], help: programHelp(topics, plainCommands), askedForHelp: false }
  if (word === undefined) return { ...root, globals: first.values }
  const plain = named(plainCommands, word)
  if (plain !== undefined) return found(plain.names[0] ?? word, plain, after, first.values)
  const topic = named(topics, word)
  if (topic === undefined) throw unknownWord('netctl', word, [...topics, ...plainCommands], root.help)
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

/** A command's own flags win where a short name means something everywhere too. */
function withGlobals(flags: Flags): Flags {
  return { ...globalFlags, ...flags }
}

function checkWords(path: string, command: Command, words: readonly string[]): void {
  const missing = command.args.slice(words.length)
  if (missing.length > 0) throw usage(`${path} needs ${missing.map((name) => name.toUpperCase()).join(' and ')}`)
  const extra = words[command.args.length]
  if (extra !== undefined) throw usage(`${path} takes ${countOf(command.args.length)}; '${extra}' is too many`)
}

function countOf(count: number): string {
  if (count === 0) return 'no arguments'
  return count === 1 ? 'one argument' : `${count} arguments`
}

/** What a command works with, and how to end its connection to netmaster if it made one. */
function openSession(values: ParsedFlags['values'], around: Surroundings) {
  const flags = fillFlags(globalFlags, values)
  const url = serverUrl(
    typeof values.netmaster === 'string' ? flags.netmaster : around.env.NETMASTER || flags.netmaster,
  )
  const insecure = flags.insecure || ['1', 'true'].includes(around.env.INSECURE ?? '')
  let netmaster: Promise<Client> | undefined
  const session: Session = {
    netmaster: () => {
      netmaster ??= around.connect({ url, insecure })
      return netmaster
    },
    print: around.out,
    settle: async () => {
      if (netmaster === undefined) return
      const lagging = await whenApplied(await netmaster, { clock: around.clock })
      if (lagging.length > 0) around.err(`netctl: stored, but not yet in force on ${lagging.join(', ')}\n`)
    },
  }
  return { session, close: async () => (await netmaster)?.close() }
}

/** `host:port` is meant as http. */
function serverUrl(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`
  if (URL.canParse(url) && /^https?:\/\/[^/]/.test(url)) return url.replace(/\/+$/, '')
  throw usage(`--netmaster: '${text}' is no URL; it looks like http://netmaster:9999`)
}

/** Who cannot reach netmaster may only have to say where it is. */
function messageOf(error: NetpluginError): string {
  if (error.code !== 'NETMASTER_UNREACHABLE') return error.message
  return `${error.message} (--netmaster URL, or the environment variable NETMASTER)`
}

function statusOf(error: NetpluginError): number {
  if (error.code === 'USAGE') return exitStatus.usage
  if (error.code === 'LOCAL_FILE') return exitStatus.localFile
  if (noAnswerCodes.has(error.code) && error.details.status === undefined) return exitStatus.noAnswer
  return exitStatus.refused
}

/** Codes that the client gives when no answer came, as against an answer that is an error. */
const noAnswerCodes: ReadonlySet<string> = new Set([
  'NETMASTER_UNREACHABLE',
  'NETMASTER_TIMEOUT',
  'BAD_ANSWER',
  'ANSWER_TOO_LONG',
])
