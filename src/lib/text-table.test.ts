import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textTable } from './text-table.ts'

test('columns are as wide as their widest cell, two spaces apart, the last one unpadded', () => {
  assert.equal(
    textTable(
      [{ title: 'Name' }, { title: 'Subnet' }],
      [
        ['a-long-name', '10.0.0.0/8'],
        ['b', ''],
      ],
    ),
    ['Name         Subnet', '----         ------', 'a-long-name  10.0.0.0/8', 'b            ', ''].join('\n'),
  )
})

test('dashes may be longer than the title, and then the column is', () => {
  assert.equal(textTable([{ title: 'A', dashes: 4 }, { title: 'B' }], [['1', '2']]), 'A     B\n----  -\n1     2\n')
})

test('without rows there is the head', () => {
  assert.equal(textTable([{ title: 'A' }], []), 'A\n-\n')
})

test('a row that is too short has empty cells', () => {
  assert.equal(textTable([{ title: 'A' }, { title: 'B' }], [['1']]).split('\n')[2], '1')
})

test('titles may be painted without moving a column', () => {
  assert.equal(
    textTable([{ title: 'A', dashes: 2 }, { title: 'B' }], [['1', '2']], (line) => `<${line}>`),
    '<A   B>\n--  -\n1   2\n',
  )
})
