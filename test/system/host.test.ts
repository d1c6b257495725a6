// The host driver on a real kernel, each test in a network namespace of its own. Needs root.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync } from 'node:fs'
import { test } from 'node:test'
import { testHost } from '../../src/drivers/host/host.contract.ts'
import { LinuxHost } from '../../src/drivers/host/linux.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createNamespace, hasTxChecksum, leaveToNewNamespace, withNetlink } from '../../src/protocols/netlink/index.ts'
import { openFar } from '../support/far.ts'

const isRoot = process.getuid?.() === 0

if (!isRoot) test('the host driver on a real kernel', { skip: 'needs root' }, () => {})
else {
  testHost({
    name: 'linux host',
    open: () => {
      const far = openFar()
      leaveToNewNamespace()
      const host = LinuxHost.open({ far }, { log: silentLog })
      return {
        host,
        addForeignVeth: (name) =>
          withNetlink((netlink) => netlink.createVeth({ name, peer: { name: `peer-${name}` } })),
        addInternalPort: (name) => void execFileSync('ip', ['tuntap', 'add', 'dev', name, 'mode', 'tap']),
        moveAway: (name) => {
          const container = createNamespace()
          withNetlink((netlink) => netlink.setLink(name, { namespaceFd: container }))
          closeSync(container)
        },
        hasTxChecksum,
        close: async () => {
          await host.close()
          far.close()
        },
      }
    },
  })

  test("linux host: others' routes are told apart from ours", async () => {
    leaveToNewNamespace()
    const host = LinuxHost.open({}, { log: silentLog })
    try {
      withNetlink((netlink) => netlink.createVeth({ name: 'out', peer: { name: 'in' } }))
      for (const name of ['out', 'in']) execFileSync('ip', ['link', 'set', name, 'up'])
      execFileSync('ip', ['addr', 'add', '10.1.0.1/24', 'dev', 'out'])
      execFileSync('ip', ['route', 'add', '10.2.0.0/24', 'via', '10.1.0.9'])
      const index = host.facts().links.get('out')?.index ?? 0
      host.apply([{ kind: 'add-route', index, destination: '10.3.0.0/24' }])
      const { routes, foreignRoutes } = host.facts()
      const destinations = (list: typeof routes) =>
        list.map(({ destination }) => destination).filter((to) => to.startsWith('10.'))
      assert.deepEqual(destinations(routes), ['10.3.0.0/24'])
      assert.deepEqual(destinations(foreignRoutes?.() ?? []), ['10.1.0.0/24', '10.2.0.0/24'])
    } finally {
      await host.close()
    }
  })

  test('linux host: the kernel datapath is there or not, and asking does no harm', async () => {
    leaveToNewNamespace()
    const host = LinuxHost.open({}, { log: silentLog })
    try {
      assert.equal(host.facts().hasKernelOpenVswitch, existsSync('/sys/module/openvswitch'))
    } finally {
      await host.close()
    }
  })
}
