// A network namespace that endpoints are attached to one after the other, as Docker attaches a container's, and that hears
// everything from the instant its interface is there: a tap is open before.

import { randomBytes } from 'node:crypto'
import { closeSync } from 'node:fs'
import { createNamespace, inNamespace, openNamespace, withNetlink } from '../../src/protocols/netlink/index.ts'
import { findLayer, parsePacket } from '../../src/protocols/packet/index.ts'
import type { TestLab } from './lab.ts'
import { closeSocket, type Descriptor, openTap, receiveFrame } from './native-sockets.ts'
import { type Attached, attach, type DockerNetwork } from './plugin-socket.ts'

export interface EarPlace {
  readonly host: string
  readonly network: DockerNetwork
  /** With its prefix length. */
  readonly address: string
}

const igmp = 2

export class Ear {
  readonly #lab: TestLab
  readonly #namespace = createNamespace()
  readonly #tap: Descriptor
  readonly #heard = new Map<string, number>()
  #attached: (Attached & { readonly host: string; readonly interfaceName: string }) | undefined

  constructor(lab: TestLab) {
    this.#lab = lab
    this.#tap = inNamespace(this.#namespace, openTap)
  }

  /** Resolves when the interface is in the namespace, up, and has its address. */
  async attach({ host, network, address }: EarPlace): Promise<void> {
    this.heard()
    this.#heard.clear()
    const id = randomBytes(32).toString('hex')
    const attached = await attach(this.#lab, host, network, id, address.replace(/\/.*/, ''))
    const name = await attached.join()
    this.#attached = { ...attached, host, interfaceName: name }
    inNamespace(this.#namespaceOf(host), () =>
      withNetlink((netlink) => netlink.setLink(name, { namespaceFd: this.#namespace })),
    )
    inNamespace(this.#namespace, () =>
      withNetlink((netlink) => {
        netlink.setLink(name, { up: true })
        netlink.addAddress(netlink.link(name)?.index ?? 0, address)
      }),
    )
  }

  /** The interface goes first, as with Docker: from then on nothing is heard. */
  async detach(): Promise<void> {
    if (this.#attached === undefined) return
    const { host, interfaceName, detach } = this.#attached
    const hostNamespace = openNamespace(this.#namespaceOf(host))
    try {
      inNamespace(this.#namespace, () =>
        withNetlink((netlink) => netlink.setLink(interfaceName, { up: false, namespaceFd: hostNamespace })),
      )
    } finally {
      closeSync(hostNamespace)
    }
    this.#attached = undefined
    await detach()
  }

  close(): void {
    closeSocket(this.#tap)
    closeSync(this.#namespace)
  }

  #namespaceOf(host: string): string {
    return `/proc/${this.#lab.pid(host)}/ns/net`
  }

  /** IPv4 packets since it was attached, by sender and protocol: `10.1.1.1 udp`. */
  heard(): ReadonlyMap<string, number> {
    for (let frame = receiveFrame(this.#tap); frame !== undefined; frame = receiveFrame(this.#tap)) {
      const packet = parsePacket(frame)
      const { source, protocol } = findLayer(packet, 'ipv4') ?? {}
      // The agent asks who listens to multicast; no container has that address.
      const isQuery = source === '0.0.0.0' && protocol === igmp
      if (source === undefined || isQuery) continue
      const kind = ['tcp', 'udp', 'icmp'].find((each) => packet.layers.some((layer) => layer.kind === each))
      const key = `${source} ${kind ?? 'other'}`
      this.#heard.set(key, (this.#heard.get(key) ?? 0) + 1)
    }
    return this.#heard
  }
}
