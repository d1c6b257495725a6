import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerRoutes, nameserversOnLink } from './container-routes.ts'

const servers = ['192.0.2.53', '2001:db8::53']
const vxlan = { kind: 'vxlan', vni: 1 } as const
const vlan = { kind: 'vlan', vlan: 1 } as const
const none = { gateway: '', ipv6Subnet: '', ipv6Gateway: '' }
const both = { gateway: '10.1.0.254', ipv6Subnet: 'fd01::/64', ipv6Gateway: 'fd01::fe' }

test('servers of the host are on the link where no gateway of ours leads to them, of families that the network has', () => {
  assert.deepEqual(nameserversOnLink({ encap: vxlan, ...both }, servers), [])
  assert.deepEqual(nameserversOnLink({ encap: vxlan, ...none }, servers), ['192.0.2.53/32'])
  assert.deepEqual(nameserversOnLink({ encap: vxlan, ...both, ipv6Gateway: '' }, servers), ['2001:db8::53/128'])
  assert.deepEqual(nameserversOnLink({ encap: vlan, ...both }, servers), ['192.0.2.53/32', '2001:db8::53/128'])
})

test('gateways are default routes', () => {
  assert.deepEqual(containerRoutes({ encap: vxlan, ...both }, servers), [
    { destination: '0.0.0.0/0', via: '10.1.0.254' },
    { destination: '::/0', via: 'fd01::fe' },
  ])
})
