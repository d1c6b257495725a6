// netctl tenant: the spaces of names and addresses that keep users apart.

import type { TenantView } from '../../model/tenant.ts'
import { command, type Topic } from '../command.ts'
import { listOfCluster, type ObjectKind, removeAndInspectOfCluster } from '../object-commands.ts'
import { tenantColumns } from '../tables.ts'

const tenantKind: ObjectKind<TenantView> = {
  noun: 'tenant',
  plural: 'tenants',
  article: 'a',
  collection: (netmaster) => netmaster.tenants,
  name: (tenant) => tenant.tenantName,
  columns: tenantColumns,
  deleting: (key) => `Deleting tenant ${key}`,
}

const create = command({
  names: ['create'],
  summary: 'Create a tenant',
  args: ['tenant'],
  flags: {},
  run: async ({ session, args }) => {
    const netmaster = await session.netmaster()
    await netmaster.tenants.put(args.tenant, { tenantName: args.tenant })
    session.print(`Creating tenant: ${args.tenant}\n`)
  },
})

const { remove, inspect } = removeAndInspectOfCluster(tenantKind)

export const tenantTopic: Topic = {
  names: ['tenant'],
  summary: 'Spaces of names and addresses, apart from each other',
  commands: [create, listOfCluster(tenantKind), inspect, remove],
}
