import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { describePipeline } from './describe.ts'
import { tableNames } from './tables.ts'

const committed = new URL('../../../docs/pipeline.md', import.meta.url)

test('docs/pipeline.md is what the declarations say', () => {
  const text = readFileSync(committed, 'utf8')
  assert.equal(text, describePipeline(), 'docs/pipeline.md is old: run node tools/describe-pipeline.ts')
})

test('the drawing shows every table', () => {
  const drawing = /```text\n([^`]*)```/.exec(describePipeline())?.[1] ?? ''
  for (const name of tableNames) assert.match(drawing, new RegExp(`\\b${name}\\b`))
})
