// Makes folders with those above them. Node's own `recursive` option never comes back where the file system answers
// "no such file" to the making of a folder in one that is there, as /proc does: a daemon would spin instead of complaining.

import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { asError, NetpluginError } from './errors.ts'

export interface FolderOptions {
  /** Permissions of the folders that are made, before the umask; 0o777 when not given. */
  readonly mode?: number
  /** What the folder is for, as in "cannot make the state directory /x". */
  readonly purpose: string
  /** The flag by which another one can be chosen. */
  readonly flag: string
}

/** Does nothing when the folder is there. Throws FOLDER_FAILED (unavailable) with the reason and the way out. */
export function makeFolder(path: string, { mode, purpose, flag }: FolderOptions): void {
  try {
    const missing: string[] = []
    for (let folder = resolve(path); !isFolder(folder); folder = dirname(folder)) missing.push(folder)
    for (const folder of missing.reverse()) makeOne(folder, mode)
  } catch (cause) {
    const message = `cannot make the ${purpose} ${path}: ${asError(cause).message}; check permissions, or choose another with ${flag}`
    throw new NetpluginError('unavailable', 'FOLDER_FAILED', message, { cause, details: { path } })
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Another process may have been faster. */
function makeOne(path: string, mode: number | undefined): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (!isFolder(path)) throw error
  }
}
