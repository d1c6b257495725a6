// A thousand ADD and DEL while the executable, netplugin and netmaster are killed at random: nothing is left behind, no address is
// given twice, and who lives throughout is not disturbed.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { enterArguments } from '../../src/netlab/namespace.ts'
import { onlyChild } from '../../src/netlab/process-scan.ts'
import { cniOk, makeNamespaces, shim } from '../support/cni.ts'
import { networkInventory, settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'

const hosts = ['node1', 'node2']
const lives = Number(process.env.CNI_LIVES ?? 500)
const workers = 4
/** Each life is an ADD and a DEL, both as often as it takes; so many calls are killed. */
const killedCalls = 0.08
const patience = 60
const seed = Number(process.env.CNI_SEED ?? Date.now() % 100_000)

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function numbers(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Runtime {
  readonly lab: TestLab
  readonly executable: string
  readonly random: () => number
  /** Who has an address now, as ADD answered. */
  readonly holders: Map<string, string>
  readonly twice: string[]
  killed: number
}

/** One call in a host; undefined when it was killed or refused. */
async function call(runtime: Runtime, host: string, command: string, container: string): Promise<string | undefined> {
  const { lab, executable, random } = runtime
  const environment = [
    `CNI_COMMAND=${command}`,
    `CNI_CONTAINERID=${container}`,
    `CNI_NETNS=/run/netns/${container}`,
    'CNI_IFNAME=eth0',
  ]
  const child = spawn('nsenter', [...enterArguments(lab.pid(host)).slice(1), 'env', '-i', ...environment, executable], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const output: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => output.push(part))
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify({ cniVersion: '1.0.0', name: 'n', type: 'netplugin-cni' }))
  const timer = random() < killedCalls ? setTimeout(() => killCall(runtime, child), random() * 30) : undefined
  const status = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  return status === 0 ? Buffer.concat(output).toString() : undefined
}

/** The executable itself is nsenter's child; it may have ended, or not begun. */
function killCall(runtime: Runtime, child: ChildProcess): void {
  const inside = onlyChild(child.pid ?? 0)
  if (inside === undefined) return
  runtime.killed++
  try {
    process.kill(inside, 'SIGKILL')
  } catch {
    runtime.killed--
  }
}

async function untilDone(runtime: Runtime, host: string, command: string, container: string): Promise<string> {
  for (let tries = 0; tries < patience; tries++) {
    const answer = await call(runtime, host, command, container)
    if (answer !== undefined) return answer
    // As runtimes do after an ADD that failed.
    if (command === 'ADD') await call(runtime, host, 'DEL', container)
    await pause(250)
  }
  throw new Error(`${command} of ${container} on ${host} did not succeed in ${patience} tries`)
}

async function live(runtime: Runtime, host: string, container: string): Promise<void> {
  const { lab, holders, twice } = runtime
  await makeNamespaces(lab, host, container)
  const { ips } = JSON.parse(await untilDone(runtime, host, 'ADD', container)) as { ips: { address: string }[] }
  const address = ips[0]?.address ?? ''
  const holder = holders.get(address)
  if (holder !== undefined) twice.push(`${address} of ${holder} and ${container}`)
  holders.set(address, container)
  await pause(runtime.random() * 100)
  holders.delete(address)
  await untilDone(runtime, host, 'DEL', container)
  await lab.execOk(host, `ip netns del ${container}`)
}

test('a thousand ADD and DEL with kills leave nothing', { skip: labSkip, timeout: 600_000 }, (t) =>
  withLab({ name: 'cnkill', without: ['images'], logLevel: 'warn' }, async (lab) => {
    t.diagnostic(`CNI_SEED=${seed}`)
    const random = numbers(seed)
    await lab.execOk('node1', 'netctl net create n --subnet=10.1.0.0/16 --gateway=10.1.255.254')
    for (const host of hosts) {
      await makeNamespaces(lab, host, 'anchor')
      await cniOk(lab, host, 'ADD', { container: `anchor`, netns: '/run/netns/anchor', ifname: `eth${host.slice(-1)}` })
    }
    const before = await settledInventory(lab, hosts)
    const runtime: Runtime = { lab, executable: await shim(), random, holders: new Map(), twice: [], killed: 0 }

    const pings = lab.spawn('node1', [
      'ip',
      'netns',
      'exec',
      'anchor',
      'ping',
      '-n',
      '-i',
      '0.1',
      '-W',
      '2',
      '10.1.0.2',
    ])
    let replies = ''
    pings.stdout.on('data', (part: Buffer) => {
      replies += part.toString()
    })
    const over = new AbortController()
    const killed = { netplugin: 0, netmaster: 0 }
    const kills = (async () => {
      while (!over.signal.aborted) {
        await pause(500 + random() * 1_500)
        if (over.signal.aborted) return
        const [program, host] =
          random() < 0.3
            ? (['netmaster', 'node1'] as const)
            : (['netplugin', hosts[random() < 0.5 ? 0 : 1] ?? ''] as const)
        killed[program]++
        await lab.kill(host, program)
        await lab.start(host, program)
      }
    })()
    const waiting = Array.from({ length: lives }, (_, index) => `life${index}`)
    try {
      await Promise.all(
        Array.from({ length: workers }, async (_, worker) => {
          const host = hosts[worker % hosts.length] ?? ''
          for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await live(runtime, host, next)
        }),
      )
    } finally {
      over.abort()
      await kills
    }
    t.diagnostic(
      `${2 * lives} calls to their end, ${runtime.killed} executables, ${killed.netplugin} netplugins, ${killed.netmaster} netmasters killed`,
    )
    assert.deepEqual(runtime.twice, [])
    pings.kill('SIGKILL')
    const answered = [...replies.matchAll(/icmp_seq=(\d+) ttl/g)].map(([, number]) => Number(number))
    const lost = (answered.at(-1) ?? 0) - answered.length
    t.diagnostic(`${lost} of ${answered.length} pings between two that lived throughout were lost`)
    // The userspace switch loses one now and then while a port comes or goes; nobody was cut off.
    assert.ok(lost <= answered.length / 20, `${lost} of ${answered.length} pings lost`)
    await untilAsBefore(lab, before, 60_000)
    assert.equal((await networkInventory(lab, 'default:n')).allocated, '10.1.0.1-10.1.0.2, 10.1.255.254')
  }),
)
