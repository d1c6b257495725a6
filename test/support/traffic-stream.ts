// Traffic at the rate that the goals ask for, in a process of its own, while something else happens: see traffic.ts.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Container } from './containers.ts'
import type { TestLab } from './lab.ts'
import { namespaceOf } from './policy-lab.ts'

export interface PairTraffic {
  readonly name: string
  /** Paths of network namespaces. */
  readonly client: string
  readonly server: string
  /** Of the server. */
  readonly address: string
}

export interface TrafficOptions {
  readonly pairs: readonly PairTraffic[]
  /** A second, of each pair. */
  readonly packets: number
  readonly connections: number
  /** Connections that stay and ask ten times a second. */
  readonly kept: number
}

export interface PacketProgress {
  readonly sent: number
  /** Number of the newest packet that was answered, from 0. */
  readonly newest: number
}

export interface ConnectionProgress {
  readonly tried: number
  readonly answered: number
}

/** In the order of the pairs. */
export type TrafficProgress = readonly (PacketProgress & ConnectionProgress)[]

export interface PacketReport {
  readonly sent: number
  /** As many as were sent a second: less than asked for where the machine is slow, for who is late does not catch up. */
  readonly perSecond: number
  /** When those that were not answered had been sent, as Date.now() gives it. */
  readonly lost: readonly number[]
  /** The longest time between two answers, and when it ended. */
  readonly silenceMs: number
  readonly silenceEnd: number
}

export interface ConnectionReport {
  readonly tried: number
  /** Why each did not open. */
  readonly refused: readonly string[]
  /** Why each open one ended before its answer; those that stay count as well. */
  readonly cut: readonly string[]
  /** Answered, but after more than 0.9 s: TCP had to send again. */
  readonly late: number
  readonly longestMs: number
  /** The longest wait for an answer of those that stay. */
  readonly keptLongestMs: number
}

export type PairReport = { readonly name: string } & PacketReport & ConnectionReport
export type TrafficReport = readonly PairReport[]

export const fullRate = { packets: 1_000, connections: 100, kept: 10 } as const

export interface Traffic {
  /** Resolves when every pair had an answer to a packet that was sent after this call, and after so many others. */
  more(packets?: number): Promise<void>
  /** Ends it and tells what became of everything. */
  stop(): Promise<TrafficReport>
}

export function betweenContainers(lab: TestLab, name: string, client: Container, server: Container): PairTraffic {
  return { name, client: namespaceOf(lab, client), server: namespaceOf(lab, server), address: server.ipv4 }
}

const program = fileURLToPath(new URL('./traffic.ts', import.meta.url))

/** Resolves when all pairs have had answers. */
export async function startTraffic(lab: TestLab, options: TrafficOptions): Promise<Traffic> {
  // It ends with its input, and so with this process.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  const held: { rest: string; progress?: TrafficProgress; report?: TrafficReport } = { rest: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (held.rest + chunk.toString('utf8')).split('\n')
    held.rest = lines.pop() ?? ''
    for (const line of lines) Object.assign(held, JSON.parse(line))
  })
  const more = async (packets = 0) => {
    const stale = held.progress
    const fresh = await lab.until('traffic to go on', () => {
      if (child.exitCode !== null) throw new Error(`the program that makes traffic ended with ${child.exitCode}`)
      return held.progress === stale ? undefined : held.progress
    })
    await lab.until(
      'traffic to be answered',
      () => held.progress?.every(({ newest }, at) => newest >= (fresh[at]?.sent ?? 0) + packets) || undefined,
      30_000 + (3_000 * packets) / options.packets,
    )
  }
  await more()
  return {
    more,
    stop: async () => {
      child.stdin.end()
      await closed
      if (held.report === undefined) throw new Error('the program that makes traffic said nothing in the end')
      return held.report
    },
  }
}
