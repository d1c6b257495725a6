// The DNS servers of the host that a container could be told of, from a file that is read again when it has changed.

import { readFileSync, statSync } from 'node:fs'
import { sameItems } from '../lib/same.ts'
import { parseResolvConf } from '../protocols/dns/index.ts'

/** Of the host alone. */
const ofHost = /^(127\.|::1$|fe80:)/i

export class HostNameservers {
  readonly #path: string
  #version: readonly unknown[] = []
  #servers: readonly string[] = []

  constructor({ path }: { readonly path: string }) {
    this.#path = path
  }

  /** Sorted, the same array until they change; none without a file. */
  list(): readonly string[] {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(this.#path)
      const version = [ino, size, mtimeMs, ctimeMs]
      if (sameItems(version, this.#version)) return this.#servers
      const { nameservers } = parseResolvConf(readFileSync(this.#path, 'utf8'))
      const servers = nameservers.filter((address) => !ofHost.test(address)).sort()
      if (!sameItems(servers, this.#servers)) this.#servers = servers
      this.#version = version
    } catch {
      this.#version = []
      this.#servers = []
    }
    return this.#servers
  }
}
