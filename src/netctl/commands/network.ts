// netctl network: a subnet and a segment that containers attach to.

import { type Flags, usage } from '../../lib/flags.ts'
import type { NetworkInput, NetworkView } from '../../model/network.ts'
import { command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant, store } from '../object-commands.ts'
import { given } from '../output.ts'
import { networkColumns, networkWide } from '../tables.ts'
import { networkMulticastCommand } from './network-multicast.ts'

const networkKind: ObjectKind<NetworkView, NetworkInput> = {
  noun: 'network',
  plural: 'networks',
  article: 'a',
  createdOnce: true,
  collection: (netmaster) => netmaster.networks,
  name: (network) => network.networkName,
  columns: networkColumns,
  wide: networkWide,
  created: (key) => `Creating network ${key}`,
  deleting: (key) => `Deleting network ${key}`,
}

const multicastFlag = {
  multicast: {
    kind: 'text',
    names: ['multicast'],
    value: 'snoop|flood|off',
    help: 'Multicast goes to who listens, to everybody, or to nobody; snoop in bridged networks, off in routed ones when left out',
  },
} as const satisfies Flags
const natFlag = {
  kind: 'text',
  names: ['nat'],
  value: 'on|off',
  alone: 'on',
  help: 'Whether containers reach outside through their host, and -p leads to them; on where that can be',
} as const

function natOf(text: string | undefined): 'on' | 'off' | undefined {
  if (text === undefined || text === 'on' || text === 'off') return text
  if (text === 'true') return 'on'
  if (text === 'false') return 'off'
  throw usage(`--nat is on or off, not '${text}'`)
}

const create = command({
  names: ['create'],
  summary: 'Create a network',
  args: ['network'],
  creates: true,
  flags: {
    ...tenantFlag,
    subnet: { kind: 'text', names: ['subnet', 's'], value: 'SUBNET', help: 'IPv4 subnet, a.b.c.d/len; required' },
    gateway: { kind: 'text', names: ['gateway', 'g'], value: 'ADDRESS', help: 'Gateway within the subnet' },
    encap: {
      kind: 'text',
      names: ['encap', 'e'],
      value: 'vlan|vxlan',
      help: "Kind of segment; the cluster's network mode when left out",
    },
    pktTag: {
      kind: 'number',
      names: ['pkt-tag', 'p'],
      value: 'NUMBER',
      help: 'VLAN or VXLAN id; the lowest free one when left out',
    },
    subnetv6: { kind: 'text', names: ['subnetv6', 's6'], value: 'SUBNET', help: 'IPv6 subnet' },
    gatewayv6: { kind: 'text', names: ['gatewayv6', 'g6'], value: 'ADDRESS', help: 'Gateway within the IPv6 subnet' },
    nwType: {
      kind: 'text',
      names: ['nw-type', 'n'],
      value: 'data|infra',
      help: 'For containers, or for the hosts themselves',
      fallback: 'data',
    },
    nat: { ...natFlag },
    tag: { kind: 'text', names: ['nw-tag', 'tag'], value: 'TEXT', help: 'Tag to configure outside switches by' },
    ...multicastFlag,
  },
  run: ({ session, args, flags }) => {
    if (!flags.subnet) throw usage('a network needs a subnet, for example --subnet=10.1.1.0/24')
    return store(
      session,
      networkKind,
      `${flags.tenant}:${args.network}`,
      given<NetworkInput>({
        tenantName: flags.tenant,
        networkName: args.network,
        nwType: flags.nwType,
        encap: flags.encap,
        pktTag: flags.pktTag,
        subnet: flags.subnet,
        gateway: flags.gateway,
        ipv6Subnet: flags.subnetv6,
        ipv6Gateway: flags.gatewayv6,
        cfgdTag: flags.tag,
        multicast: multicastOf(flags.multicast),
        nat: natOf(flags.nat),
      }),
    )
  },
})

const set = command({
  names: ['set'],
  summary: 'Change where multicast of a network goes, or open or close its way out; what is not given stays',
  args: ['network'],
  flags: { ...tenantFlag, ...multicastFlag, nat: natFlag },
  run: async ({ session, args, flags }) => {
    const multicast = multicastOf(flags.multicast)
    const nat = natOf(flags.nat)
    if (multicast === undefined && nat === undefined) throw usage('nothing to change; give --multicast or --nat')
    const { networks } = await session.netmaster()
    const key = `${flags.tenant}:${args.network}`
    // The API takes whole objects: what was not given must go back as it is.
    const { key: _key, links: _links, 'link-sets': _sets, ...network } = await networks.get(key)
    await networks.put(key, {
      ...network,
      ...(multicast === undefined ? {} : { multicast }),
      ...(nat === undefined ? {} : { nat }),
    })
    await session.settle()
  },
})

/** What words mean is for netmaster to say. */
function multicastOf(text: string | undefined): NetworkInput['multicast'] {
  return text as NetworkInput['multicast']
}

const { remove, inspect } = removeAndInspectOfTenant(networkKind)

export const networkTopic: Topic = {
  names: ['network', 'net'],
  summary: 'Subnets that containers attach to',
  commands: [create, set, listOfTenant(networkKind), inspect, networkMulticastCommand, remove],
}
