// netdcli from the words of the command line to an exit status; the statuses are netctl's:
// 0 done, 1 typed wrongly, 2 no answer from netmaster, 3 refused by netmaster, 4 a local file or output failed.

import { gotNoAnswer } from '../api/no-answer.ts'
import { parseServerUrls } from '../api/server-urls.ts'
import { readBuildInfo } from '../lib/build-info.ts'
import { asNetpluginError, type NetpluginError } from '../lib/errors.ts'
import { fillFlags, parseFlags, usage } from '../lib/flags.ts'
import { documentFlag, loadDocument } from './documents.ts'
import { type Given, help, netdcliFlags, unusedFlags } from './flags.ts'
import { Session, type Surroundings } from './session.ts'
import { runSingle } from './single.ts'

/** Seconds. */
const defaultWait = 5

export const exitStatus = { done: 0, usage: 1, noAnswer: 2, refused: 3, localFile: 4 } as const

/** Runs one command line (without the program's name) and returns the exit status. Never throws. */
export async function netdcli(argv: readonly string[], around: Surroundings): Promise<number> {
  try {
    const { values, words } = parseFlags(argv, netdcliFlags)
    const given = fillFlags(netdcliFlags, values)
    if (given.help) around.out(help)
    else if (given.version) around.out(`netdcli version ${readBuildInfo().version}\n`)
    else await run(given, words, around)
    return exitStatus.done
  } catch (thrown: unknown) {
    const error = asNetpluginError(thrown)
    around.err(`netdcli: ${adviceFor(error)}\n`)
    if (error.code === 'USAGE') around.err(`\n${help}`)
    return statusOf(error)
  }
}

async function run(given: Given, words: readonly string[], around: Surroundings): Promise<void> {
  const document = documentFlag(given)
  const single = given.oper !== undefined || given.construct !== undefined
  if (document === undefined && !single) throw usage('say what to do: -cfg FILE and the like, or -oper and -construct')
  if (document !== undefined && single) throw usage(`${document.written} and -oper exclude each other`)
  const session = new Session(
    { url: serverUrl(given, around), insecure: given.insecure, debug: given.debug, wait: given.wait ?? defaultWait },
    around,
  )
  try {
    noteUnused(session, given)
    if (document === undefined) await runSingle(session, given, words)
    else await loadDocument(session, document, fileOf(document.written, words))
    if (given.oper !== 'get') await session.settle()
  } finally {
    await session.close()
  }
}

function fileOf(flag: string, words: readonly string[]): string {
  const [file, more] = words
  if (file === undefined) throw usage(`${flag} needs a file, or - for standard input`)
  if (more !== undefined) throw usage(`${flag} takes one file; '${more}' is too many`)
  return file
}

function noteUnused(session: Session, given: Given): void {
  for (const [name, { flag, note }] of Object.entries(unusedFlags)) {
    if (Reflect.get(given, name) !== undefined) session.note(`-${flag.names[0]} is not used: ${note}`)
  }
}

function serverUrl({ netmaster }: Given, { env }: Surroundings): string {
  const text = netmaster ?? (env.NETMASTER || 'http://localhost:9999')
  const urls = parseServerUrls(text)
  if (urls !== undefined) return urls
  throw usage(`-netmaster-url: '${text}' is no URL; it looks like http://netmaster:9999`)
}

function adviceFor({ code, message }: NetpluginError): string {
  // Who cannot reach netmaster may only have to say where it is.
  if (code !== 'NETMASTER_UNREACHABLE') return message
  return `${message} (-netmaster-url URL, or the environment variable NETMASTER)`
}

function statusOf(error: NetpluginError): number {
  if (error.code === 'USAGE') return exitStatus.usage
  if (error.code === 'LOCAL_FILE') return exitStatus.localFile
  if (gotNoAnswer(error)) return exitStatus.noAnswer
  return exitStatus.refused
}
