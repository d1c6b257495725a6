// Domain names on the wire and as text (RFC 1035 sections 3.1, 4.1.4 and 5.1). Text has no final dot; the root is `.`.
// A dot or backslash inside a label, and bytes outside printable ASCII, are escaped, so that text and wire stay one to one.

import { formatIpv4, formatIpv6, parseIpv4 } from '../../lib/address.ts'
import { NetpluginError } from '../../lib/errors.ts'

export const maxLabelBytes = 63
export const maxNameBytes = 255

function malformed(why: string): NetpluginError {
  return new NetpluginError('protocol', 'BAD_NAME', `a domain name ${why}`)
}

/**
 * The name that starts at `offset` without compression, as in the question of a query, and the offset after it.
 * Errors: `protocol` BAD_NAME.
 */
export function readPlainName(message: Buffer, offset: number): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let at = offset
  for (;;) {
    const length = message[at++]
    if (length === undefined) throw malformed('ends early')
    if (length === 0) break
    if (length > maxLabelBytes) throw malformed('is compressed where it must not be')
    if (at + length > message.length) throw malformed('ends early')
    if (at + length - offset >= maxNameBytes) throw malformed(`is longer than ${maxNameBytes} bytes`)
    labels.push(labelText(message, at, at + length))
    at += length
  }
  return { name: labels.length === 0 ? '.' : labels.join('.'), end: at }
}

function labelText(message: Buffer, start: number, end: number): string {
  const text = message.toString('latin1', start, end)
  if (/^[\w-]+$/.test(text)) return text
  return text.replace(/[^\x21-\x7e]|[.\\]/g, (char) =>
    char === '.' || char === '\\' ? `\\${char}` : `\\${String(char.charCodeAt(0)).padStart(3, '0')}`,
  )
}

/** The offset after the name that starts at `offset`, which may end in a pointer; the pointer is not followed. */
export function skipName(message: Buffer, offset: number): number {
  let at = offset
  for (;;) {
    const length = message[at]
    if (length === undefined || at - offset > maxNameBytes) throw malformed('ends early')
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    if (length > maxLabelBytes) throw malformed('has a label of unknown kind')
    at += length + 1
  }
}

/** The wire form of a name. Errors: `invalid` BAD_NAME. */
export function encodeName(name: string): Buffer {
  const bytes: number[] = []
  let label: number[] = []
  const endLabel = () => {
    if (label.length === 0 || label.length > maxLabelBytes) {
      throw new NetpluginError('invalid', 'BAD_NAME', `"${name}" is not a domain name: labels have 1 to 63 bytes`)
    }
    bytes.push(label.length, ...label)
    label = []
  }
  const text = name.endsWith('.') && !name.endsWith('\\.') ? name.slice(0, -1) : name
  if (text !== '') {
    for (const [part] of text.matchAll(/\\\d{3}|\\?./gsu)) {
      if (part === '.') endLabel()
      else if (part.length === 4) label.push(Number(part.slice(1)) & 0xff)
      else label.push(...Buffer.from(part.startsWith('\\') ? part.slice(1) : part, 'utf8'))
    }
    endLabel()
  }
  bytes.push(0)
  if (bytes.length > maxNameBytes) {
    throw new NetpluginError('invalid', 'BAD_NAME', `"${name}" is not a domain name: longer than ${maxNameBytes} bytes`)
  }
  return Buffer.from(bytes)
}

/** Whether DNS can hold the name. */
export function isName(text: string): boolean {
  try {
    return encodeName(text).length > 1
  } catch {
    return false
  }
}

/** The address that a name under in-addr.arpa or ip6.arpa stands for, or undefined. */
export function addressOfReverseName(name: string): string | undefined {
  const lower = name.toLowerCase()
  const v4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(lower)?.[1]
  if (v4 !== undefined) {
    const value = parseIpv4(v4.slice(0, -1).split('.').reverse().join('.'))
    return value === undefined ? undefined : formatIpv4(value)
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(lower)?.[1]
  if (v6 === undefined) return undefined
  return formatIpv6(BigInt(`0x${v6.replaceAll('.', '').split('').reverse().join('')}`))
}
