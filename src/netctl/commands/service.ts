// netctl service: an address that stands for all containers with certain labels.

import { usage } from '../../lib/flags.ts'
import type { ServiceLbInput, ServiceLbView } from '../../model/service-lb.ts'
import { parseProbe, probeHelp } from '../../model/service-probe.ts'
import { command, type Topic, tenantFlag } from '../command.ts'
import { listOfTenant, type ObjectKind, removeAndInspectOfTenant, store } from '../object-commands.ts'
import { given } from '../output.ts'
import { serviceColumns, serviceWide } from '../tables.ts'
import { serviceStats } from './service-stats.ts'

const serviceKind: ObjectKind<ServiceLbView, ServiceLbInput> = {
  noun: 'service',
  plural: 'services',
  article: 'a',
  collection: (netmaster) => netmaster.serviceLbs,
  name: (service) => service.serviceName,
  columns: serviceColumns,
  wide: serviceWide,
  created: (key) => `Creating ServiceLB ${key}`,
  deleting: (key) => `Deleting Service  ${key.slice(key.indexOf(':') + 1)},${key.slice(0, key.indexOf(':'))}`,
}

const create = command({
  names: ['create'],
  summary: 'Create a load balanced service, or change it; it keeps its address',
  args: ['service'],
  creates: true,
  flags: {
    ...tenantFlag,
    network: { kind: 'text', names: ['network', 's'], value: 'NETWORK', help: 'Network of its address; required' },
    selector: { kind: 'list', names: ['selector', 'l'], value: 'LABEL=VALUE', help: 'Who serves it; repeat for more' },
    port: {
      kind: 'list',
      names: ['port', 'p'],
      value: 'PORT:PORT:PROTOCOL',
      help: 'Port of the service, port of the containers, tcp or udp; repeat for more',
    },
    affinity: {
      kind: 'text',
      names: ['affinity'],
      value: 'client',
      help: 'client: one provider for all connections of a client',
    },
    probe: {
      kind: 'text',
      names: ['probe'],
      value: 'tcp[:INTERVAL[:TIMEOUT[:FAILURES]]]',
      help: 'Ask whether TCP ports of providers answer; tcp is tcp:2s:1s:3',
    },
    ipAddress: { kind: 'text', names: ['preferred-ip', 'ip'], value: 'ADDRESS', help: 'Address it is to have' },
  },
  run: ({ session, args, flags }) => {
    if (!flags.network) throw usage('a service needs a network for its address, for example --network=web')
    return store(
      session,
      serviceKind,
      `${flags.tenant}:${args.service}`,
      given<ServiceLbInput>({
        tenantName: flags.tenant,
        serviceName: args.service,
        networkName: flags.network,
        ipAddress: flags.ipAddress,
        selectors: [...flags.selector],
        ports: [...flags.port],
        affinity: flags.affinity === undefined ? undefined : affinityOf(flags.affinity),
        probe: flags.probe === undefined ? undefined : probeOf(flags.probe),
      }),
    )
  },
})

function affinityOf(text: string): 'client' {
  if (text !== 'client')
    throw usage(`a service has no affinity ${JSON.stringify(text)}; say --affinity=client or nothing`)
  return text
}

function probeOf(text: string): string {
  if (parseProbe(text) !== undefined) return text
  throw usage(`${JSON.stringify(text)} is not a probe; write ${probeHelp}`)
}

const { remove, inspect } = removeAndInspectOfTenant(serviceKind)

export const serviceTopic: Topic = {
  names: ['service'],
  summary: 'Load balanced services: one address for many containers',
  commands: [create, listOfTenant(serviceKind), inspect, serviceStats, remove],
}
