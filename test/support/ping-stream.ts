// Pings at 100 a second from inside a container, each reply accounted for: what a restart costs traffic.

import assert from 'node:assert/strict'
import type { TestLab } from './lab.ts'

export interface PingReport {
  /** Sequence numbers without a reply, from the first to the last one that had a reply. */
  readonly lost: readonly number[]
  readonly received: number
}

export interface PingStream {
  /** How many replies have come. */
  readonly received: number
  /** Resolves when the target answers a ping that was sent after this call. */
  untilAnswered(timeoutMs?: number): Promise<void>
  /** Waits for the replies of the last second, ends it, and tells what was lost. */
  stop(): Promise<PingReport>
}

/** `container` runs on `host`. Resolves when the first reply is there. */
export async function startPings(lab: TestLab, host: string, container: string, target: string): Promise<PingStream> {
  const pid = (await lab.execOk(host, `docker inspect -f '{{.State.Pid}}' ${container}`)).trim()
  // From outside the container: docker exec would end with a Docker daemon that is restarted.
  const child = lab.spawn(host, ['nsenter', '-t', pid, '-n', 'ping', '-n', '-i', '0.01', '-W', '5', target])
  const answered = new Set<number>()
  const held = { last: 0, twice: 0, rest: '', said: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (held.rest + chunk.toString('utf8')).split('\n')
    held.rest = lines.pop() ?? ''
    for (const line of lines) {
      const seq = Number(/icmp_seq=(\d+) ttl=/.exec(line)?.[1] ?? 0)
      if (seq === 0) continue
      if (answered.has(seq)) held.twice++
      answered.add(seq)
      held.last = Math.max(held.last, seq)
    }
  })
  child.stderr.on('data', (chunk: Buffer) => {
    held.said += chunk.toString('utf8')
  })
  const more = (count: number, timeoutMs?: number) => {
    const beyond = held.last + count
    return lab.until(
      `replies of ${target} in ${container} ${held.said}`,
      () => held.last > beyond || undefined,
      timeoutMs,
    )
  }
  await more(0)
  return {
    get received() {
      return answered.size
    },
    untilAnswered: async (timeoutMs) => {
      await more(50, timeoutMs)
    },
    stop: async () => {
      await more(20)
      child.kill('SIGKILL')
      assert.equal(held.twice, 0, 'replies that came twice')
      const lost: number[] = []
      // The newest may be on their way.
      for (let seq = Math.min(...answered); seq <= held.last - 10; seq++) if (!answered.has(seq)) lost.push(seq)
      return { lost, received: answered.size }
    },
  }
}
