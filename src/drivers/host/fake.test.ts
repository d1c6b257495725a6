import { FakeHost } from './fake.ts'
import { testHost } from './host.contract.ts'

testHost({
  name: 'fake host',
  open: () => {
    const host = new FakeHost({ hasKernelOpenVswitch: false })
    return {
      host,
      addForeignVeth: (name) => {
        const peer = host.addLink({ name: `peer-${name}`, kind: 'veth' })
        host.addLink({ name, kind: 'veth', peerIndex: peer.index })
      },
      addInternalPort: (name) => void host.addLink({ name, kind: 'tun' }),
      moveAway: (name) => host.moveAway(name),
      hasTxChecksum: (name) => !host.txChecksumOff.has(name),
      close: () => host.close(),
    }
  },
})
