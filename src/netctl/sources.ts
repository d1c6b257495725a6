// Where the names come from that words and flags of commands may be: for completion, and for "did you mean". The key is
// what help calls the word: `NETWORK` in `netctl group create NETWORK GROUP` and in `--network NETWORK`.

import type { Client } from '../api/client.ts'
import type { Flag } from '../lib/flags.ts'

export interface Asking {
  readonly netmaster: Client
  readonly tenant: string
  /** The words of the command before this one. */
  readonly words: readonly string[]
}

export type Source = (asking: Asking) => Promise<readonly string[]>

interface OfTenant {
  readonly tenantName: string
}

function ofTenant<Item extends OfTenant>(
  list: (netmaster: Client) => Promise<readonly Item[]>,
  name: (item: Item) => string,
): Source {
  return async ({ netmaster, tenant }) => {
    const found = await list(netmaster)
    return found.filter((item) => item.tenantName === tenant).map(name)
  }
}

const sources: Readonly<Record<string, Source>> = {
  TENANT: async ({ netmaster }) => (await netmaster.tenants.list()).map((tenant) => tenant.tenantName),
  NETWORK: ofTenant(
    (netmaster) => netmaster.networks.list(),
    (network) => network.networkName,
  ),
  GROUP: ofTenant(
    (netmaster) => netmaster.endpointGroups.list(),
    (group) => group.groupName,
  ),
  POLICY: ofTenant(
    (netmaster) => netmaster.policies.list(),
    (policy) => policy.policyName,
  ),
  RULE: async ({ netmaster, tenant, words: [policy] }) => {
    const found = await netmaster.rules.list()
    return found.filter((rule) => rule.tenantName === tenant && rule.policyName === policy).map((rule) => rule.ruleId)
  },
  NETPROFILE: ofTenant(
    (netmaster) => netmaster.netprofiles.list(),
    (profile) => profile.profileName,
  ),
  CONTRACTS: ofTenant(
    (netmaster) => netmaster.extContractsGroups.list(),
    (contracts) => contracts.contractsGroupName,
  ),
  'APP-PROFILE': ofTenant(
    (netmaster) => netmaster.appProfiles.list(),
    (profile) => profile.appProfileName,
  ),
  SERVICE: ofTenant(
    (netmaster) => netmaster.serviceLbs.list(),
    (service) => service.serviceName,
  ),
  SHELL: async () => ['bash', 'zsh', 'fish'],
  HOST: async ({ netmaster }) => (await netmaster.bgps.list()).map((bgp) => bgp.hostname),
  ENDPOINT: async ({ netmaster }) => {
    const found = await netmaster.endpoints.list()
    return found.map((endpoint) => endpoint.containerName ?? endpoint.endpointID)
  },
  SOURCE: endsOfConnections,
  DESTINATION: endsOfConnections,
  CONNECTION: async () => ['icmp', 'tcp/443', 'tcp/80', 'udp/53'],
}

/** Containers of the tenant, and its groups. */
async function endsOfConnections({ netmaster, tenant }: Asking): Promise<readonly string[]> {
  const [containers, groups] = await Promise.all([netmaster.endpoints.list(), netmaster.endpointGroups.list()])
  return [
    ...containers
      .filter(({ network }) => network?.endsWith(`.${tenant}`) === true)
      .map((endpoint) => endpoint.containerName ?? endpoint.endpointID),
    ...groups.filter(({ tenantName }) => tenantName === tenant).map(({ groupName }) => `group:${groupName}`),
  ]
}

/** For what help calls `word`: names that the server knows, or the choices that stand there, as in `in|out`. */
export function sourceOf(word: string): Source | undefined {
  const choices = word.split('|')
  if (choices.length > 1) return async () => choices
  return Object.hasOwn(sources, word) ? sources[word] : undefined
}

/** The names that a flag's value may be. */
export function sourceOfFlag(flag: Flag): Source | undefined {
  return flag.kind === 'switch' ? undefined : sourceOf(flag.value)
}
