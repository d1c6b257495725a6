// The netnames program: flags, wiring, signals, exit status (22: a flag is wrong; 1: it cannot run, or does not answer).

import { flushCompileCache } from 'node:module'
import { networkInterfaces } from 'node:os'
import { readBuildInfo } from '../lib/build-info.ts'
import { systemClock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import { createLog, type LogLevel } from '../lib/log.ts'
import { askStatus, askToStop } from '../netnames/ask.ts'
import type { NamesConfig } from '../netnames/config.ts'
import { readFlags } from '../netnames/flags.ts'
import { runNetnames } from '../netnames/run.ts'
import { exchange } from '../protocols/dns/index.ts'

const invalidFlags = 22
const askMs = 5_000

async function main(args: readonly string[]): Promise<number> {
  const answer = readFlags(args)
  switch (answer.kind) {
    case 'help':
      process.stdout.write(answer.text)
      return 0
    case 'version': {
      const { version, gitCommit } = readBuildInfo()
      process.stdout.write(`netnames ${version} (${gitCommit})\n`)
      return 0
    }
    case 'status':
      process.stdout.write(`${JSON.stringify(await askStatus(answer.socket, AbortSignal.timeout(askMs)), null, 2)}\n`)
      return 0
    case 'stop':
      await askToStop(answer.socket, AbortSignal.timeout(askMs))
      return 0
    case 'run':
      await run(answer.config, answer.logLevel)
      return 0
  }
}

async function run(config: NamesConfig, logLevel: LogLevel): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort())
  // The terminal or service that its netplugin wrote to may be gone: it answers all the same.
  process.on('SIGHUP', () => {})
  flushCompileCache()
  const log = createLog({ level: logLevel, name: 'netnames' })
  const deps = { pid: process.pid, hostAddresses, exchange, clock: systemClock, log, random: Math.random }
  await runNetnames(config, deps, stop.signal)
}

function hostAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return new Set(all.map(({ address }) => address))
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  const { code, message } = asNetpluginError(error)
  process.stderr.write(`netnames: ${message}\n`)
  if (code === 'USAGE') process.stderr.write('Try netnames --help.\n')
  process.exit(code === 'USAGE' ? invalidFlags : 1)
}
