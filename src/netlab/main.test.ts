import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../lib/clock.ts'
import { main } from './main.ts'

/** Runs a command line against an empty folder of labs. */
async function run(
  argv: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const said = { out: '', err: '' }
  const root = mkdtempSync(join(tmpdir(), 'netlab-main-'))
  try {
    const code = await main(
      argv,
      {
        clock: systemClock,
        environment: { NETLAB_DIR: root },
        isRoot: true,
        out: (text) => {
          said.out += text
        },
        error: (text) => {
          said.err += text
        },
      },
      AbortSignal.timeout(5000),
    )
    return { code, ...said }
  } finally {
    rmSync(root, { recursive: true })
  }
}

test('help is no fault and names every command', async () => {
  const { code, out } = await run(['--help'])
  assert.equal(code, 0)
  for (const command of [
    'up',
    'exec',
    'status',
    'logs',
    'kill',
    'stop',
    'start',
    'partition',
    'heal',
    'image',
    'down',
  ]) {
    assert.match(out, new RegExp(`^  ${command} `, 'm'))
  }
})

for (const argv of [
  ['nonsense'],
  ['up', '--nonsense'],
  ['up', '2', 'more'],
  ['up', '0'],
  ['up', '--name', 'No Name'],
  ['exec'],
  ['kill', 'node1'],
]) {
  test(`"netlab ${argv.join(' ')}" is a mistake of usage`, async () => {
    const { code, out, err } = await run(argv)
    assert.equal(code, 2)
    assert.equal(out, '')
    assert.notEqual(err, '')
  })
}

for (const argv of [
  ['status'],
  ['exec', '1', 'true'],
  ['logs', '1'],
  ['kill', '1', 'dockerd'],
  ['heal'],
  ['image', 'load', 'x.tar'],
]) {
  test(`"netlab ${argv.join(' ')}" without a lab says how to get one`, async () => {
    assert.deepEqual(await run(argv), {
      code: 1,
      out: '',
      err: 'netlab: lab "netplugin" is not up; start it with "netlab up"\n',
    })
  })
}

test('down is content when there is nothing', async () => {
  assert.deepEqual(await run(['down', '--name', 'other']), { code: 0, out: 'lab other was not up\n', err: '' })
  assert.deepEqual(await run(['down', '--all']), { code: 0, out: '', err: '' })
})
