import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readBuildInfo } from './build-info.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'

/** A folder with these files, removed after the test. */
function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'build-info-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const heads = {
  'a loose branch': { '.git/HEAD': 'ref: refs/heads/main\n', '.git/refs/heads/main': `${commit}\n` },
  'a packed branch': {
    '.git/HEAD': 'ref: refs/heads/main\n',
    '.git/packed-refs': `# pack-refs\nffff refs/heads/other\n${commit} refs/heads/main\n`,
  },
  'a detached head': { '.git/HEAD': `${commit}\n` },
}
for (const [name, files] of Object.entries(heads)) {
  test(`the commit is read from ${name}`, (t) => {
    const root = folder(t, { ...files, 'package.json': '{ "name": "x", "version": "1.2.3" }' })
    assert.deepEqual(readBuildInfo(root), { version: '1.2.3', gitCommit: '01234567', buildTime: 'from source' })
  })
}

test('outside a checkout everything is unknown and nothing fails', (t) => {
  const root = folder(t, {})
  assert.deepEqual(readBuildInfo(root), { version: 'unknown', gitCommit: 'unknown', buildTime: 'from source' })
})

test('the version of this package is found from where this file lies', () => {
  assert.match(readBuildInfo().version, /^\d+\.\d+\.\d+/)
})
