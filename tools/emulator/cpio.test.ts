import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { cpioArchive } from './cpio.ts'

const archive = cpioArchive([
  { kind: 'directory', path: 'etc', mode: 0o755 },
  { kind: 'file', path: 'etc/motd', mode: 0o640, content: Buffer.from('hello') },
  { kind: 'file', path: 'init', mode: 0o755, content: Buffer.from('#!/bin/sh\n') },
])

/** Reads an archive by the specification: a header of hexadecimal fields, a name, a content, each filled up to four bytes. */
function entriesOf(bytes: Buffer): unknown[] {
  const found: unknown[] = []
  for (let at = 0; ; ) {
    assert.equal(bytes.toString('latin1', at, at + 6), '070701')
    const field = (index: number) =>
      Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16)
    const [mode, size, nameSize] = [field(1), field(6), field(11)]
    const name = bytes.toString('utf8', at + 110, at + 110 + nameSize - 1)
    const start = Math.ceil((at + 110 + nameSize) / 4) * 4
    if (name === 'TRAILER!!!') return found
    found.push([name, mode.toString(8), bytes.toString('utf8', start, start + size)])
    at = Math.ceil((start + size) / 4) * 4
  }
}

test('files and folders come with name, mode and content', () => {
  assert.deepEqual(entriesOf(archive), [
    ['etc', '40755', ''],
    ['etc/motd', '100640', 'hello'],
    ['init', '100755', '#!/bin/sh\n'],
  ])
})

const hasReader = spawnSync('busybox', ['cpio', '--help']).status === 0

test('another program reads it', { skip: hasReader ? false : 'no busybox with cpio' }, () => {
  const { stdout } = spawnSync('busybox', ['cpio', '-t'], { input: archive })
  assert.deepEqual(stdout.toString().trimEnd().split('\n'), ['etc', 'etc/motd', 'init'])
})
