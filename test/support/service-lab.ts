// Clients and providers of services in a lab, and who answers whom.

import assert from 'node:assert/strict'
import { type Container, startContainers } from './containers.ts'
import type { TestLab } from './lab.ts'

export interface ServiceCast {
  readonly lab: TestLab
  /** One on each host, image `tools`; they serve nothing. */
  readonly clients: readonly Container[]
  readonly netctl: (line: string) => Promise<string>
}

export const idle = { image: 'tools', command: ['sleep', '1d'] } as const

/** Labels of a provider, as `docker run` takes them. */
export function labelled(...labels: readonly string[]): readonly string[] {
  return labels.flatMap((label) => ['--label', label])
}

/**
 * What a client hears at a service, asking so many times: names of those who answer, and `refused`, `silent`, or `broken` where
 * nobody does; each once, sorted.
 */
export async function answersTo(client: Container, url: string, times = 20): Promise<string> {
  const failed = 'case $? in 7) echo refused;; 28) echo silent;; *) echo broken;; esac'
  const ask = `curl -s --connect-timeout 2 --max-time 3 ${url} || ${failed}`
  const said = await client.sh(`for i in $(seq ${times}); do ${ask}; done`, { timeoutMs: 90_000 })
  return [...new Set(said.trim().split('\n'))].sort().join(' ')
}

/** Waits until every client hears exactly these, asking so many times. */
export async function untilAnswers(
  { lab, clients }: ServiceCast,
  url: string,
  wanted: string,
  times?: number,
): Promise<void> {
  for (const client of clients) {
    let heard = ''
    await lab
      .until(`${client.name} to hear ${wanted} at ${url}`, async () => {
        heard = await answersTo(client, url, times)
        return heard === wanted || undefined
      })
      .catch((error: unknown) => assert.fail(`${client.name} heard ${heard}: ${error}`))
  }
}

/** A client that asks again and again until it is told to stop; resolves to how often it heard each answer. */
export interface Load {
  stop(): Promise<ReadonlyMap<string, number>>
}

let loads = 0

export async function startLoad(lab: TestLab, client: Container, url: string): Promise<Load> {
  const ask = `curl -s --connect-timeout 3 --max-time 4 ${url} || echo failed $?`
  // Its client in the host may be killed; what runs in the container goes on until it is told.
  loads++
  const flag = `/tmp/stop-${loads}`
  const loop = `while [ ! -e ${flag} ]; do ${ask}; done`
  const child = lab.spawn(client.host, ['docker', 'exec', client.name, 'sh', '-c', loop])
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8')
  })
  const lines = () => said.split('\n').slice(0, -1)
  await lab.until(`${client.name} to be served at ${url}`, () => lines().length > 5 || undefined)
  return {
    stop: async () => {
      // What is asked after this call is answered too.
      const enough = lines().length + 5
      await lab.until(`${client.name} to hear more`, () => lines().length > enough || undefined)
      await client.sh(`touch ${flag}`)
      await lab.until(`${client.name} to stop`, () => child.exitCode !== null || undefined)
      const counts = new Map<string, number>()
      for (const line of lines()) counts.set(line, (counts.get(line) ?? 0) + 1)
      return counts
    },
  }
}

export async function populate(lab: TestLab): Promise<ServiceCast> {
  const netctl = (line: string) => lab.execOk('node1', `netctl ${line}`)
  await netctl('net create front --subnet 10.1.0.0/16 --gateway 10.1.255.254 --pkt-tag 401')
  const clients = await startContainers(lab, [
    { name: 'near', host: 'node1', network: 'front', ...idle },
    { name: 'far', host: 'node2', network: 'front', ...idle },
  ])
  return { lab, clients, netctl }
}
