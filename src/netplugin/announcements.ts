// Who has come to a VLAN of this host. A MAC follows its address: where another host had it before, the physical switches look for
// it there until its new owner speaks, and one that only listens never would. So the agent speaks for it, twice:
// Open vSwitch with bonded uplinks believes no announcement for 5 s after one of the same MAC from its own side, which it may be an echo of.

import type { LocalEndpoint, NodeNetwork } from '../core/compile/node-network.ts'
import { portNames } from '../core/pipeline/facts.ts'
import { tagged } from '../core/pipeline/packets.ts'
import type { PacketOut } from '../protocols/openflow/index.ts'
import { buildPacket } from '../protocols/packet/index.ts'

const againMs = 5_500

export class Announcements {
  /** When each was announced first; undefined: the second time has come, too. */
  #known: ReadonlyMap<string, number | undefined> = new Map()

  /**
   * Of those that were not here in the last call, or had another address, and of those that came a while ago: a gratuitous ARP
   * request each (RFC 5227 section 3).
   */
  next({ local }: NodeNetwork, ofPorts: ReadonlyMap<string, number>, now: number): readonly PacketOut[] {
    const uplink = ofPorts.get(portNames.uplink)
    if (uplink === undefined) return []
    const here = [...local.values()].filter(({ portName }) => ofPorts.has(portName))
    const known = new Map<string, number | undefined>()
    const packets: PacketOut[] = []
    for (const endpoint of here) {
      const key = keyOf(endpoint)
      const first = this.#known.has(key) ? this.#known.get(key) : now
      const isDue = first !== undefined && (!this.#known.has(key) || now - first >= againMs)
      known.set(key, isDue && this.#known.has(key) ? undefined : first)
      if (isDue) packets.push(...announcement(endpoint, uplink))
    }
    this.#known = known
    return packets
  }
}

function keyOf({ endpointId, ipv4, mac }: LocalEndpoint): string {
  return `${endpointId} ${ipv4} ${mac}`
}

function announcement({ network, mac, ipv4 }: LocalEndpoint, uplink: number): PacketOut[] {
  if (network.encap.kind !== 'vlan') return []
  const packet = buildPacket([
    { kind: 'ethernet', source: mac, destination: 'ff:ff:ff:ff:ff:ff' },
    {
      kind: 'arp',
      operation: 1,
      senderMac: mac,
      senderIp: ipv4,
      targetMac: '00:00:00:00:00:00',
      targetIp: ipv4,
    },
  ])
  return [
    {
      inPort: 'controller',
      actions: [
        { type: 'push_vlan' },
        { type: 'set_field', field: 'vlan_vid', value: tagged(network.encap.vlan) },
        { type: 'output', port: uplink },
      ],
      packet,
    },
  ]
}
