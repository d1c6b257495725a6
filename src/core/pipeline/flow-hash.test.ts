import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Flow } from '../../protocols/openflow/index.ts'
import { flowHash } from './flow-hash.ts'

const flow: Flow = {
  table: 46,
  priority: 380,
  cookie: 0n,
  match: { eth_type: 0x0800, ipv4_src: { value: '10.1.0.0', mask: '255.255.0.0' }, tcp_dst: 80 },
  actions: [
    { type: 'set_field', field: 'xreg7', value: 0x1_0000_0002n },
    { type: 'ct', commit: true, zone: 7, exec: [{ type: 'set_field', field: 'ct_mark', value: 1 }] },
  ],
  goto: 60,
}

test('a flow has one hash, in whichever order its match is written and whatever cookie it has', () => {
  const fields = Object.entries(flow.match).reverse()
  assert.equal(flowHash({ ...flow, match: Object.fromEntries(fields) }), flowHash(flow))
  const withCookie: Flow = { ...flow, cookie: 5n }
  assert.equal(flowHash(withCookie), flowHash(flow))
})

test('whatever is different in a flow makes its hash different', () => {
  const [set, track] = flow.actions
  const others: readonly Flow[] = [
    { ...flow, table: 47 },
    { ...flow, priority: 381 },
    { ...flow, goto: 61 },
    { ...flow, meter: 1 },
    { ...flow, match: {} },
    { ...flow, match: { ...flow.match, tcp_dst: 81 } },
    { ...flow, match: { ...flow.match, udp_dst: 80 } },
    { ...flow, match: { eth_type: 0x0800, ipv4_src: '10.1.0.0', tcp_dst: 80 } },
    { ...flow, match: { eth_type: 0x0800, ipv4_dst: { value: '10.1.0.0', mask: '255.255.0.0' }, tcp_dst: 80 } },
    { ...flow, match: { eth_type: 80, ipv4_src: { value: '10.1.0.0', mask: '255.255.0.0' }, tcp_dst: 0x0800 } },
    { ...flow, actions: [] },
    { ...flow, actions: [track!, set!] },
    { ...flow, actions: [set!] },
    { ...flow, actions: [{ type: 'set_field', field: 'xreg7', value: 0x2_0000_0001n }, track!] },
    { ...flow, actions: [{ type: 'set_field', field: 'xreg6', value: 0x1_0000_0002n }, track!] },
    { ...flow, actions: [set!, { type: 'ct', commit: false, zone: 7 }] },
    { ...flow, actions: [set!, { type: 'ct', commit: true, zone: 7, exec: [] }] },
  ]
  const hashes = new Set([flow, ...others].map(flowHash))
  assert.equal(hashes.size, others.length + 1)
  for (const hash of hashes) assert.ok(Number.isSafeInteger(hash) && hash >= 0 && hash < 2 ** 40)
})

test('of 200,000 flows that differ little hardly any two have the same hash', () => {
  const hashes = new Set<number>()
  for (let index = 0; index < 200_000; index++) {
    const ipv4_src = `10.0.${(index >> 8) & 255}.${index & 255}`
    hashes.add(flowHash({ ...flow, match: { ipv4_src, tcp_dst: index >> 16 }, actions: [] }))
  }
  // Of numbers of 40 bits drawn by chance it would be 0.02.
  assert.ok(hashes.size >= 200_000 - 2, `${200_000 - hashes.size} of them`)
})
