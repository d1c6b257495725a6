import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { cgroupRoots } from './cleanup.ts'
import { parseLabOptions } from './options.ts'
import { type LabState, parseState, readState, writeState } from './state.ts'

const state: LabState = {
  version: 1,
  status: 'up',
  token: '0123456789abcdef0123456789abcdef',
  createdAt: '2026-01-01T00:00:00.000Z',
  cgroupParent: '/netlab-x-01234567',
  options: parseLabOptions({}),
  datapath: 'netdev',
  machines: [{ name: 'underlay', pid: 4711 }],
  partitions: [],
}

test('a state that was written is read back, by its owner alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'netlab-state-'))
  try {
    const file = join(folder, 'lab', 'lab.json')
    assert.equal(readState(file), undefined)
    writeState(file, state)
    assert.deepEqual(readState(file), state)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    writeFileSync(file, '{')
    assert.throws(() => readState(file), { code: 'LAB_STATE_BROKEN', message: /lab\.json/ })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('anything but a state is refused, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      assert.throws(() => parseState(text, 'lab.json'), { code: 'LAB_STATE_BROKEN' })
    }),
    { numRuns: 500 },
  )
})

test('a state with a field missing or of another type is refused', () => {
  for (const key of ['version', 'token', 'cgroupParent', 'options', 'machines', 'partitions', 'status', 'datapath']) {
    for (const value of [undefined, 7, null]) {
      const text = JSON.stringify({ ...state, [key]: value })
      assert.throws(() => parseState(text, 'lab.json'), { code: 'LAB_STATE_BROKEN' }, `${key} = ${value}`)
    }
  }
  const machines = [{ name: 'underlay', pid: 'x' }]
  assert.throws(() => parseState(JSON.stringify({ ...state, machines }), 'lab.json'), { code: 'LAB_STATE_BROKEN' })
  assert.throws(() => parseState(JSON.stringify({ ...state, cgroupParent: '/../..' }), 'lab.json'), {
    code: 'LAB_STATE_BROKEN',
  })
})

test('cgroup hierarchies of both versions are found', () => {
  const version1 = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
50 23 0:40 / /proc rw - proc proc rw`
  assert.deepEqual(cgroupRoots(version1), ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/unified'])
  assert.deepEqual(cgroupRoots('31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate'), ['/sys/fs/cgroup'])
})
