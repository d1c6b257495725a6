// Adds and deletes containers by CNI as a runtime would, starting an executable for each call, and prints how long each took.
//
//   node bench/inside/cni.ts EXECUTABLE NETWORK GROUP ROUNDS MODE
//
// MODE `turns`: in turn ours, Debian's bridge with host-local, and the same with ipMasq; each is added and deleted. `four` and
// `four-bridge`: ours or the bridge alone, four at a time, all added and then all deleted. `rules`: measures nothing and makes a
// policy of ROUNDS rules.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from '../../src/api/client.ts'
import { putAll } from './policy-rules.ts'

export interface CniTimes {
  /** Milliseconds of each call, one for each round. */
  readonly add: Readonly<Record<Subject, readonly number[]>>
  readonly del: Readonly<Record<Subject, readonly number[]>>
  /** Wall time of all of them, ms; four at a time only. */
  readonly addTotal: number
  readonly delTotal: number
}

const subjects = ['ours', 'bridge', 'masquerade'] as const
type Subject = (typeof subjects)[number]

const [executable = '', network = '', group = '', rounds = '0', mode = 'turns'] = process.argv.slice(2)

const plugins = '/usr/lib/cni'
const settleMs = 120
const bridgeConfig = (name: string, subnet: string, ipMasq: boolean) => ({
  cniVersion: '1.0.0',
  name,
  type: 'bridge',
  bridge: name,
  isGateway: true,
  ipMasq,
  ipam: { type: 'host-local', ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] },
})

const programs: Readonly<Record<Subject, { readonly file: string; readonly input: string }>> = {
  ours: {
    file: executable,
    input: JSON.stringify({ cniVersion: '1.0.0', name: network, type: 'netplugin-cni', network, group }),
  },
  bridge: { file: `${plugins}/bridge`, input: JSON.stringify(bridgeConfig('cnibench0', '10.66.0.0/16', false)) },
  masquerade: { file: `${plugins}/bridge`, input: JSON.stringify(bridgeConfig('cnibench1', '10.67.0.0/16', true)) },
}

const environment = (command: string, container: string) => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  CNI_COMMAND: command,
  CNI_CONTAINERID: container,
  CNI_NETNS: `/run/netns/${container}`,
  CNI_IFNAME: 'eth0',
  CNI_PATH: plugins,
})

function call(subject: Subject, command: string, container: string): number {
  const { file, input } = programs[subject]
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync(file, { input, env: environment(command, container), encoding: 'utf8' })
  const ms = performance.now() - start
  if (status !== 0) throw new Error(`${subject} ${command} ${container}: ${stdout}${stderr}`)
  return ms
}

function callBeside(subject: Subject, command: string, container: string): Promise<void> {
  const { file, input } = programs[subject]
  return new Promise((resolve, reject) => {
    const child = spawn(file, { env: environment(command, container), stdio: ['pipe', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (part: Buffer) => {
      said += part.toString()
    })
    child.once('error', reject)
    child.once('close', (status) => (status === 0 ? resolve() : reject(new Error(`${command} ${container}: ${said}`))))
    child.stdin.end(input)
  })
}

const ip = (...words: readonly string[]) => execFileSync('ip', words)

async function inTurns(): Promise<CniTimes> {
  const empty = () => ({ ours: [] as number[], bridge: [] as number[], masquerade: [] as number[] })
  const [add, del] = [empty(), empty()]
  for (let round = 0; round < Number(rounds); round++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const subject = subjects[(round + turn) % subjects.length] ?? 'ours'
      const container = `bench-${subject}-${round}`
      ip('netns', 'add', container)
      // What the kernel and the switch have to do after another's links came or went is not this one's.
      await pause(settleMs)
      add[subject].push(call(subject, 'ADD', container))
      del[subject].push(call(subject, 'DEL', container))
      ip('netns', 'del', container)
    }
  }
  for (const name of ['cnibench0', 'cnibench1']) ip('link', 'del', name)
  return { add, del, addTotal: 0, delTotal: 0 }
}

async function fourAtATime(subject: Subject): Promise<CniTimes> {
  const containers = Array.from({ length: Number(rounds) }, (_, index) => `bench-four-${index}`)
  for (const container of containers) ip('netns', 'add', container)
  const all = async (command: string) => {
    const waiting = [...containers]
    const start = performance.now()
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await callBeside(subject, command, next)
    }
    await Promise.all([worker(), worker(), worker(), worker()])
    return performance.now() - start
  }
  const addTotal = await all('ADD')
  const delTotal = await all('DEL')
  for (const container of containers) ip('netns', 'del', container)
  if (subject === 'bridge') ip('link', 'del', 'cnibench0')
  const none = { ours: [], bridge: [], masquerade: [] }
  return { add: none, del: none, addTotal, delTotal }
}

if (mode === 'rules') {
  const client = createClient({ baseUrl: 'http://netmaster:9999', timeoutMs: 30_000 })
  await putAll(client, group, Number(rounds))
  client.close()
}
const measure: Readonly<Record<string, () => Promise<CniTimes>>> = {
  turns: inTurns,
  four: () => fourAtATime('ours'),
  'four-bridge': () => fourAtATime('bridge'),
}
process.stdout.write(JSON.stringify((await measure[mode]?.()) ?? {}))
