// netctl group: endpoint groups, the part of a network that a set of policies applies to.

import type { EndpointGroupInput, EndpointGroupView } from '../../model/endpoint-group.ts'
import { command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant } from '../object-commands.ts'
import { given } from '../output.ts'
import { groupColumns } from '../tables.ts'

const groupKind: ObjectKind<EndpointGroupView> = {
  noun: 'group',
  plural: 'groups',
  article: 'a',
  collection: (netmaster) => netmaster.endpointGroups,
  name: (group) => group.groupName,
  columns: groupColumns,
  deleting: undefined,
}

const create = command({
  names: ['create'],
  summary: 'Create an endpoint group in a network, or change its policies and profile',
  args: ['network', 'group'],
  flags: {
    ...tenantFlag,
    policy: { kind: 'list', names: ['policy', 'p'], value: 'POLICY', help: 'Policy of the group; repeat for more' },
    netProfile: {
      kind: 'text',
      names: ['networkprofile', 'n'],
      value: 'PROFILE',
      help: 'Profile of bandwidth and priority',
    },
    contract: {
      kind: 'list',
      names: ['external-contract', 'e'],
      value: 'CONTRACTS',
      help: 'Contracts with the outside; repeat for more',
    },
    ipPool: {
      kind: 'text',
      names: ['ip-pool', 'r'],
      value: 'FIRST-LAST',
      help: 'Addresses of the subnet kept for the group',
    },
    tag: { kind: 'text', names: ['epg-tag', 'tag'], value: 'TEXT', help: 'Tag to configure outside switches by' },
  },
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    const key = `${flags.tenant}:${args.group}`
    await netmaster.endpointGroups.put(
      key,
      given<EndpointGroupInput>({
        tenantName: flags.tenant,
        groupName: args.group,
        networkName: args.network,
        policies: [...flags.policy],
        netProfile: flags.netProfile,
        extContractsGrps: [...flags.contract],
        ipPool: flags.ipPool,
        cfgdTag: flags.tag,
      }),
    )
    session.print(`Creating EndpointGroup ${key}\n`)
    await session.settle()
  },
})

const { remove, inspect } = removeAndInspectOfTenant(groupKind)

export const groupTopic: Topic = {
  names: ['group'],
  summary: 'Endpoint groups: containers of a network that share policies',
  commands: [create, listOfTenant(groupKind), inspect, remove],
}
