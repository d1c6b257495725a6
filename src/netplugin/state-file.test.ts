import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { applyChanges } from '../model/apply-changes.ts'
import type { ClusterState } from '../model/state.ts'
import { type SavedState, StateFile } from './state-file.ts'
import { scratch, small, withEndpoints } from './testing.ts'

function setup(t: TestContext) {
  const path = join(scratch(t), 'node', 'state.ndjson')
  return { path, file: new StateFile(path), read: () => new StateFile(path).read() }
}

/** The state with one endpoint more, and the message that makes it so. */
function grown(state: ClusterState, id: string) {
  const value = withEndpoints(state, { id, network: 'default:net', node: 'node1', ipv4: '10.1.0.9' }).endpoints.get(id)!
  const delta = {
    type: 'delta',
    revision: state.revision + 1,
    changes: [{ kind: 'endpoint', key: id, value }],
  } as const
  return { delta, state: applyChanges(state, delta.revision, delta.changes) }
}

/** States of which each has one endpoint more, told and written one after the other. */
async function written(file: StateFile, count: number): Promise<SavedState[]> {
  const told: SavedState[] = [{ epoch: 'e1', state: small() }]
  file.tell(told[0]!)
  await file.flush()
  for (let index = 0; index < count; index++) {
    const { delta, state } = grown(told.at(-1)!.state, `more${index}`)
    told.push({ epoch: 'e1', state })
    file.tell(told.at(-1)!, delta)
    await file.flush()
  }
  return told
}

test('what was told is what the next process reads, and nobody else', async (t) => {
  const { path, file, read } = setup(t)
  assert.equal(read(), undefined)
  const told = await written(file, 3)
  assert.deepEqual(read(), told.at(-1))
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a change is appended, and one that is told while nothing is written is not lost', async (t) => {
  const { path, file, read } = setup(t)
  const [first] = await written(file, 0)
  const before = readFileSync(path, 'utf8')
  const one = grown(first!.state, 'one')
  const two = grown(one.state, 'two')
  file.tell({ epoch: 'e1', state: one.state }, one.delta)
  const writing = file.flush()
  file.tell({ epoch: 'e1', state: two.state }, two.delta)
  await writing
  await file.flush()
  assert.ok(readFileSync(path, 'utf8').startsWith(before))
  assert.deepEqual(read()?.state, two.state)
})

test('wherever the file is torn, what is read is a state that was', async (t) => {
  const { path, file, read } = setup(t)
  const told = await written(file, 5)
  const text = readFileSync(path)
  const revisions = new Set<number | undefined>()
  for (let length = 0; length <= text.length; length += 7) {
    writeFileSync(path, text.subarray(0, length))
    const found = read()
    revisions.add(found?.state.revision)
    if (found !== undefined) assert.deepEqual(found, told[found.state.revision - small().revision])
  }
  for (const { state } of told.slice(0, 5)) assert.ok(revisions.has(state.revision))
  assert.ok(revisions.has(undefined))
})

test('after many changes all of it is written anew', async (t) => {
  const { path, file, read } = setup(t)
  let [last] = await written(file, 0)
  let largest = 0
  let shrank = false
  for (let round = 0; round < 40; round++) {
    for (let index = 0; index < 300; index++) {
      // The same endpoint again and again: the state does not grow, its story does.
      const { delta, state } = grown(last!.state, 'again')
      last = { epoch: 'e1', state }
      file.tell(last, delta)
    }
    await file.flush()
    const { size } = statSync(path)
    shrank ||= size < largest / 10
    largest = Math.max(largest, size)
  }
  assert.ok(shrank, `${largest} bytes at most, and never fewer`)
  assert.ok(largest < 2 ** 20 + 300 * 1_024)
  assert.deepEqual(read(), last)
})

test('what could not be written is written when that is possible again', async (t) => {
  const { path, file, read } = setup(t)
  const told = await written(file, 1)
  rmSync(path)
  mkdirSync(path)
  const { delta, state } = grown(told.at(-1)!.state, 'late')
  file.tell({ epoch: 'e1', state }, delta)
  await assert.rejects(file.flush(), /EISDIR/)
  rmSync(path, { recursive: true })
  await file.flush()
  assert.deepEqual(read()?.state, state)
})

test('what a much newer version saved is no state', async (t) => {
  const { path, file, read } = setup(t)
  file.tell({ epoch: 'e1', state: small() })
  await file.flush()
  const text = readFileSync(path, 'utf8')
  const ofVersion = (version: number) => text.replace('"version":1', `"version":${version}`)
  writeFileSync(path, ofVersion(2))
  assert.equal(read()?.state.revision, 1)
  writeFileSync(path, ofVersion(3))
  assert.equal(read(), undefined)
})
