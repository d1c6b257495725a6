// Which build this is: the version from package.json, and the commit when the programs run from a git checkout.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface BuildInfo {
  readonly version: string
  /** Eight hex digits, or `unknown` outside a checkout. */
  readonly gitCommit: string
  /** RFC 3339, or `from source` when nothing was built. */
  readonly buildTime: string
}

/** Reads a few small files; never fails: what cannot be read is `unknown`. */
export function readBuildInfo(root: string = packageRoot()): BuildInfo {
  const version = /"version":\s*"([^"]+)"/.exec(readText(join(root, 'package.json')))?.[1] ?? 'unknown'
  return { version, gitCommit: readCommit(join(root, '.git')).slice(0, 8) || 'unknown', buildTime: 'from source' }
}

/** The folder of package.json, above this file wherever it was put. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}

function readCommit(git: string): string {
  const head = readText(join(git, 'HEAD')).trim()
  const branch = /^ref: (.+)$/.exec(head)?.[1]
  if (branch === undefined) return head
  const loose = readText(join(git, branch)).trim()
  if (loose !== '') return loose
  for (const line of readText(join(git, 'packed-refs')).split('\n')) {
    if (line.endsWith(` ${branch}`)) return line
  }
  return ''
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
