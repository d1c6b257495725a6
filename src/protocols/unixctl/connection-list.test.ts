import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConnections } from './connection-list.ts'

// As Open vSwitch 3.1 prints them, with the userspace datapath.
const listed = `
tcp,orig=(src=10.1.0.2,dst=10.1.0.101,sport=43932,dport=80),reply=(src=10.1.0.4,dst=10.1.0.2,sport=81,dport=43932),zone=1,protoinfo=(state=ESTABLISHED)
udp,orig=(src=10.1.0.2,dst=10.1.0.3,sport=5000,dport=53),reply=(src=10.1.0.3,dst=10.1.0.2,sport=53,dport=5000),zone=7,mark=1,labels=0x5
icmp,orig=(src=10.1.0.2,dst=10.1.0.3,id=7,type=8,code=0),reply=(src=10.1.0.3,dst=10.1.0.2,id=7,type=0,code=0)
nonsense
`

test('connections are read with both directions, zone and state', () => {
  const [tcp, udp, icmp, ...more] = parseConnections(listed)
  assert.deepEqual(tcp, {
    protocol: 'tcp',
    original: { source: '10.1.0.2', destination: '10.1.0.101', sourcePort: 43932, destinationPort: 80 },
    reply: { source: '10.1.0.4', destination: '10.1.0.2', sourcePort: 81, destinationPort: 43932 },
    zone: 1,
    state: 'ESTABLISHED',
  })
  assert.deepEqual([udp?.protocol, udp?.zone, udp?.state], ['udp', 7, ''])
  assert.deepEqual([icmp?.zone, icmp?.original.sourcePort], [0, 0])
  assert.deepEqual(more, [])
})
