import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { JsonFile } from './json-file.ts'
import { scratch } from './testing.ts'

test('what was written is read by the next process, from a folder that did not exist', async (t) => {
  const path = join(scratch(t), 'a', 'b', 'file.json')
  await new JsonFile(path).write({ answer: 42 })
  assert.deepEqual(new JsonFile(path).read(), { answer: 42 })
})

test('nobody else can read the file', async (t) => {
  const path = join(scratch(t), 'file.json')
  await new JsonFile(path).write(1)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('no file, and a file that is no JSON, are nothing', (t) => {
  const path = join(scratch(t), 'file.json')
  assert.equal(new JsonFile(path).read(), undefined)
  writeFileSync(path, '{"half":')
  assert.equal(new JsonFile(path).read(), undefined)
})

test('a write that was torn leaves the file as it was', async (t) => {
  const path = join(scratch(t), 'file.json')
  await new JsonFile(path).write('old')
  // Where a process died that was writing.
  writeFileSync(`${path}.new`, '"ne')
  const file = new JsonFile<string>(path)
  assert.equal(file.read(), 'old')
  await file.write('newer')
  assert.equal(file.read(), 'newer')
})

test('of many writes at once the last stays, and each caller waits for a value as new as its own', async (t) => {
  const path = join(scratch(t), 'file.json')
  const file = new JsonFile<number>(path)
  const seen: number[] = []
  const write = async (value: number) => {
    await file.write(value)
    seen.push(Number(readFileSync(path, 'utf8')) - value)
  }
  await Promise.all(Array.from({ length: 50 }, (_, value) => write(value)))
  assert.equal(file.read(), 49)
  assert.ok(
    seen.every((ahead) => ahead >= 0),
    `older values than were written: ${seen}`,
  )
})

test('a write that fails says so, and does not keep later ones from being done', async (t) => {
  const path = join(scratch(t), 'file.json')
  const file = new JsonFile<string>(path)
  mkdirSync(`${path}.new`)
  await assert.rejects(file.write('one'), { code: 'EISDIR' })
  rmdirSync(`${path}.new`)
  await file.write('two')
  assert.equal(file.read(), 'two')
})
