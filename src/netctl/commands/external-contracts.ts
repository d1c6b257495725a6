// netctl external-contracts: what groups provide to, or consume from, a fabric outside.

import { usage } from '../../lib/flags.ts'
import type { ExtContractsGroupInput, ExtContractsGroupView } from '../../model/ext-contracts-group.ts'
import { command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant, store } from '../object-commands.ts'
import { contractsColumns, contractsWide } from '../tables.ts'

const contractsKind: ObjectKind<ExtContractsGroupView, ExtContractsGroupInput> = {
  noun: 'contracts',
  plural: 'external contracts',
  article: 'a set of',
  collection: (netmaster) => netmaster.extContractsGroups,
  name: (contracts) => contracts.contractsGroupName,
  columns: contractsColumns,
  wide: contractsWide,
  created: (key) => `Creating ExternalContracts ${key}`,
  deleting: (key) => `Deleting ExternalContracts ${key}`,
}

const create = command({
  names: ['create'],
  summary: 'Create a set of contracts that groups provide or consume',
  args: ['contracts'],
  creates: true,
  flags: {
    ...tenantFlag,
    consumed: { kind: 'switch', names: ['consumed', 'c'], help: 'The groups use what is outside' },
    provided: { kind: 'switch', names: ['provided', 'p'], help: 'The outside uses the groups' },
    contract: { kind: 'list', names: ['contract', 'a'], value: 'NAME', help: 'Distinguished name; repeat for more' },
  },
  run: ({ session, args, flags }) => {
    if (flags.consumed === flags.provided)
      throw usage('contracts are either --consumed or --provided; give one of them')
    if (flags.contract.length === 0)
      throw usage('give at least one contract, for example --contract=uni/tn-common/brc-web')
    return store(session, contractsKind, `${flags.tenant}:${args.contracts}`, {
      tenantName: flags.tenant,
      contractsGroupName: args.contracts,
      contractsType: flags.consumed ? 'consumed' : 'provided',
      contracts: [...flags.contract],
    })
  },
})

const { remove, inspect } = removeAndInspectOfTenant(contractsKind)

export const externalContractsTopic: Topic = {
  names: ['external-contracts'],
  summary: 'Contracts of groups with a fabric outside',
  commands: [create, listOfTenant(contractsKind), inspect, remove],
}
