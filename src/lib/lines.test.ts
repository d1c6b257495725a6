import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { linesOf } from './lines.ts'

async function read(chunks: readonly Buffer[], maxChars = 1_000): Promise<string[]> {
  const lines: string[] = []
  for await (const line of linesOf(Readable.from(chunks, { objectMode: false }), maxChars)) lines.push(line)
  return lines
}

test('lines come out as they went in, however the stream is cut', async () => {
  const line = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\n'))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, at * size + size),
      )
      assert.deepEqual(await read(chunks), lines)
    }),
  )
})

test('what follows the last line end is dropped', async () => {
  assert.deepEqual(await read([Buffer.from('a\nb')]), ['a'])
})

test('a line without an end in sight is an error', async () => {
  await assert.rejects(read([Buffer.from('x'.repeat(6)), Buffer.from('y'.repeat(6))], 10), { code: 'LINE_TOO_LONG' })
})
