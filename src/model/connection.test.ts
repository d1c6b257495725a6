import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProblem } from './body.ts'
import { formatConnection, parseConnection } from './connection.ts'

test('connections are read in the ways people write them', () => {
  for (const [text, protocol, port, shown] of [
    ['tcp/443', 6, 443, 'tcp/443'],
    ['443/tcp', 6, 443, 'tcp/443'],
    ['tcp:443', 6, 443, 'tcp/443'],
    ['6/443', 6, 443, 'tcp/443'],
    ['UDP/53', 17, 53, 'udp/53'],
    ['sctp/36412', 132, 36412, 'sctp/36412'],
    ['icmp', 1, 0, 'icmp'],
    ['icmp6', 58, 0, 'icmpv6'],
    ['47', 47, 0, '47'],
    ['0', 0, 0, '0'],
  ] as const) {
    const parsed = parseConnection(text)
    assert.ok(!isProblem(parsed), text)
    assert.deepEqual([parsed.protocol, parsed.port], [protocol, port], text)
    assert.equal(formatConnection(parsed), shown)
    assert.equal(parsed.family, protocol === 58 ? 'ipv6' : undefined)
  }
})

test('what is none is refused with what to write', () => {
  for (const [text, why] of [
    ['', /names no protocol/],
    ['http', /names no protocol/],
    ['constructor', /names no protocol/],
    ['256', /names no protocol/],
    ['tcp/80/90', /names no protocol/],
    ['tcp', /has no port/],
    ['tcp/', /has a port outside/],
    ['tcp/0', /has a port outside/],
    ['udp/65536', /has a port outside/],
    ['icmp/8', /has a port, which its protocol has not/],
  ] as const) {
    const parsed = parseConnection(text)
    assert.ok(isProblem(parsed), text)
    assert.equal(parsed.code, 'INVALID_CONNECTION')
    assert.match(parsed.message, why)
    assert.match(parsed.message, /write tcp\/443/)
  }
})
