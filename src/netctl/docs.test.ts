// The page for users names every command.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { plainCommands, topics } from './commands/index.ts'

test('docs/netctl.md has every object with every command', () => {
  const rows = readFileSync(new URL('../../docs/netctl.md', import.meta.url), 'utf8').split('\n')
  const missing = [...topics.flatMap((topic) => topic.commands.map((command) => [topic, command] as const))]
    .filter(([topic, command]) => {
      const about = rows.filter((row) => row.includes(`netctl ${topic.names[0]} `))
      return !about.some((row) => new RegExp(`[ \`]${command.names[0]}[ \`]`).test(row))
    })
    .map(([topic, command]) => `${topic.names[0]} ${command.names[0]}`)
  assert.deepEqual(missing, [])
  for (const command of plainCommands) assert.ok(rows.some((row) => row.includes(`netctl ${command.names[0]}`)))
})
