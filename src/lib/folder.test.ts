import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeFolder } from './folder.ts'

const options = { purpose: 'state directory', flag: '--state-dir' }

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'netplugin-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('a folder is made with those above it, with the mode that was asked for; again is no error', (t) => {
  const folder = join(scratch(t), 'a', 'b', 'c')
  makeFolder(folder, { ...options, mode: 0o700 })
  makeFolder(folder, options)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})

test('a file in the way is named, with what to do', (t) => {
  const file = join(scratch(t), 'file')
  writeFileSync(file, '')
  for (const path of [file, join(file, 'below')]) {
    assert.throws(() => makeFolder(path, options), {
      code: 'FOLDER_FAILED',
      message: /^cannot make the state directory .*file.*; check permissions, or choose another with --state-dir$/,
    })
  }
})

test('a place where no folder can be made is told, and not tried for ever', {
  skip: process.platform !== 'linux',
}, () => {
  assert.throws(() => makeFolder('/proc/netplugin-test/state', options), { kind: 'unavailable', message: /ENOENT/ })
})
