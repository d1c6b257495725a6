// Copies of this repository's programs that are of another version. The next one says so, stores a field and tells a message that
// nobody knows yet, and speaks the next protocol: what the next version may do, and no more.

import assert from 'node:assert/strict'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export type Edit = readonly [file: string, now: string, next: string]

const nextVersion: readonly Edit[] = [
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

/** As before the far namespace: the far ends of CNI's pairs are on the host. */
export const withoutFarNamespace: readonly Edit[] = [
  ['src/cmd/netplugin.ts', 'FarNamespace.open({ path: farNamespacePath }, { log })', 'undefined'],
  ['src/cmd/netplugin.ts', "import { FarNamespace, farNamespacePath } from '../drivers/host/far-namespace.ts'\n", ''],
]

/** Makes another version in that folder, which must not be there. Returns what stands in for our root in command lines. */
export function makeVersion(
  folder: string,
  edits: readonly Edit[] = nextVersion,
): { readonly root: string; readonly other: string } {
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
  return { root, other: `${folder}/` }
}
