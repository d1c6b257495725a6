import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Action } from '../../../protocols/openflow/index.ts'
import { datagramFlows, providerOfSlots } from './slots.ts'

const providers = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    endpointId: `${index}`,
    ipv4: `10.1.${index >> 8}.${index & 255}`,
    mac: '',
  }))

test('providers have about equal shares of the clients', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), (count) => {
      const slots = providerOfSlots(providers(count), 512)
      const most = Math.ceil(slots.length / count)
      for (const provider of new Set(slots)) {
        assert.ok(slots.filter((one) => one === provider).length <= most)
      }
    }),
    { numRuns: 50 },
  )
})

test('without providers there is nothing to choose from', () => assert.deepEqual(providerOfSlots([], 64), []))

test('when one goes, most of the clients of others stay where they are', () => {
  for (const count of [3, 8, 15]) {
    const all = providers(count)
    const before = providerOfSlots(all, 64)
    for (const gone of all) {
      const after = providerOfSlots(
        all.filter((provider) => provider !== gone),
        64,
      )
      const moved = before.filter((provider, slot) => provider !== gone && provider !== after[slot]).length
      assert.ok(moved <= before.length / 3, `${moved} of ${before.length} moved without need`)
    }
  }
})

test('datagrams are spread by port, and those of one port by address', () => {
  for (const count of [1, 2, 3, 10]) {
    const match = { eth_type: 0x0800, ip_proto: 17, udp_dst: 53 }
    const translate = ({ ipv4 }: { readonly ipv4: string }): Action => ({
      type: 'note',
      bytes: Buffer.from(ipv4).toString('hex'),
    })
    const flows = datagramFlows(match, providers(count), translate)
    const chosen = (of: (flow: (typeof flows)[0]) => boolean) =>
      new Set(flows.filter(of).map(({ actions }) => JSON.stringify(actions))).size
    assert.equal(
      chosen(({ match: { ipv4_src } }) => JSON.stringify(ipv4_src)?.includes('"0.0.0.1"') === true),
      count,
    )
    assert.ok(
      chosen(({ match: { udp_src } }) => typeof udp_src === 'object' && udp_src.value === 3) >= Math.min(2, count),
    )
  }
})
