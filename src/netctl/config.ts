// What netctl remembers between runs: ~/.netctl/config.json, readable by its owner alone because it may hold a token.
// Unknown attributes stay as they are; other programs may keep something there.

import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { asError, NetpluginError } from '../lib/errors.ts'

export interface Config {
  /** URL of the netmaster to ask. */
  readonly netmaster?: string
  /** Tenant of commands that name none. */
  readonly tenant?: string
  /** Accept any TLS certificate. */
  readonly insecure?: boolean
  /** What `netctl login` was given; good for `netmaster` alone. */
  readonly token?: string
}

const types: Readonly<Record<keyof Config, string>> = {
  netmaster: 'string',
  tenant: 'string',
  insecure: 'boolean',
  token: 'string',
}

/** Where the file is for a home directory; undefined when there is none to look in. */
export function configPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.HOME ? join(env.HOME, '.netctl', 'config.json') : undefined
}

/** Nothing when there is no such file. Throws code LOCAL_FILE when it cannot be read or holds something else. */
export function readConfig(path: string | undefined): Config {
  const found = path === undefined ? {} : readObject(path)
  for (const [name, type] of Object.entries(types)) {
    const value = Reflect.get(found, name)
    if (value !== undefined && typeof value !== type) throw broken(path ?? '', `${name} must be a ${type}`)
  }
  return found
}

/** Changes these attributes and leaves the others. The folder becomes 0700, the file 0600, and is replaced whole. */
export function writeConfig(path: string, changes: Config): void {
  const text = `${JSON.stringify({ ...readObject(path), ...changes }, null, 2)}\n`
  try {
    mkdirSync(dirname(path), { recursive: true })
    // Also when it was there already, with other rights.
    chmodSync(dirname(path), 0o700)
    const beside = `${path}.${process.pid}`
    writeFileSync(beside, text, { mode: 0o600 })
    renameSync(beside, path)
  } catch (cause) {
    throw new NetpluginError('invalid', 'LOCAL_FILE', `${path} cannot be written: ${asError(cause).message}`, { cause })
  }
}

function readObject(path: string): object {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {}
    throw new NetpluginError('invalid', 'LOCAL_FILE', `${path} cannot be read: ${asError(cause).message}`, { cause })
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Falls through to the same advice.
  }
  throw broken(path, 'it must hold one JSON object, such as {"netmaster": "http://netmaster:9999"}')
}

function broken(path: string, why: string): NetpluginError {
  return new NetpluginError('invalid', 'LOCAL_FILE', `${path}: ${why}; correct it, or remove it and log in again`)
}
