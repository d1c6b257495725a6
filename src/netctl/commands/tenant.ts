// netctl tenant: the spaces of names and addresses that keep users apart.

import { type Flags, usage } from '../../lib/flags.ts'
import type { TenantInput, TenantView } from '../../model/tenant.ts'
import { command, type Topic } from '../command.ts'
import { listOfCluster, type ObjectKind, removeAndInspectOfCluster, store } from '../object-commands.ts'
import { given } from '../output.ts'
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

const defaultFlag = {
  defaultAction: {
    kind: 'text',
    names: ['default'],
    value: 'allow|deny',
    help: 'What becomes of connections no rule is about, of groups that do not say themselves and of containers in no group',
  },
} as const satisfies Flags

const create = command({
  names: ['create'],
  summary: 'Create a tenant',
  args: ['tenant'],
  creates: true,
  flags: defaultFlag,
  run: ({ session, args, flags }) =>
    store(
      session,
      tenantKind,
      args.tenant,
      given<TenantInput>({ tenantName: args.tenant, defaultAction: defaultOf(flags.defaultAction) }),
    ),
})

const set = command({
  names: ['set'],
  summary: 'Change what becomes of connections that no rule is about',
  args: ['tenant'],
  flags: defaultFlag,
  run: async ({ session, args, flags }) => {
    const defaultAction = defaultOf(flags.defaultAction)
    if (defaultAction === undefined) throw usage('tenant set needs --default=allow or --default=deny')
    const { tenants } = await session.netmaster()
    const { defaultNetwork } = await tenants.get(args.tenant)
    await tenants.put(args.tenant, given<TenantInput>({ tenantName: args.tenant, defaultNetwork, defaultAction }))
    await session.settle()
  },
})

/** What words mean is for netmaster to say. */
function defaultOf(text: string | undefined): TenantInput['defaultAction'] {
  return text as TenantInput['defaultAction']
}

const { remove, inspect } = removeAndInspectOfCluster(tenantKind)

export const tenantTopic: Topic = {
  names: ['tenant'],
  summary: 'Spaces of names and addresses, apart from each other',
  commands: [create, set, listOfCluster(tenantKind), inspect, remove],
}
