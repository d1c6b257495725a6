// The netmaster program: flags, wiring, signals, exit status (22: a flag is wrong; 1: it cannot run).

import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { flushCompileCache } from 'node:module'
import { hostname, networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { openStore } from '../drivers/store/index.ts'
import { readBuildInfo } from '../lib/build-info.ts'
import { systemClock } from '../lib/clock.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { createLog } from '../lib/log.ts'
import { type NetmasterFlags, readFlags } from '../netmaster/flags.ts'
import { localAddress } from '../netmaster/local-address.ts'
import { createNetmaster } from '../netmaster/netmaster.ts'
import { describeStore, isShared, storeTarget } from '../netmaster/store-flags.ts'

/** Changes kept in memory for agents that reconnect. */
const historyLimit = 10_000
/** A name service that takes longer is not waited for. */
const lookupMs = 500
/** A stop that takes longer is cut short: everything acknowledged is on disk already. */
const stopMs = 5_000

process.exitCode = await main()

async function main(): Promise<number> {
  const args = process.argv.slice(2)
  try {
    if (args[0] === 'store') return await storeCommand(args.slice(1))
    const answer = readFlags(args, process.env)
    switch (answer.kind) {
      case 'help':
        process.stdout.write(answer.text)
        return 0
      case 'version':
        process.stdout.write(`netmaster ${readBuildInfo().version} (${readBuildInfo().gitCommit})\n`)
        return 0
      case 'run':
        return await run(answer.flags)
    }
  } catch (error) {
    process.stderr.write(`netmaster: ${asError(error).message}\n`)
    if (!(error instanceof NetpluginError)) return 1
    if (error.code === 'USAGE') process.stderr.write(`Try netmaster ${args[0] === 'store' ? 'store ' : ''}--help.\n`)
    return error.code === 'USAGE' ? 22 : 1
  }
}

/** Loads what only it needs. */
async function storeCommand(args: readonly string[]): Promise<number> {
  const { runStoreCommand } = await import('../netmaster/store-command.ts')
  const out = (text: string) => process.stdout.write(text)
  return runStoreCommand(args, { out, error: (text) => process.stderr.write(text), env: process.env })
}

async function run(flags: NetmasterFlags): Promise<number> {
  const log = createLog({ level: flags.logLevel, name: 'netmaster' })
  const { version, gitCommit, buildTime } = readBuildInfo()
  for (const note of flags.notes) log.warn(note)
  const store = await openStore(storeTarget(flags.store), { newEpoch: randomUUID, clock: systemClock, log })
  const netmaster = await createNetmaster(
    {
      clusterMode: flags.mode,
      netMode: flags.netMode,
      fwdMode: flags.fwdMode,
      version: { GitCommit: gitCommit, Version: version, BuildTime: buildTime },
      historyLimit,
      isShared: isShared(flags.store),
      instance: randomUUID(),
      loss: flags.loss,
      flows: { rule: flags.maxRuleFlows, host: flags.maxHostFlows },
      localAddress: localAddress(networkInterfaces(), await namedAddresses()),
    },
    { store, clock: systemClock, log },
  )
  const stopped = stopSignal()
  try {
    const address = await netmaster.start(flags.listen, flags.control)
    // Node would write what it compiled only at the end, and a daemon's end is often a kill.
    flushCompileCache()
    log.info('netmaster listens', {
      address,
      store: describeStore(flags.store),
      revision: netmaster.cluster.revision,
      version,
    })
    const signal = await stopped
    log.info('netmaster stops', { signal })
    return 0
  } finally {
    setTimeout(() => process.exit(1), stopMs).unref()
    await netmaster.stop()
  }
}

/** The IPv4 addresses of the host's name; none when nobody knows it. */
async function namedAddresses(): Promise<string[]> {
  const slow = delay(lookupMs, [], { ref: false })
  const found = await Promise.race([lookup(hostname(), { all: true, family: 4 }).catch(() => []), slow])
  return found.map(({ address }) => address)
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}
