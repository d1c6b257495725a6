import { endIn, testContainers } from './containers.contract.ts'
import { FakeHost } from './fake.ts'
import { FakeContainers } from './fake-containers.ts'

testContainers({
  name: 'fake containers',
  open: () => {
    const host = new FakeHost({ hasKernelOpenVswitch: false })
    const containers = new FakeContainers(host)
    const indexOf = (namespace: string, name: string) => containers.look(namespace).links.get(name)?.index ?? 0
    let count = 0
    return {
      containers,
      addContainer: () => {
        const namespace = `/proc/${++count}/ns/net`
        containers.add(namespace)
        return namespace
      },
      endContainer: (namespace) => containers.end(namespace),
      addPair: (name, peer, mac, isFar) => {
        const veth = {
          kind: 'create-veth',
          name,
          peer,
          mac,
          mtu: 1500,
          alias: 'netplugin:web',
          txChecksum: true,
        } as const
        host.apply([{ ...veth, isFar }])
        return host.facts().links.get(name)!
      },
      farEnd: (name) => endIn(host.facts(), name),
      addLink: (namespace, name) => void containers.addLink(namespace, { name, up: true }),
      addRoute: (namespace, destination, device) =>
        containers.addRoute(namespace, { destination, deviceIndex: indexOf(namespace, device) }),
      close: () => {},
    }
  },
})
