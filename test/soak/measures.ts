// What the numbers R1, R2 and R4 to R7 are taken from: one fault each, on a cluster that is otherwise well.

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestLab } from '../support/lab.ts'
import { startPings } from '../support/ping-stream.ts'
import type { Written } from '../support/write-stream.ts'
import type { Cluster } from './cluster.ts'
import type { Measured } from './goals.ts'
import { startAgain } from './programs.ts'

export interface Measuring {
  readonly lab: TestLab
  readonly cluster: Cluster
  readonly measured: Measured
}

const seconds = (since: number) => (performance.now() - since) / 1000
const urls = [1, 2, 3].map((number) => `http://10.77.0.${number}:9999`)
const writeStream = fileURLToPath(new URL('../support/write-stream.ts', import.meta.url))

/** A container on node1 and one on node2 that the walk does not touch. */
async function pair({ cluster }: Measuring) {
  const names = new Set(cluster.containers.keys())
  await cluster.run('node1')
  await cluster.run('node2')
  const [from, to] = [...cluster.containers.values()].filter(({ name }) => !names.has(name))
  if (from === undefined || to === undefined) throw new Error('no containers to measure with')
  return { from, to }
}

export async function measureAll(measuring: Measuring, say: (text: string) => void): Promise<void> {
  const { from, to } = await pair(measuring)
  const { lab, measured } = measuring
  const pings = () => startPings(lab, 'node1', from.name, to.ipv4)
  say('R1: agents and masters are killed under pings')
  const stream = await pings()
  for (const [host, program] of [
    ['node1', 'netplugin'],
    ['node2', 'netplugin'],
    ['node1', 'netmaster'],
  ] as const) {
    await lab.kill(host, program)
    await stream.untilAnswered()
    await startAgain(lab, host, program)
    await stream.untilAnswered()
  }
  measured.add('lost', (await stream.stop()).lost.length)

  say('R2: the switch is killed')
  for (let round = 0; round < 3; round++) {
    const others = await pings()
    await lab.kill('node1', 'ovs-vswitchd')
    const since = performance.now()
    await startAgain(lab, 'node1', 'ovs-vswitchd')
    const seen = others.received
    await lab.until('traffic to come back', () => others.received > seen || undefined, 30_000)
    measured.add('switchBack', seconds(since))
    await others.untilAnswered()
    await others.stop()
  }

  say('R4: masters are killed under writes')
  await failovers(measuring)

  say('R5: a partition heals')
  for (let round = 0; round < 2; round++) await partition(measuring)

  say('R7: a flow is removed by hand')
  for (let round = 0; round < 3; round++) {
    const count = async () => (await lab.execOk('node1', 'ovs-ofctl dump-flows np-int | grep -c cookie')).trim()
    const before = await count()
    await lab.execOk('node1', `ovs-ofctl del-flows np-int "table=0"`)
    const since = performance.now()
    await lab.until('the flows to be back', async () => (await count()) === before || undefined, 30_000)
    measured.add('drift', seconds(since))
  }
}

async function failovers({ lab, cluster, measured }: Measuring): Promise<void> {
  const written: Written[] = []
  // It writes until its input ends, which this one never does.
  const input = `${lab.directory('node1')}/writes`
  const line = 'mkfifo "$0"; exec "$1" "$2" "$3" soak <>"$0"'
  const child = lab.spawn('underlay', ['sh', '-c', line, input, process.execPath, writeStream, urls.join(',')])
  const closed = once(child, 'close')
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8')
  })
  let rest = ''
  let last = performance.now()
  const gaps: number[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const one = JSON.parse(line) as Written
      written.push(one)
      if (one.error !== '') continue
      gaps.push(seconds(last))
      last = performance.now()
    }
  })
  try {
    const more = (count: number) => {
      const wanted = written.length + count
      return lab.until('writes', () => written.length >= wanted || said !== '' || undefined, 20_000)
    }
    await more(20)
    if (said !== '') throw new Error(`the writer said: ${said}`)
    for (const host of ['node1', 'node2', 'node3']) {
      gaps.length = 0
      await lab.kill(host, 'netmaster')
      await more(20)
      measured.add('failover', Math.max(...gaps))
      await startAgain(lab, host, 'netmaster')
      await more(10)
    }
  } finally {
    child.kill('SIGKILL')
    await closed
  }
  const there = new Set(
    (JSON.parse((await cluster.ask('GET', '/api/v1/policys/')).body) as { policyName: string }[]).map(
      ({ policyName }) => policyName,
    ),
  )
  measured.add('forgotten', written.filter(({ name, error }) => error === '' && !there.has(name)).length)
  // One after the other, by one curl.
  const all = `${urls[0]}/api/v1/policys/default:soak[0-${written.length}]/`
  await lab.exec('underlay', ['curl', '-sS', '-o', '/dev/null', '-X', 'DELETE', all], { timeoutMs: 60_000 })
}

/** node3 on one side, with a container that comes meanwhile on the other. */
async function partition({ lab, cluster, measured }: Measuring): Promise<void> {
  for (const other of ['node1', 'node2']) await lab.partition('node3', other, 'both')
  await cluster.run('node1')
  await lab.heal()
  const since = performance.now()
  await lab.until(
    'hosts to converge',
    async () => {
      const { status, body } = await cluster.ask('GET', '/internal/v1/nodes')
      if (status !== 200) return undefined
      const nodes = JSON.parse(body) as { alive: boolean; appliedRevision: number }[]
      const revisions = new Set(nodes.map(({ appliedRevision }) => appliedRevision))
      return (nodes.every(({ alive }) => alive) && revisions.size === 1) || undefined
    },
    60_000,
  )
  measured.add('healed', seconds(since))
}

/** The last thing: node3 is given up while it is away. */
export async function measureReclaim({ lab, cluster, measured }: Measuring): Promise<void> {
  await lab.kill('node3', 'netplugin')
  // Refused as long as it may live.
  await lab.until(
    'node3 to be given up',
    async () => (await lab.exec('node1', 'netctl node rm --yes netplugin-node3')).code === 0 || undefined,
    60_000,
  )
  const since = performance.now()
  await lab.until(
    'its endpoints to go',
    async () => {
      const answer = await cluster.ask('GET', '/api/v1/endpoints/')
      return (answer.status === 200 && !answer.body.includes('netplugin-node3')) || undefined
    },
    60_000,
  )
  measured.add('reclaimed', seconds(since))
}
