import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStore, type Store } from '../drivers/store/index.ts'
import { NetpluginError } from '../lib/errors.ts'
import { runStoreCommand } from './store-command.ts'
import { startTestNetmaster } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'netplugin-store-command-'))
after(() => rmSync(root, { recursive: true }))

let directories = 0
const newDirectory = () => join(root, String(directories++))
const open = (directory: string) => openStore({ kind: 'sqlite', directory }, { newEpoch: () => 'epoch-of-a-test' })

async function run(...args: readonly string[]): Promise<{ readonly status: number; readonly text: string }> {
  let text = ''
  const add = (more: string) => {
    text += more
  }
  const status = await runStoreCommand(args, { out: add, error: add, env: {} })
  return { status, text }
}

async function refused(expected: string, ...args: readonly string[]): Promise<void> {
  await assert.rejects(
    run(...args),
    (error) => error instanceof NetpluginError && error.code === expected,
    args.join(' '),
  )
}

/** A store that a netmaster has filled. */
async function filled(): Promise<string> {
  const directory = newDirectory()
  const netmaster = await startTestNetmaster({ store: await open(directory) })
  await netmaster.ok('POST', '/api/v1/tenants/blue/', { tenantName: 'blue' })
  const network = { tenantName: 'blue', networkName: 'n', subnet: '10.9.0.0/24' }
  await netmaster.ok('POST', '/api/v1/networks/blue:n/', network)
  await netmaster.stop()
  return directory
}

async function using<R>(directory: string, body: (store: Store) => Promise<R>): Promise<R> {
  const store = await open(directory)
  try {
    return await body(store)
  } finally {
    await store.close()
  }
}

const content = (directory: string) =>
  using(directory, async (store) =>
    (await store.snapshot()).entries.filter(({ key }) => key !== 'meta/head').map(({ key, value }) => ({ key, value })),
  )

test('a store is copied, and a netmaster goes on with the copy', async () => {
  const from = await filled()
  const to = newDirectory()
  assert.match((await run('copy', `sqlite:${from}`, `sqlite:${to}`)).text, /entries in sqlite:/)
  assert.deepEqual(await content(to), await content(from))
  const netmaster = await startTestNetmaster({ store: await open(to) })
  assert.equal(await netmaster.refused('DELETE', '/api/v1/tenants/blue/'), 'TENANT_HAS_NETWORKS')
  await netmaster.ok('POST', '/api/v1/tenants/red/', { tenantName: 'red' })
  await netmaster.stop()
  await refused('STORE_NOT_EMPTY', 'copy', `sqlite:${from}`, `sqlite:${to}`)
  await run('copy', `sqlite:${from}`, `sqlite:${to}`, '--force')
  assert.deepEqual(await content(to), await content(from))
})

test('a backup is taken while netmaster has the store open, and restored as it was', async () => {
  const from = await filled()
  const file = join(root, 'backup')
  const before = await content(from)
  await using(from, async (store) => {
    await store.commit({ expect: [], put: [{ key: 'service/netmaster/x', value: 1 }], delete: [] })
    assert.match((await run('backup', file, '--state-dir', from)).text, /^\d+ entries of sqlite:.*, revision \d+\n$/)
  })
  const to = newDirectory()
  assert.equal((await run('restore', file, '--state-dir', to)).status, 0)
  assert.deepEqual(await content(to), before)
  assert.deepEqual(await run('check', `sqlite:${to}`).then(({ status }) => status), 0)
})

test('a backup that is cut short, changed or something else is not restored', async () => {
  const file = join(root, 'whole')
  await run('backup', file, '--state-dir', await filled())
  const text = readFileSync(file, 'utf8')
  const to = newDirectory()
  for (const broken of [
    text.slice(0, -90),
    text.replace('blue', 'blau'),
    '',
    'x\n',
    text.replace('"version":1', '"version":2'),
  ]) {
    writeFileSync(join(root, 'broken'), broken)
    await refused('BACKUP_BROKEN', 'restore', join(root, 'broken'), '--state-dir', to)
  }
  await refused('BACKUP_BROKEN', 'restore', join(root, 'none'), '--state-dir', to)
  await refused('NO_STORE', 'check', `sqlite:${to}`)
})

test('check says what is wrong, and repairs what can be repaired', async () => {
  const directory = await filled()
  assert.match((await run('check', `sqlite:${directory}`)).text, /: nothing wrong\n$/)
  await using(directory, (store) =>
    store.commit({ expect: [], put: [{ key: 'grant/vni/77', value: 'none:n' }], delete: [] }),
  )
  const wrong = await run('check', `sqlite:${directory}`)
  assert.equal(wrong.status, 1)
  assert.match(
    wrong.text,
    /^grant\/vni\/77 is granted to none:n, which .*\n {2}netmaster store check --repair\n.*: 1 thing wrong\n$/,
  )
  const repaired = await run('check', '--repair', `sqlite:${directory}`)
  assert.deepEqual([repaired.status, repaired.text.split('\n')[0]], [0, 'repaired: 0 grants made, 1 given back'])
})

test('words that are missing or unknown are told', async () => {
  assert.match((await run('--help')).text, /netmaster store check/)
  for (const args of [
    ['copy', 'sqlite:a'],
    ['backup'],
    ['burn'],
    ['check', 'a', 'b'],
    ['check', 'nowhere'],
    ['restore', 'a', '--state-store', 'oracle'],
  ]) {
    await refused('USAGE', ...args)
  }
})
