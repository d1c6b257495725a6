// netctl group: endpoint groups, the part of a network that a set of policies applies to.

import type { EndpointGroupInput, EndpointGroupView } from '../../model/endpoint-group.ts'
import { command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant, store } from '../object-commands.ts'
import { given, names } from '../output.ts'
import { groupColumns, groupWide } from '../tables.ts'

export const groupKind: ObjectKind<EndpointGroupView, EndpointGroupInput> = {
  noun: 'group',
  plural: 'groups',
  article: 'a',
  collection: (netmaster) => netmaster.endpointGroups,
  name: (group) => group.groupName,
  columns: groupColumns,
  wide: groupWide,
  created: (key) => `Creating EndpointGroup ${key}`,
}

const create = command({
  names: ['create'],
  summary: 'Create an endpoint group in a network, or change its policies and profile',
  args: ['network', 'group'],
  creates: true,
  flags: {
    ...tenantFlag,
    policy: {
      kind: 'list',
      names: ['policy', 'p'],
      value: 'POLICY',
      help: 'Policies of the group; with commas, or repeated',
    },
    netProfile: {
      kind: 'text',
      names: ['networkprofile', 'n'],
      value: 'NETPROFILE',
      help: 'Profile of bandwidth and priority',
    },
    contract: {
      kind: 'list',
      names: ['external-contract', 'e'],
      value: 'CONTRACTS',
      help: 'Contracts with the outside; with commas, or repeated',
    },
    ipPool: {
      kind: 'text',
      names: ['ip-pool', 'r'],
      value: 'FIRST-LAST',
      help: 'Addresses of the subnet kept for the group',
    },
    defaultAction: {
      kind: 'text',
      names: ['default'],
      value: 'allow|deny',
      help: 'What becomes of connections no rule is about; left out, what the tenant says',
    },
    tag: { kind: 'text', names: ['epg-tag', 'tag'], value: 'TEXT', help: 'Tag to configure outside switches by' },
  },
  run: ({ session, args, flags }) =>
    store(
      session,
      groupKind,
      `${flags.tenant}:${args.group}`,
      given<EndpointGroupInput>({
        tenantName: flags.tenant,
        groupName: args.group,
        networkName: args.network,
        policies: names(flags.policy),
        netProfile: flags.netProfile,
        extContractsGrps: names(flags.contract),
        ipPool: flags.ipPool,
        cfgdTag: flags.tag,
        // What words mean is for netmaster to say.
        defaultAction: flags.defaultAction as EndpointGroupInput['defaultAction'],
      }),
    ),
})

const { remove, inspect } = removeAndInspectOfTenant(groupKind)

export const groupTopic: Topic = {
  names: ['group'],
  summary: 'Endpoint groups: containers of a network that share policies',
  commands: [create, listOfTenant(groupKind), inspect, remove],
}
