// The versions of the CNI specification as rows: what each has, and which shape its results have.

import { CniError, cniCode } from './error.ts'

export interface CniVersion {
  readonly version: string
  /** `families`: ip4 and ip6. `numbered`: a list that says the family of each. `plain`: the list without that. */
  readonly result: 'families' | 'numbered' | 'plain'
  readonly hasCheck: boolean
  /** GC and STATUS, and MTUs in results. */
  readonly hasStatus: boolean
}

const before = { hasCheck: false, hasStatus: false }

export const versions: readonly CniVersion[] = [
  { version: '0.1.0', result: 'families', ...before },
  { version: '0.2.0', result: 'families', ...before },
  { version: '0.3.0', result: 'numbered', ...before },
  { version: '0.3.1', result: 'numbered', ...before },
  { version: '0.4.0', result: 'numbered', hasCheck: true, hasStatus: false },
  { version: '1.0.0', result: 'plain', hasCheck: true, hasStatus: false },
  { version: '1.1.0', result: 'plain', hasCheck: true, hasStatus: true },
]

export const supportedVersions: readonly string[] = versions.map(({ version }) => version)

/** A configuration without a version is of the first. */
export const firstVersion = '0.1.0'
export const newestVersion = '1.1.0'

/** Throws error 1 for a version that is not among ours. */
export function findVersion(version: string): CniVersion {
  const found = versions.find((row) => row.version === version)
  if (found !== undefined) return found
  const known = supportedVersions.join(', ')
  throw new CniError(
    cniCode.incompatibleVersion,
    `cniVersion ${JSON.stringify(version)} is not supported; set one of ${known}`,
    `supported: ${known}`,
  )
}
