// netctl netprofile: how much members of a group may send and get, and with which mark they send.

import type { NetprofileInput, NetprofileView } from '../../model/netprofile.ts'
import { command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant, store } from '../object-commands.ts'
import { given } from '../output.ts'
import { netprofileColumns, netprofileWide } from '../tables.ts'

const netprofileKind: ObjectKind<NetprofileView, NetprofileInput> = {
  noun: 'netprofile',
  plural: 'network profiles',
  article: 'a',
  collection: (netmaster) => netmaster.netprofiles,
  name: (profile) => profile.profileName,
  columns: netprofileColumns,
  wide: netprofileWide,
  created: (key) => `Creating netprofile ${key}`,
  deleting: (key) => `Deleting netprofile ${key}`,
}

const create = command({
  names: ['create'],
  summary: 'Create a network profile, or change it for the groups that use it',
  args: ['netprofile'],
  creates: true,
  flags: {
    ...tenantFlag,
    bandwidth: {
      kind: 'text',
      names: ['bandwidth', 'b'],
      value: 'RATE',
      help: 'Most that an endpoint sends, and gets: 10Mbps',
    },
    dscp: { kind: 'number', names: ['dscp', 'd'], value: 'NUMBER', help: 'Mark of the packets it sends, 0 to 63' },
    burst: {
      kind: 'number',
      names: ['burst', 's'],
      value: 'KILOBYTES',
      help: 'Most that may come at once, 2 to 10486',
    },
  },
  run: ({ session, args, flags }) =>
    store(
      session,
      netprofileKind,
      `${flags.tenant}:${args.netprofile}`,
      given<NetprofileInput>({
        tenantName: flags.tenant,
        profileName: args.netprofile,
        bandwidth: flags.bandwidth,
        DSCP: flags.dscp,
        burst: flags.burst,
      }),
    ),
})

const { remove, inspect } = removeAndInspectOfTenant(netprofileKind)

export const netprofileTopic: Topic = {
  names: ['netprofile'],
  summary: 'Network profiles: bandwidth and priority of groups',
  commands: [create, listOfTenant(netprofileKind), inspect, remove],
}
