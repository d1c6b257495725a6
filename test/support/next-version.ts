// A copy of this repository's programs that is one version ahead: it says so, stores a field and tells a message that nobody knows
// yet, and speaks the next protocol. What the next version may do, and no more.

import assert from 'node:assert/strict'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const edits: readonly (readonly [file: string, now: string, next: string])[] = [
  ['src/model/versions.ts', 'stateVersion = 1', 'stateVersion = 2'],
  ['src/model/versions.ts', 'nodeProtocol = 1', 'nodeProtocol = 2'],
  ['src/netmaster/store-keys.ts', '{ ...record, v: stateVersion }', "{ ...record, v: stateVersion, later: 'x' }"],
  [
    'src/netmaster/stream.ts',
    "await write(output, line({ type: 'end', revision }), signal)",
    "await write(output, line({ type: 'later' } as never), signal)\n  await write(output, line({ type: 'end', revision }), signal)",
  ],
  ['src/netplugin/master-link.ts', '      appliedRevision,\n', '      appliedRevision,\n      later: 1,\n'],
  ['src/api/node-client.ts', 'body: RegisterInput, signal', 'body: RegisterInput & { later?: 1 }, signal'],
]

/** Makes it in that folder, which must not be there. Returns what stands in for our root in command lines. */
export function makeNextVersion(folder: string): { readonly root: string; readonly next: string } {
  for (const part of ['src', 'bin', 'native', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [file, now, next] of edits) {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    assert.ok(text.includes(now), `${file} has no ${now}`)
    writeFileSync(
      path,
      text.replace(now, () => next),
    )
  }
  return { root, next: `${folder}/` }
}
