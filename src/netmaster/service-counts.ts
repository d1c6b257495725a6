// What the providers of a service have got and sent: each host counts what its own containers open.

import { isAway, providersOf } from '../core/services/providers.ts'
import type { Problem } from '../lib/errors.ts'
import type { ServiceStatsAnswer } from '../model/counts.ts'
import type { Cluster } from './cluster.ts'
import type { Counts } from './counts.ts'
import { notFound } from './objects/object.ts'

export async function serviceStats(
  { view }: Cluster,
  counts: Counts,
  key: string,
): Promise<ServiceStatsAnswer | Problem> {
  const service = view.objects.service.get(key)
  if (service === undefined) return notFound('service', key)
  const providers = providersOf(view, service).filter((provider) => !isAway(view, provider))
  const hosts = new Set<string>()
  for (const { tenantName, node } of view.endpoints.values()) {
    if (tenantName === service.tenantName && node !== '') hosts.add(node)
  }
  const answers = await counts.ask([...hosts].sort(), 'service', key)
  const sum = (name: string) => {
    const found = [...answers.values()].flatMap((counted) => counted?.filter((count) => count.key === name) ?? [])
    const all = (what: 'packets' | 'bytes') => found.reduce((total, each) => total + each[what], 0)
    return { packets: all('packets'), bytes: all('bytes') }
  }
  return {
    key,
    address: service.vip,
    providers: providers.map(({ endpointId, containerName, ipv4, node }) => ({
      name: containerName === '' ? endpointId : containerName,
      address: ipv4,
      host: node,
      to: sum(`to ${ipv4}`),
      from: sum(`from ${ipv4}`),
    })),
    silent: [...answers].filter(([, counted]) => counted === undefined).map(([host]) => host),
  }
}
