// The servers in the host's resolv.conf, read again when the file changes.

import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '../lib/clock.ts'
import { parseResolvConf } from '../protocols/dns/index.ts'

/** The file is looked at no more often. */
const lookEveryMs = 1_000

export class HostServers {
  readonly #path: string
  readonly #clock: Clock
  #lookedAt = Number.NEGATIVE_INFINITY
  #stamp = ''
  #servers: readonly string[] = []

  constructor(path: string, { clock }: { readonly clock: Clock }) {
    this.#path = path
    this.#clock = clock
  }

  /** In the order of the file; those on the loopback as well: this is the host. None without a file. */
  get(): readonly string[] {
    const now = this.#clock.now()
    if (Math.abs(now - this.#lookedAt) < lookEveryMs) return this.#servers
    this.#lookedAt = now
    const stat = statSync(this.#path, { throwIfNoEntry: false })
    const stamp = stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
    if (stamp === this.#stamp) return this.#servers
    this.#stamp = stamp
    this.#servers = serversIn(this.#path)
    return this.#servers
  }
}

function serversIn(path: string): readonly string[] {
  try {
    return parseResolvConf(readFileSync(path, 'utf8')).nameservers
  } catch {
    return []
  }
}
