// The host driver on a real kernel, each test in a network namespace of its own. Needs root.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync } from 'node:fs'
import { test } from 'node:test'
import { testHost } from '../../src/drivers/host/host.contract.ts'
import { LinuxHost } from '../../src/drivers/host/linux.ts'
import { silentLog } from '../../src/lib/log.ts'
import { createNamespace, hasTxChecksum, leaveToNewNamespace, withNetlink } from '../../src/protocols/netlink/index.ts'

const isRoot = process.getuid?.() === 0

if (!isRoot) test('the host driver on a real kernel', { skip: 'needs root' }, () => {})
else {
  testHost({
    name: 'linux host',
    open: () => {
      leaveToNewNamespace()
      const host = LinuxHost.open({ log: silentLog })
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
        close: () => host.close(),
      }
    },
  })

  test('linux host: the kernel datapath is there or not, and asking does no harm', async () => {
    leaveToNewNamespace()
    const host = LinuxHost.open({ log: silentLog })
    try {
      assert.equal(host.facts().hasKernelOpenVswitch, existsSync('/sys/module/openvswitch'))
    } finally {
      await host.close()
    }
  })
}
