// netctl bgp: hosts that exchange routes with a router outside.

import { usage } from '../../lib/flags.ts'
import type { BgpInput, BgpView } from '../../model/bgp.ts'
import { command, type Topic } from '../command.ts'
import { listOfCluster, type ObjectKind, removeAndInspectOfCluster, store } from '../object-commands.ts'
import { given } from '../output.ts'
import { bgpColumns } from '../tables.ts'

const bgpKind: ObjectKind<BgpView, BgpInput> = {
  noun: 'host',
  plural: 'hosts with BGP',
  article: 'the BGP settings of a',
  collection: (netmaster) => netmaster.bgps,
  name: (bgp) => bgp.hostname,
  columns: bgpColumns,
  wide: [],
  deleting: (key) => `Deleting Bgp router config: ${key}`,
}

const create = command({
  names: ['create'],
  summary: 'Let a host exchange routes with a router outside, or change how',
  args: ['host'],
  creates: true,
  flags: {
    routerIp: { kind: 'text', names: ['router-ip'], value: 'SUBNET', help: "The host's address towards the router" },
    as: { kind: 'text', names: ['as'], value: 'NUMBER', help: 'Autonomous system of the host' },
    neighborAs: { kind: 'text', names: ['neighbor-as'], value: 'NUMBER', help: 'Autonomous system of the router' },
    neighbor: { kind: 'text', names: ['neighbor'], value: 'ADDRESS', help: 'Address of the router' },
  },
  run: ({ session, args, flags }) => {
    if (!flags.routerIp)
      throw usage("BGP needs the host's address towards the router, for example --router-ip=50.1.1.2/24")
    return store(
      session,
      bgpKind,
      args.host,
      given<BgpInput>({
        hostname: args.host,
        routerip: flags.routerIp,
        as: flags.as,
        'neighbor-as': flags.neighborAs,
        neighbor: flags.neighbor,
      }),
    )
  },
})

const { remove, inspect } = removeAndInspectOfCluster(bgpKind)

export const bgpTopic: Topic = {
  names: ['bgp'],
  summary: 'BGP of hosts with routers outside',
  commands: [create, listOfCluster(bgpKind), inspect, remove],
}
