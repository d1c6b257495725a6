// How many endpoints a netmaster of its own makes through REST, on the embedded store, and what one more client sees
// meanwhile.
//
//   node rest.ts CREATES CONNECTIONS ROUNDS      one JSON document on standard output

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { quantile } from '../result.ts'
import { cpuMs } from './process.ts'
import { RawClient } from './raw-client.ts'
import { ask, createEndpoint } from './rest-requests.ts'

/** Each by round. */
export interface RestTimes {
  /** Creates a second. */
  readonly rates: readonly number[]
  /** Processor time of the server for one of them, in microseconds. */
  readonly cpuUs: readonly number[]
  /** 99th percentile of the creates of one more client meanwhile. */
  readonly loadedP99Ms: readonly number[]
  /** The list of all endpoints of the first round: its first bytes, and the whole. */
  readonly firstByteMs: readonly number[]
  readonly listMs: readonly number[]
  /** 99th percentile of the creates of one more client while lists are read without pause. */
  readonly listingP99Ms: readonly number[]
}

const program = fileURLToPath(new URL('../../src/cmd/netmaster.ts', import.meta.url))
const prober = fileURLToPath(new URL('./one-by-one.ts', import.meta.url))
const quiet = '--disable-warning=ExperimentalWarning'
const listsInRound = 10

async function portOf(child: ChildProcess): Promise<number> {
  if (child.stderr === null) throw new Error('netmaster was started without a pipe for its log')
  for await (const line of createInterface(child.stderr)) {
    const port = /"address":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1]
    if (port !== undefined) return Number(port)
  }
  throw new Error('netmaster ended before it listened')
}

/** What one more client waits for its creates while `work` is done: milliseconds of each. */
async function meanwhile(port: number, work: () => Promise<void>): Promise<number[]> {
  const child = spawn(process.execPath, [quiet, prober, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  await lines.next()
  await work()
  child.stdin.end()
  const { value } = await lines.next()
  await once(child, 'exit')
  return JSON.parse(String(value)) as number[]
}

async function measure(child: ChildProcess, creates: number, connections: number, rounds: number): Promise<RestTimes> {
  const port = await portOf(child)
  const clients = await Promise.all(Array.from({ length: connections }, () => RawClient.connect(port)))
  const [first] = clients
  if (first === undefined) throw new Error('at least one connection is needed')
  const network = { networkName: 'bench', tenantName: 'default', subnet: '10.0.0.0/12' }
  await ask(first, 'POST', '/api/v1/networks/default:bench/', JSON.stringify(network))
  const rates: number[] = []
  const cpuUs: number[] = []
  const loadedP99Ms: number[] = []
  const listMs: number[] = []
  const firstByteMs: number[] = []
  const listingP99Ms: number[] = []
  const load = async () => {
    let left = creates
    const [started, before] = [performance.now(), cpuMs(String(child.pid))]
    await Promise.all(
      clients.map(async (client) => {
        while (left-- > 0) await createEndpoint(client)
      }),
    )
    rates.push((creates * 1_000) / (performance.now() - started))
    cpuUs.push(((cpuMs(String(child.pid)) - before) * 1_000) / creates)
  }
  const lists = async () => {
    for (let each = 0; each < listsInRound; each++) {
      const started = performance.now()
      const { firstByteAt } = await ask(first, 'GET', '/api/v1/endpoints/')
      firstByteMs.push(firstByteAt - started)
      listMs.push(performance.now() - started)
    }
  }
  // Alone first: then there are as many endpoints in the lists as were created in one round.
  await load()
  for (let round = 0; round < rounds; round++) listingP99Ms.push(quantile(await meanwhile(port, lists), 0.99))
  for (let round = 0; round < rounds; round++) loadedP99Ms.push(quantile(await meanwhile(port, load), 0.99))
  for (const client of clients) client.close()
  return { rates: rates.slice(1), cpuUs: cpuUs.slice(1), loadedP99Ms, firstByteMs, listMs, listingP99Ms }
}

const [creates = 10_000, connections = 64, rounds = 5] = process.argv.slice(2).map(Number)
const directory = mkdtempSync(join(tmpdir(), 'netplugin-bench-rest-'))
const flags = ['--mode', 'test', '--listen-url', '127.0.0.1:0', '--state-dir', directory]
const child = spawn(process.execPath, [quiet, program, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
const ended = once(child, 'exit')
try {
  process.stdout.write(JSON.stringify(await measure(child, creates, connections, rounds)))
} finally {
  child.kill('SIGTERM')
  await ended
  rmSync(directory, { recursive: true })
}
