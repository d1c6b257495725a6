// Runs a program to its end and hands back what it said. A deadline or a signal always bounds it.

import { type ChildProcess, spawn } from 'node:child_process'
import { asError, NetpluginError } from './errors.ts'

export interface CommandResult {
  /** 128 + number when a signal ended it, as shells say it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** The whole environment of the program; left out: ours. */
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/** Exit status as a shell shows it. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)
}

/** Resolves with any exit code; throws `unavailable` when the program cannot be started, `timeout` when the signal aborts. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions,
  signal: AbortSignal,
): Promise<CommandResult> {
  const [file = '', ...rest] = argv
  const child = spawn(file, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
    ...(options.environment === undefined ? {} : { env: { ...options.environment } }),
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => stdout.push(part))
  child.stderr.on('data', (part: Buffer) => stderr.push(part))
  // A program that ends without reading its input is no fault of ours.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const code = await closed(child, argv, signal)
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

/** The same, but any exit code besides 0 is an error (code COMMAND_FAILED) that carries what the program said. */
export async function mustRun(
  argv: readonly string[],
  options: CommandOptions,
  signal: AbortSignal,
): Promise<CommandResult> {
  const result = await runCommand(argv, options, signal)
  if (result.code === 0) return result
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-2000)
  throw new NetpluginError('internal', 'COMMAND_FAILED', `${describe(argv)} ended with ${result.code}: ${said}`, {
    details: { code: result.code },
  })
}

function closed(child: ChildProcess, argv: readonly string[], signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      if (signal.aborted) {
        reject(
          new NetpluginError(
            'timeout',
            'COMMAND_ABORTED',
            `${describe(argv)} was cut off: ${asError(signal.reason).message}`,
            {
              cause,
            },
          ),
        )
      } else {
        reject(
          new NetpluginError(
            'unavailable',
            'COMMAND_MISSING',
            `cannot run ${argv[0]}: ${cause.message}; run: make setup`,
            {
              cause,
            },
          ),
        )
      }
    })
    child.once('close', (code, ended) => resolve(exitCode(code, ended)))
  })
}

function describe(argv: readonly string[]): string {
  const text = argv.join(' ')
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
