// Tests of netlink on a real kernel: each in a network namespace of its own, which goes when the test file ends.

import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { leaveToNewNamespace, Netlink } from '../../src/protocols/netlink/index.ts'

const isRoot = process.getuid?.() === 0

/** How many files this process has open. */
export const descriptors = () => readdirSync('/proc/self/fd').length

/** A test in a new namespace, with a connection to it. */
export function kernelTest(title: string, body: (netlink: Netlink) => void | Promise<void>): void {
  test(`netlink: ${title}`, { skip: isRoot ? false : 'needs root', timeout: 20_000 }, async () => {
    leaveToNewNamespace()
    const netlink = Netlink.open()
    try {
      await body(netlink)
    } finally {
      netlink.close()
    }
  })
}
