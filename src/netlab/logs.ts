// `netlab logs`: prints the log files of a host as they are, with the means of `tail`.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { exitCode } from '../lib/command.ts'
import { NetpluginError } from '../lib/errors.ts'
import { hostDirectory, type LabDirectory, logFile } from './directory.ts'
import type { ProgramName } from './plan.ts'
import { programs } from './program.ts'

export interface LogsOptions {
  readonly only: ProgramName | undefined
  readonly follow: boolean
  /** Begin with so many last lines of each; left out: everything. */
  readonly lines: string | undefined
}

export async function showLogs(directory: LabDirectory, host: string, options: LogsOptions): Promise<number> {
  const lines = options.lines ?? '+1'
  if (!/^\+?\d+$/.test(lines)) {
    throw new NetpluginError('invalid', 'OPTION_INVALID', `--lines: "${lines}" is not a number`)
  }
  const files = options.only === undefined ? allLogs(directory, host) : [logOf(directory, host, options.only)]
  const child = spawn('tail', ['-n', lines, ...(options.follow ? ['-F'] : []), '--', ...files], { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(exitCode(code, signal)))
  })
}

function allLogs(directory: LabDirectory, host: string): readonly string[] {
  const folder = join(hostDirectory(directory, host), 'log')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(folder, name))
}

function logOf(directory: LabDirectory, host: string, program: ProgramName): string {
  const file = logFile(directory, host, programs[program].logFile)
  if (existsSync(file)) return file
  throw new NetpluginError('not-found', 'LOG_MISSING', `${program} has logged nothing on ${host}`)
}
