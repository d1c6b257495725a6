import assert from 'node:assert/strict'
import { test } from 'node:test'
import { origin } from './fields.ts'
import { flow, tableId } from './flow.ts'
import { is } from './packets.ts'
import { printFlow, printMatch } from './print.ts'

test('a flow is printed with tables and metadata by name', () => {
  const match = { Origin: origin.endpoint, Tenant: 7, Routed: 1, ...is.ipv4, ipv4_dst: '10.1.1.2' }
  const printed = printFlow(flow('endpoint', 'Forward', 100, match, [{ set: { OutPort: 9 } }, { goto: 'Track' }]))
  assert.equal(
    printed,
    'Forward 100: Origin=endpoint Routed=1 Tenant=7 eth_type=0x800 ipv4_dst=10.1.1.2 -> set OutPort=9, goto Track',
  )
})

test('a flow without match or actions says so', () => {
  assert.equal(printFlow(flow('base', 'Tunnel', 0, {}, [])), 'Tunnel 0: any -> drop')
})

test('parts of metadata are printed as such', () => {
  const ct = {
    type: 'ct',
    zone: { field: 'reg1', offset: 16, bits: 16 },
    table: tableId('NamesOut'),
  } as const
  const output = { type: 'output_field', from: { field: 'reg3', offset: 0, bits: 16 } } as const
  const printed = printFlow(flow('names', 'Names', 1, {}, [ct, output]))
  assert.equal(printed, 'Names 1: any -> ct(table=NamesOut,zone=Tenant), output:OutPort[0..15]')
})

test('bits of a register that have no name are printed as they are', () => {
  assert.equal(printMatch({ reg1: { value: 0x100, mask: 0x300 } }), 'reg1=0x100/0x300')
})
