// R4: each netmaster in turn is killed while one client writes.

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Written } from '../../support/write-stream.ts'
import { startAgain } from '../programs.ts'
import { type Measuring, seconds } from './measuring.ts'

const urls = [1, 2, 3].map((number) => `http://10.77.0.${number}:9999`)
const writeStream = fileURLToPath(new URL('../../support/write-stream.ts', import.meta.url))

export async function failovers({ lab, cluster, measured }: Measuring): Promise<void> {
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
