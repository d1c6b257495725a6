// Socket addresses as the C library has them (ip(7), ipv6(7)), and as text.

import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../lib/address.ts'
import type { Peer } from './datagrams.ts'

const families = { 4: 2, 6: 10 } as const
const lengths = { 4: 16, 6: 28 } as const
/** Family, port, address; with IPv6 the flow's label is before the address. */
const addressAt = { 4: 4, 6: 8 } as const
const addressBytes = { 4: 4, 6: 16 } as const
/** More clients than that are not remembered. */
const maxKnown = 65_536

/** struct sockaddr_in or sockaddr_in6. The address is one. */
export function socketAddress(address: string, port: number): Buffer {
  const family = address.includes(':') ? 6 : 4
  const bytes = Buffer.alloc(lengths[family])
  bytes.writeUInt16LE(families[family], 0)
  bytes.writeUInt16BE(port, 2)
  if (family === 4) bytes.writeUInt32BE(parseIpv4(address) ?? 0, addressAt[4])
  else bytes.write((parseIpv6(address) ?? 0n).toString(16).padStart(32, '0'), addressAt[6], 'hex')
  return bytes
}

/** Those of many datagrams from the same clients: text is made once. */
export class SocketAddresses {
  readonly #family: 4 | 6
  readonly #texts = new Map<string, string>()
  readonly #bytes = new Map<string, Buffer>()

  constructor(family: 4 | 6) {
    this.#family = family
  }

  /** undefined when it is of another family. */
  read(name: Buffer): Peer | undefined {
    const family = this.#family
    if (name.length !== lengths[family] || name.readUInt16LE(0) !== families[family]) return undefined
    const key = name.toString('latin1', addressAt[family], addressAt[family] + addressBytes[family])
    let address = this.#texts.get(key)
    if (address === undefined) {
      address =
        family === 4
          ? formatIpv4(name.readUInt32BE(addressAt[4]))
          : formatIpv6(BigInt(`0x${name.toString('hex', addressAt[6], addressAt[6] + 16)}`))
      if (this.#texts.size >= maxKnown) this.#texts.clear()
      this.#texts.set(key, address)
    }
    return { address, port: name.readUInt16BE(2) }
  }

  /** Valid until the next call. */
  write({ address, port }: Peer): Buffer {
    let bytes = this.#bytes.get(address)
    if (bytes === undefined) {
      bytes = socketAddress(address, port)
      if (this.#bytes.size >= maxKnown) this.#bytes.clear()
      this.#bytes.set(address, bytes)
    }
    bytes.writeUInt16BE(port, 2)
    return bytes
  }
}
