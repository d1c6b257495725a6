// A connection as people write it: `tcp/443`, `udp/53`, `icmp`, `47`.

import type { Problem } from '../lib/errors.ts'

export interface Connection {
  /** IP protocol number. */
  readonly protocol: number
  /** Destination port; 0 where the protocol has none. */
  readonly port: number
  /** The family it is bound to; undefined: either. */
  readonly family: 'ipv6' | undefined
}

const numbers: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, icmp6: 58, sctp: 132 }
const withPorts: readonly number[] = [6, 17, 132]

/** `PROTOCOL/PORT` or `PORT/PROTOCOL`, also with a colon; without port where the protocol has none. */
export function parseConnection(text: string): Connection | Problem {
  const [first = '', second, more] = text.toLowerCase().split(/[/:]/)
  const bad = (why: string): Problem => {
    const message = `${JSON.stringify(text)} ${why}; write tcp/443, udp/53, icmp, or the number of a protocol`
    return { kind: 'invalid', code: 'INVALID_CONNECTION', message, details: { connection: text } }
  }
  const isReversed = second !== undefined && Object.hasOwn(numbers, second)
  const [word, portText] = isReversed ? [second, first] : [first, second]
  const protocol = Object.hasOwn(numbers, word) ? numbers[word] : /^\d{1,3}$/.test(word) ? Number(word) : undefined
  if (protocol === undefined || protocol > 255 || more !== undefined) return bad('names no protocol')
  const family = protocol === 58 ? 'ipv6' : undefined
  if (!withPorts.includes(protocol)) {
    return portText === undefined ? { protocol, port: 0, family } : bad('has a port, which its protocol has not')
  }
  if (portText === undefined) return bad('has no port')
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  return port >= 1 && port <= 65_535 ? { protocol, port, family } : bad('has a port outside 1 to 65535')
}

const names: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' }

/** `tcp/443`, `icmp`, `47`. */
export function formatConnection({ protocol, port }: Pick<Connection, 'protocol' | 'port'>): string {
  const name = names[protocol] ?? String(protocol)
  return port === 0 ? name : `${name}/${port}`
}
