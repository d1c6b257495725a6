// A machine of the lab: a process tree in its own mount, net, uts, ipc and pid namespaces. Its first process holds them;
// killing that one leaves nothing behind.

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { type CommandResult, mustRun, runCommand } from '../lib/command.ts'
import { NetpluginError } from '../lib/errors.ts'
import { onlyChild } from './process-scan.ts'

/** A running machine, by the pid (as this machine counts) of its first process. */
export interface Machine {
  readonly name: string
  readonly pid: number
}

export interface MachineEnvironment {
  readonly lab: string
  readonly token: string
  readonly repository: string
}

/** What every process inside starts with: nothing of the caller's, our bin folder first, Debian's docker before any other. */
export function insideEnvironment(
  { lab, token, repository }: MachineEnvironment,
  host: string,
): Readonly<Record<string, string>> {
  return {
    PATH: `${repository}/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin`,
    HOME: '/root',
    LANG: 'C.UTF-8',
    NETLAB: lab,
    NETLAB_HOST: host,
    NETLAB_TOKEN: token,
    // netdcli looks on its own host otherwise.
    NETMASTER: 'http://netmaster:9999',
  }
}

/** Starts a machine with `script` as its first process and resolves when that has written "ready" to descriptor 3. */
export async function startMachine(
  options: {
    readonly name: string
    readonly script: string
    readonly environment: Readonly<Record<string, string>>
    readonly logFile: string
  },
  signal: AbortSignal,
): Promise<Machine> {
  const log = openSync(options.logFile, 'a')
  const unshare = ['-m', '-n', '-u', '-i', '-p', '--fork', '--kill-child', '--mount-proc']
  const child = spawn('unshare', [...unshare, 'sh', options.script], {
    stdio: ['ignore', log, log, 'pipe'],
    env: { ...options.environment },
    detached: true,
  })
  closeSync(log)
  const ready = child.stdio[3]
  try {
    await new Promise<void>((resolve, reject) => {
      const failed = (why: string) =>
        reject(
          new NetpluginError('internal', 'MACHINE_START_FAILED', `${options.name} ${why}: ${tail(options.logFile, 5)}`),
        )
      child.once('error', (error) => failed(`cannot be started (${error.message})`))
      child.once('exit', () => failed('ended while it started'))
      ready?.once('data', () => resolve())
      ready?.once('end', () => failed('gave up while it started'))
      signal.addEventListener('abort', () => failed('was not ready in time'), { once: true })
    })
  } finally {
    child.unref()
    ready?.destroy()
  }
  const pid = onlyChild(child.pid ?? 0)
  if (pid === undefined) {
    throw new NetpluginError('internal', 'MACHINE_START_FAILED', `${options.name} ended right after it started`)
  }
  return { name: options.name, pid }
}

/** The arguments that put a command inside a machine. Without `cwd` it starts in /. */
export function enterArguments(pid: number, cwd?: string): readonly string[] {
  return [
    'nsenter',
    '-t',
    String(pid),
    '-m',
    '-n',
    '-u',
    '-i',
    '-p',
    ...(cwd === undefined ? [] : ['--wdns', cwd]),
    '--',
  ]
}

/** Runs a command inside; any exit code resolves. */
export function runInside(
  machine: Machine,
  argv: readonly string[],
  options: { readonly environment: Readonly<Record<string, string>>; readonly input?: string | Uint8Array },
  signal: AbortSignal,
): Promise<CommandResult> {
  return runCommand([...enterArguments(machine.pid), ...argv], options, signal)
}

/** Runs a command inside; an exit code besides 0 is an error. */
export function mustRunInside(
  machine: Machine,
  argv: readonly string[],
  options: { readonly environment: Readonly<Record<string, string>>; readonly input?: string | Uint8Array },
  signal: AbortSignal,
): Promise<CommandResult> {
  return mustRun([...enterArguments(machine.pid), ...argv], options, signal)
}

/** A path inside a machine, as seen from here. */
export function pathInside(machine: Machine, path: string): string {
  return `/proc/${machine.pid}/root${path}`
}

/** The last lines of a file, for error messages. */
export function tail(file: string, lines: number): string {
  if (!existsSync(file)) return '(nothing logged)'
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') || '(nothing logged)'
}
