// netctl policy: what a group may be reached by and may reach. The rules of a policy have a file of their own.

import type { PolicyInput, PolicyView } from '../../model/policy.ts'
import { command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant, store } from '../object-commands.ts'
import { policyColumns, policyWide } from '../tables.ts'
import { policyCost } from './policy-cost.ts'
import { policyStats } from './policy-stats.ts'
import { ruleAdd, ruleList, ruleRemove } from './rule.ts'

const policyKind: ObjectKind<PolicyView, PolicyInput> = {
  noun: 'policy',
  plural: 'policies',
  article: 'a',
  collection: (netmaster) => netmaster.policies,
  name: (policy) => policy.policyName,
  columns: policyColumns,
  wide: policyWide,
  created: (key) => `Creating policy ${key}`,
  deleting: (key) => `Deleting policy ${key}`,
}

const create = command({
  names: ['create'],
  summary: 'Create a policy; its rules come with rule-add',
  args: ['policy'],
  creates: true,
  flags: tenantFlag,
  run: ({ session, args, flags }) =>
    store(session, policyKind, `${flags.tenant}:${args.policy}`, {
      tenantName: flags.tenant,
      policyName: args.policy,
    }),
})

const { remove, inspect } = removeAndInspectOfTenant(policyKind)

export const policyTopic: Topic = {
  names: ['policy'],
  summary: 'Policies of groups: rules that allow and deny traffic',
  commands: [
    create,
    listOfTenant(policyKind),
    inspect,
    remove,
    ruleAdd('rule-add'),
    ruleList('rule-ls', 'rule-list'),
    ruleRemove('rule-rm', 'rule-delete'),
    policyCost,
    policyStats,
  ],
}

/** As the command line was before rules belonged to `policy`. */
export const ruleTopic: Topic = {
  names: ['rule'],
  summary: 'Rules of policies: the same as netctl policy rule-add, rule-ls and rule-rm',
  commands: [ruleAdd('add'), ruleList('ls', 'list'), ruleRemove('rm', 'delete')],
}
