// Starts netnames as a process that outlives this one, and ends one that is stuck.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { asError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { NamesProcesses } from './names-server.ts'

interface Options {
  /** The file that Node runs. */
  readonly entry: string
  readonly socket: string
  readonly flags: readonly string[]
}

export function namesProcesses({ entry, socket, flags }: Options, { log }: { readonly log: Log }): NamesProcesses {
  const words = ['--socket', socket, ...flags]
  const program = fingerprint(entry, words)
  return {
    program,
    start() {
      const args = [...process.execArgv, entry, ...words, '--program', program]
      // Its own session: what ends netplugin from a terminal does not reach it. Its log goes where ours does.
      const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' })
      child.on('error', (error) => log.error('names server not started', { reason: error.message }))
      child.on('exit', (status, signal) => log.info('names server ended', { pid: child.pid, status, signal }))
      child.unref()
    },
    kill() {
      try {
        const pid = Number(readFileSync(`${socket}.pid`, 'utf8'))
        // The number may be another process's by now.
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(socket)) return
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        log.debug('names server not killed', { reason: asError(error).message })
      }
    },
  }
}

/** Changes with the program, its flags and the Node that runs it. A bundle is one file; sources are those it imports from. */
export function fingerprint(entry: string, flags: readonly string[]): string {
  const hash = createHash('sha256').update([process.version, ...process.execArgv, entry, ...flags].join('\n'))
  for (const file of extname(entry) === '.ts' ? sourcesOf(entry) : [entry]) hash.update(file).update(readFileSync(file))
  return hash.digest('hex').slice(0, 16)
}

function sourcesOf(entry: string): readonly string[] {
  const root = dirname(dirname(entry))
  const folders = ['lib', 'netnames', 'protocols/dns', 'core/names', 'core/pipeline'].map((name) => join(root, name))
  const sources = folders.flatMap((folder) => globSync(join(folder, '**/*.ts')))
  return [entry, ...sources.filter((file) => !file.endsWith('.test.ts')).sort()]
}
