// A far namespace without a name, for tests: it goes when it is closed.

import { closeSync } from 'node:fs'
import type { OpenFarNamespace } from '../../src/drivers/host/far-namespace.ts'
import { createNamespace, inNamespace, Netlink } from '../../src/protocols/netlink/index.ts'

export function openFar(): OpenFarNamespace & { readonly close: () => void } {
  const fd = createNamespace()
  const netlink = inNamespace(fd, () => Netlink.open())
  const close = () => {
    netlink.close()
    closeSync(fd)
  }
  return { fd, netlink, keep: () => {}, close }
}
