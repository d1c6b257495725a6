// After a change: who is waited for, how long, and what is said meanwhile.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startFakeNetmaster } from './fake-netmaster.ts'
import { quiet, run, settled } from './test-lines.ts'

const node = (name: string, appliedRevision: number, alive = true) => ({ name, appliedRevision, alive })
const create = ['tenant', 'create', 'blue']
const held = 'GET /internal/v1/nodes/applied/7'
const stored = 'POST /api/v1/tenants/blue/'

async function serverWith(t: TestContext, nodes: readonly object[]) {
  const answers = { ...quiet, [stored]: {}, [held]: nodes }
  const server = await startFakeNetmaster(answers)
  t.after(() => server.close())
  return { server, answers, env: { NETMASTER: server.url } }
}

/** A clock of which each wait ends at once; the last of them ends patience. */
function waits(count: number, onWait: (wait: number) => void = () => {}) {
  let done = 0
  return {
    now: () => 0,
    after: async () => {
      done++
      onWait(done)
      if (done >= count) throw new Error('patience is over')
    },
  }
}

test('a command returns when every live node has the change', async (t) => {
  const { env, answers } = await serverWith(t, [node('node1', 6), node('node2', 0, false)])
  const clock = waits(99, (wait) => {
    if (wait === 3) answers[held] = [node('node1', 7), node('node2', 0, false)]
  })
  const { status, err } = await run(create, env, { clock })
  assert.deepEqual({ status, err }, { status: 0, err: '' })
})

test('a node that lags is named; that is a failure only for who asked to wait', async (t) => {
  const { env } = await serverWith(t, [node('node1', 6), node('node2', 7)])
  const unasked = await run(create, env, { clock: waits(2) })
  assert.deepEqual(unasked, {
    status: 0,
    out: 'Creating tenant: blue\n',
    err: 'netctl: stored, but not yet in force on node1\n',
  })
  const asked = await run([...create, '--wait'], env, { clock: waits(2) })
  assert.equal(asked.status, 2)
  assert.match(asked.err, /^netctl: stored, but not yet in force on node1 after 60 s; see netctl node ls\n$/)
  assert.match((await run([...create, '--wait=7'], env, { clock: waits(2) })).err, /after 7 s/)
})

test('nobody is waited for with --wait=0', async (t) => {
  const { env, server } = await serverWith(t, [node('node1', 6)])
  assert.equal((await run(['--wait=0', ...create], env)).status, 0)
  assert.deepEqual(server.requests, [[stored, { tenantName: 'blue' }]])
  assert.equal((await run([...create, '--wait=soon'], env)).status, 1)
})

test('a terminal shows who is waited for, and is left clean', async (t) => {
  const { env, answers, server } = await serverWith(t, [node('node1', 6), node('node2', 1)])
  const clock = waits(99, () => {
    answers[held] = [node('node1', 7), node('node2', 7)]
  })
  const { err } = await run(create, { ...env, NO_COLOR: '1' }, { clock, typist: { answers: [] } })
  assert.equal(err, '\r\x1b[Kwaiting for node1, node2 …\r\x1b[K')
  assert.deepEqual(server.requests.slice(-3), [...settled, held])
})

test('of many nodes that lag, five are named', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const { env } = await serverWith(
    t,
    names.map((name) => node(name, 1)),
  )
  const { err } = await run(create, env, { clock: waits(1) })
  assert.match(err, /on a, b, c, d, e and 2 more\n/)
})
