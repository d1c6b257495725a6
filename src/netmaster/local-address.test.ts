import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { test } from 'node:test'
import { localAddress } from './local-address.ts'

const ipv4 = (address: string, internal = false): NetworkInterfaceInfo => ({
  address,
  netmask: '255.255.255.0',
  family: 'IPv4',
  mac: '02:00:00:00:00:01',
  internal,
  cidr: null,
})
const interfaces = {
  lo: [ipv4('127.0.0.1', true)],
  docker0: [ipv4('172.17.0.1')],
  veth12: [ipv4('172.18.0.1')],
  'np-host': [ipv4('172.19.0.1')],
  eth0: [ipv4('192.0.2.7')],
  eth1: [ipv4('198.51.100.7')],
}

test('the address of the host name counts when an interface has it', () => {
  assert.equal(localAddress(interfaces, ['198.51.100.7']), '198.51.100.7')
  assert.equal(localAddress(interfaces, ['127.0.1.1', '203.0.113.9']), '192.0.2.7')
})

test('interfaces of containers do not count, and without any it is the host itself', () => {
  assert.equal(localAddress(interfaces, []), '192.0.2.7')
  assert.equal(localAddress({ lo: interfaces.lo, docker0: interfaces.docker0 }, []), '127.0.0.1')
})
