// The namespaces of containers on a real kernel. Needs root.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { endIn, testContainers } from '../../src/drivers/host/containers.contract.ts'
import { LinuxHost } from '../../src/drivers/host/linux.ts'
import { LinuxContainers } from '../../src/drivers/host/linux-containers.ts'
import { silentLog } from '../../src/lib/log.ts'
import { leaveToNewNamespace, withNetlink } from '../../src/protocols/netlink/index.ts'
import { openFar } from '../support/far.ts'

const isRoot = process.getuid?.() === 0

if (!isRoot) test('namespaces of containers on a real kernel', { skip: 'needs root' }, () => {})
else {
  testContainers({
    name: 'linux containers',
    open: () => {
      const far = openFar()
      leaveToNewNamespace()
      const host = LinuxHost.open({ far }, { log: silentLog })
      const processes = new Map<string, ChildProcess>()
      const inside = (namespace: string, command: string) =>
        execFileSync('nsenter', [`--net=${namespace}`, 'ip', ...command.split(' ')])
      return {
        containers: new LinuxContainers({ far }),
        addContainer: () => {
          const { child, namespace } = startContainer()
          processes.set(namespace, child)
          return namespace
        },
        endContainer: (namespace) => kill(processes.get(namespace)),
        addPair: (name, peer, mac, isFar) => {
          const veth = { name, peer, mac, mtu: 1500, alias: 'netplugin:web', txChecksum: true, isFar }
          for (const { error } of host.apply([{ kind: 'create-veth', ...veth }])) assert.equal(error, undefined)
          return host.facts().links.get(name)!
        },
        farEnd: (name) => endIn(host.facts(), name),
        addLink: (namespace, name) => {
          inside(namespace, `link add ${name} up type veth peer name other`)
          inside(namespace, 'link set other up')
        },
        addRoute: (namespace, destination, device) => void inside(namespace, `route add ${destination} dev ${device}`),
        close: async () => {
          for (const child of processes.values()) kill(child)
          await host.close()
          far.close()
        },
      }
    },
  })

  test("linux containers: the host's own namespace is refused", () => {
    leaveToNewNamespace()
    assert.throws(() => new LinuxContainers().look('/proc/self/ns/net'), {
      kind: 'conflict',
      code: 'NAMESPACE_OF_HOST',
    })
  })

  test('linux containers: an IPv6 address works where the runtime switched IPv6 off', () => {
    leaveToNewNamespace()
    const { child, namespace } = startContainer()
    try {
      const containers = new LinuxContainers()
      withNetlink((netlink) => netlink.createVeth({ name: 'v6', peer: { name: 'eth0' } }))
      containers.moveIn({ link: withNetlink((netlink) => netlink.link('eth0'))!, isFar: false }, namespace)
      const off = 'echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6'
      execFileSync('nsenter', [`--net=${namespace}`, 'sh', '-c', off])
      const end = containers.look(namespace).links.get('eth0')!
      const [result] = containers.apply(namespace, [
        { kind: 'add-address', name: 'eth0', index: end.index, address: 'fd00::1/64' },
      ])
      assert.equal(result?.error, undefined)
      assert.ok(containers.look(namespace).addresses.some(({ cidr }) => cidr === 'fd00::1/64'))
    } finally {
      kill(child)
    }
  })
}

/** A process in a new, empty network namespace. */
function startContainer(): { readonly child: ChildProcess; readonly namespace: string } {
  const home = readlinkSync('/proc/self/ns/net')
  const child = spawn('unshare', ['--net', '--kill-child', 'sleep', '600'], { stdio: 'ignore' })
  const namespace = `/proc/${child.pid}/ns/net`
  const deadline = Date.now() + 5_000
  // The process is there before it has left.
  while (readlinkSync(namespace) === home) assert.ok(Date.now() < deadline, 'no new namespace within 5 s')
  return { child, namespace }
}

function kill(child: ChildProcess | undefined): void {
  if (child?.pid === undefined || child.exitCode !== null) return
  execFileSync('sh', ['-c', `kill -KILL ${child.pid}; while [ -e /proc/${child.pid}/ns/net ]; do :; done`])
}
