import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findJsonError } from './json-error.ts'

test('the place is where the text stops being JSON', () => {
  const table: readonly (readonly [string, string])[] = [
    ['{bad', 'unexpected "b" at line 1, column 2'],
    ['{"a": "x",\n  "b": }', 'unexpected "}" at line 2, column 8'],
    ['{"a": 1', 'it ends too early at line 1, column 8'],
    ['', 'it ends too early at line 1, column 1'],
    ['{"a": 01}', 'unexpected "1" at line 1, column 8'],
    ['[1, 2,]', 'unexpected "]" at line 1, column 7'],
    ['{"a": 1,}', 'unexpected "}" at line 1, column 9'],
    ['{"a" 1}', 'unexpected "1" at line 1, column 6'],
    ['"x\ny"', 'unexpected "\\"" at line 1, column 1'],
    ['nulL', 'unexpected "n" at line 1, column 1'],
    ['{} x', 'unexpected "x" at line 1, column 4'],
    ['{"a": tru', 'unexpected "t" at line 1, column 7'],
    ["{'a': 1}", 'unexpected "\'" at line 1, column 2'],
  ]
  for (const [text, expected] of table) assert.equal(findJsonError(text), expected, text)
})

test('it finds an error exactly in what JSON.parse refuses', () => {
  const text = fc.oneof(
    fc.json(),
    fc.string({ maxLength: 30 }),
    fc.stringMatching(/^[[\]{}",:0-9a-z\\. \n-]{0,30}$/),
    fc
      .tuple(fc.json(), fc.nat(200), fc.constantFrom('', '}', '"', ',', '\\'))
      .map(([json, at, what]) => json.slice(0, at) + what + json.slice(at + 1)),
  )
  fc.assert(
    fc.property(text, (input) => {
      let fine = true
      try {
        JSON.parse(input)
      } catch {
        fine = false
      }
      assert.equal(findJsonError(input) === undefined, fine)
    }),
    { numRuns: 3_000 },
  )
})

test('deep nesting and long strings are no harm', () => {
  assert.match(findJsonError(`["${'\\n'.repeat(500_000)}" x`) ?? '', /unexpected "x"/)
  assert.match(findJsonError('['.repeat(200_000)) ?? '', /ends too early/)
})
