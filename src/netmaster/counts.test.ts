// Counters are asked of the hosts when somebody wants to know them.

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { FakeClock } from '../lib/fake-clock.ts'
import { Counts } from './counts.ts'

/** A node's stream, and the questions that came down it. */
function opened(counts: Counts, node: string) {
  const stream = new PassThrough()
  const asked: { readonly id: number; readonly about: string; readonly key: string }[] = []
  stream.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString('utf8').trim().split('\n')) asked.push(JSON.parse(line))
  })
  return { asked, close: counts.opened(node, stream) }
}

const mine = [{ key: 'red:p:1', packets: 3, bytes: 300 }]

test('each host is asked on its own stream, and its answer is its own', async () => {
  const counts = new Counts({ firstId: 0 }, { clock: new FakeClock() })
  const [one, two] = [opened(counts, 'node1'), opened(counts, 'node2')]
  const asking = counts.ask(['node1', 'node2'], 'policy', 'red:p')
  await new Promise(setImmediate)
  const [first, second] = [one.asked[0], two.asked[0]]
  assert.ok(first && second)
  assert.deepEqual([first.about, first.key], ['policy', 'red:p'])
  assert.equal(counts.answered('node2', { id: first.id, counts: mine }), false, 'to a question of another host')
  assert.equal(counts.answered('node2', { id: second.id, counts: [] }), true)
  assert.equal(counts.answered('node1', { id: first.id, counts: mine }), true)
  assert.deepEqual(
    [...(await asking)],
    [
      ['node1', mine],
      ['node2', []],
    ],
  )
  assert.equal(counts.answered('node1', { id: first.id, counts: mine }), false, 'twice')
})

test('who is not there is not waited for, who does not answer not for long', async () => {
  const clock = new FakeClock()
  const counts = new Counts({ firstId: 0 }, { clock })
  const silent = opened(counts, 'node1')
  opened(counts, 'node2').close()
  const asking = counts.ask(['node1', 'node2', 'node3'], 'policy', 'red:p')
  await new Promise(setImmediate)
  clock.advance(3_000)
  assert.deepEqual([...(await asking).values()], [undefined, undefined, undefined])
  assert.equal(counts.answered('node1', { id: silent.asked[0]?.id ?? 0, counts: mine }), false, 'too late')
})
