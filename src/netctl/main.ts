// netctl from the words of the command line to an exit status. Scripts depend on the statuses:
// 0 done, 1 typed wrongly, 2 no answer from netmaster, 3 refused by netmaster, 4 a local file or output failed.

import { gotNoAnswer } from '../api/no-answer.ts'
import { readBuildInfo } from '../lib/build-info.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import { type Flags, fillFlags, type ParsedFlags, parseFlags, usage } from '../lib/flags.ts'
import { type Command, tenantFlag } from './command.ts'
import { plainCommands, topics } from './commands/index.ts'
import { type Config, configPath, readConfig } from './config.ts'
import { globalFlags, programHelp } from './help.ts'
import { CommandSession, type Surroundings } from './session.ts'
import { findTarget } from './target.ts'
import { paintFor } from './terminal.ts'

export const exitStatus = { done: 0, usage: 1, noAnswer: 2, refused: 3, localFile: 4 } as const

/** Runs one command line (without the program's name) and returns the exit status. Never throws. */
export async function netctl(argv: readonly string[], around: Surroundings): Promise<number> {
  if (argv[0] === '__complete') {
    const { printCandidates } = await import('./candidates.ts')
    await printCandidates(argv.slice(1), around)
    return exitStatus.done
  }
  let help = programHelp(topics, plainCommands)
  try {
    const target = findTarget(argv, topics, plainCommands)
    help = target.help
    const { command } = target
    const parsed = command === undefined ? noFlags : parseFlags(target.args, withGlobals(command.flags))
    const globals = { ...target.globals, ...parsed.values }
    if (globals.help === true || target.askedForHelp) {
      around.out(help)
      return exitStatus.done
    }
    if (globals.version === true) {
      around.out(`netctl version ${readBuildInfo().version}\n`)
      return exitStatus.done
    }
    if (command === undefined) throw usage(`${target.path} needs a command`.trim())
    checkWords(target.path, command.argsBeside(parsed.values), parsed.words)
    await run(command, parsed.words, globals, around)
    return exitStatus.done
  } catch (thrown: unknown) {
    const error = asNetpluginError(thrown)
    const { bold, red } = paintFor(around.terminals.err, around.env)
    around.err(`${bold(red('netctl:'))} ${adviceFor(error)}\n`)
    if (error.code === 'USAGE') around.err(`\n${error.details.help ?? help}`)
    return statusOf(error)
  }
}

const noFlags: ParsedFlags = { values: {}, words: [], rest: [] }

/** A command's own flags win where a short name means something everywhere too. */
function withGlobals(flags: Flags): Flags {
  return { ...globalFlags, ...flags }
}

function checkWords(path: string, args: readonly string[], words: readonly string[]): void {
  const missing = args.slice(words.length)
  if (missing.length > 0) throw usage(`${path} needs ${missing.map((name) => name.toUpperCase()).join(' and ')}`)
  const extra = words[args.length]
  if (extra !== undefined) throw usage(`${path} takes ${countOf(args.length)}; '${extra}' is too many`)
}

function countOf(count: number): string {
  if (count === 0) return 'no arguments'
  return count === 1 ? 'one argument' : `${count} arguments`
}

async function run(
  command: Command,
  words: readonly string[],
  given: ParsedFlags['values'],
  around: Surroundings,
): Promise<void> {
  const config = readConfig(configPath(around.env))
  const values = withTenant(command, given, config)
  const session = new CommandSession(values, config, around)
  try {
    await command.run(session, words, values)
  } catch (error) {
    if (!(error instanceof NetpluginError) || error.kind !== 'not-found') throw error
    const { suggestName } = await import('./suggest.ts')
    const { tenant } = fillFlags(tenantFlag, values)
    const hint = await suggestName(await session.netmaster(), { command, words, values, tenant })
    if (hint === undefined) throw error
    const { kind, code, message, details } = error
    throw new NetpluginError(kind, code, `${message}; did you mean '${hint.near}'?`, { cause: error, details })
  } finally {
    await session.close()
  }
}

/** The tenant of the configuration file, for commands that have one and were given none. */
function withTenant(command: Command, values: ParsedFlags['values'], config: Config): ParsedFlags['values'] {
  if (command.flags.tenant === undefined || values.tenant !== undefined || !config.tenant) return values
  return { ...values, tenant: config.tenant }
}

/** The message, with what netctl itself can add to it. */
function adviceFor({ code, kind, message }: NetpluginError): string {
  // Who cannot reach netmaster may only have to say where it is.
  if (code === 'NETMASTER_UNREACHABLE') return `${message} (--netmaster URL, or the environment variable NETMASTER)`
  if (kind === 'unauthorized') return `${message}; log in first: netctl login`
  return message
}

function statusOf(error: NetpluginError): number {
  if (error.code === 'USAGE' || error.code === 'DECLINED') return exitStatus.usage
  if (error.code === 'LOCAL_FILE') return exitStatus.localFile
  // Nor have nodes that were waited for in vain.
  if (gotNoAnswer(error) || (error.code === 'NODES_LAG' && error.details.status === undefined))
    return exitStatus.noAnswer
  return exitStatus.refused
}
