// Settings of the kernel for the network namespace that the thread is in (sysctl net.*).

import { existsSync, writeFileSync } from 'node:fs'

/** Sets `net/<name>`. A kernel without it, as without IPv6, has nothing to set. */
export function setKernel(name: string, value: string): void {
  const path = `/proc/sys/net/${name}`
  if (existsSync(path)) writeFileSync(path, value)
}
