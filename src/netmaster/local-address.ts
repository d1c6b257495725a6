// The address under which others reach this host, when it listens on all of them (specification 1.3).

import type { NetworkInterfaceInfo } from 'node:os'

/** Interfaces of containers and of the host itself: nobody reaches us there. */
const notOurs = /^(docker|veth|vport|lo|np-)/

/** The address that the host's name stands for when an interface has it, else the first of a fitting interface. */
export function localAddress(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
  named: readonly string[],
): string {
  const found = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => ({ name, address })),
  )
  const own = named.find((address) => found.some((each) => each.address === address))
  return own ?? found.find(({ name }) => !notOurs.test(name))?.address ?? '127.0.0.1'
}
