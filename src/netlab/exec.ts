// `netlab exec`: a command in a host with our own terminal and streams.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { exitCode } from '../lib/command.ts'
import { NetpluginError } from '../lib/errors.ts'
import { enterArguments, insideEnvironment, type Machine, type MachineEnvironment, pathInside } from './namespace.ts'

export interface ExecOptions {
  readonly argv: readonly string[]
  /** Folder to start in; one that the host does not have becomes /. */
  readonly cwd: string
  /** The caller's TERM, so that editors and colours work. */
  readonly terminal: string | undefined
}

/**
 * Runs the command and resolves with its exit code (127 not found, 128 + n ended by signal n). While it runs, signals
 * meant for us end it as well: HUP and TERM are passed on, INT comes from the terminal to all of us at once.
 */
export async function execAttached(
  machine: Machine,
  environment: MachineEnvironment,
  options: ExecOptions,
): Promise<number> {
  const cwd = existsSync(pathInside(machine, options.cwd)) ? options.cwd : '/'
  // ^C is for the command to decide about: nsenter and the shell that wait for it are deaf, the command (env) is not. The
  // shell turns an end by signal into 128 + n, which deaf nsenter cannot. When we are killed, so are they (setpriv).
  const deaf = ['env', '--ignore-signal=INT,QUIT']
  const waiting = ['setpriv', '--pdeathsig', 'KILL', 'sh', '-c', '"$@"; exit $?', 'sh']
  const command = ['setpriv', '--pdeathsig', 'TERM', 'env', '--default-signal', '-C', cwd, ...options.argv]
  const [file = '', ...rest] = [...deaf, ...enterArguments(machine.pid), ...waiting, ...command]
  const terminal = options.terminal === undefined ? {} : { TERM: options.terminal }
  const child = spawn(file, rest, {
    stdio: 'inherit',
    env: { ...insideEnvironment(environment, machine.name), ...terminal },
  })
  const end = () => child.kill('SIGKILL')
  const ignore = () => {}
  process.on('SIGINT', ignore).on('SIGQUIT', ignore).on('SIGTERM', end).on('SIGHUP', end)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) =>
        reject(new NetpluginError('unavailable', 'COMMAND_MISSING', `cannot run nsenter: ${cause.message}`, { cause })),
      )
      child.once('exit', (code, signal) => resolve(exitCode(code, signal)))
    })
  } finally {
    process.off('SIGINT', ignore).off('SIGQUIT', ignore).off('SIGTERM', end).off('SIGHUP', end)
  }
}
