// netctl tenant: the spaces of names and addresses that keep users apart.

import type { TenantInput, TenantView } from '../../model/tenant.ts'
import { command, type Topic } from '../command.ts'
import { listOfCluster, type ObjectKind, removeAndInspectOfCluster, store } from '../object-commands.ts'
import { tenantColumns, tenantWide } from '../tables.ts'

const tenantKind: ObjectKind<TenantView, TenantInput> = {
  noun: 'tenant',
  plural: 'tenants',
  article: 'a',
  createdOnce: true,
  collection: (netmaster) => netmaster.tenants,
  name: (tenant) => tenant.tenantName,
  columns: tenantColumns,
  wide: tenantWide,
  created: (key) => `Creating tenant: ${key}`,
  deleting: (key) => `Deleting tenant ${key}`,
}

const create = command({
  names: ['create'],
  summary: 'Create a tenant',
  args: ['tenant'],
  creates: true,
  flags: {},
  run: ({ session, args }) => store(session, tenantKind, args.tenant, { tenantName: args.tenant }),
})

const { remove, inspect } = removeAndInspectOfCluster(tenantKind)

export const tenantTopic: Topic = {
  names: ['tenant'],
  summary: 'Spaces of names and addresses, apart from each other',
  commands: [create, listOfCluster(tenantKind), inspect, remove],
}
