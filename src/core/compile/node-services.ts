// The services that endpoints of a node can reach, each with its providers. Objects are reused while they say the same.

import { macOfIpv4 } from '../../lib/address.ts'
import { sameEntries, sameItems } from '../../lib/same.ts'
import { parseServicePort, type ServicePort } from '../../model/service-lb.ts'
import { parseProbe, type ServiceProbe } from '../../model/service-probe.ts'
import type { ClusterState, EndpointRecord, ServiceRecord } from '../../model/state.ts'
import { isFailing, LabelIndex } from '../services/providers.ts'
import type { NetworkView } from './node-network.ts'

export interface ServiceProvider {
  readonly endpointId: string
  readonly ipv4: string
  readonly mac: string
}

export interface ServiceView {
  /** `tenant:service`. */
  readonly key: string
  readonly network: NetworkView
  readonly address: string
  readonly mac: string
  /** One client, one provider. */
  readonly affinity: boolean
  readonly ports: readonly ServicePort[]
  /** By ascending address. */
  readonly providers: readonly ServiceProvider[]
  /** Who was one, and keeps the connections that are open. The agent knows; none when compiled. */
  readonly draining: readonly ServiceProvider[]
  /** Whose program is asked whether it answers: providers, and those that would be if it did. */
  readonly probed: Probed | undefined
}

export interface Probed extends ServiceProbe {
  /** By ascending address. */
  readonly candidates: readonly ServiceProvider[]
}

interface Cached {
  readonly record: ServiceRecord
  readonly network: NetworkView
  readonly view: ServiceView
}

interface Found {
  readonly record: ServiceRecord
  readonly network: NetworkView
  readonly providers: readonly ServiceProvider[]
  readonly candidates: readonly ServiceProvider[]
}

const none: ReadonlyMap<string, ServiceView> = new Map()

export class ServiceCompiler {
  readonly #labels = new LabelIndex()
  #inputs: readonly unknown[] = []
  #cached = new Map<string, Cached>()
  #providers = new WeakMap<EndpointRecord, ServiceProvider>()
  #last = none

  /** By key. `isMet`: networks some local endpoint can meet. */
  compile(
    state: ClusterState,
    networks: ReadonlyMap<string, NetworkView>,
    isMet: (network: NetworkView) => boolean,
  ): ReadonlyMap<string, ServiceView> {
    const inputs = [state.objects.service, state.endpoints, state.networks, networks, isMet]
    if (sameItems(inputs, this.#inputs)) return this.#last
    this.#inputs = inputs
    const cache = new Map<string, Cached>()
    const views = new Map<string, ServiceView>()
    for (const [key, record] of state.objects.service) {
      const network = networks.get(`${record.tenantName}:${record.networkName}`)
      if (network === undefined || !isMet(network)) continue
      const found = this.#labels.candidatesOf(state, record)
      const candidates = found.map((one) => this.#providerOf(one))
      const providers = found.filter((one) => !isFailing(record, one)).map((one) => this.#providerOf(one))
      const before = this.#cached.get(key)
      const same = before?.record === record && before.network === network
      const asBefore =
        same &&
        sameItems(before.view.providers, providers) &&
        sameItems(before.view.probed?.candidates ?? candidates, candidates)
      const entry = asBefore
        ? before
        : { record, network, view: serviceView(key, { record, network, providers, candidates }) }
      cache.set(key, entry)
      views.set(key, entry.view)
    }
    this.#cached = cache
    if (!sameEntries(this.#last, views)) this.#last = views
    return this.#last
  }

  #providerOf(record: EndpointRecord): ServiceProvider {
    const known = this.#providers.get(record)
    if (known !== undefined) return known
    const { endpointId, ipv4, mac } = record
    const provider = { endpointId, ipv4, mac }
    this.#providers.set(record, provider)
    return provider
  }
}

function serviceView(key: string, { record, network, providers, candidates }: Found): ServiceView {
  const probe = parseProbe(record.probe ?? '')
  return {
    key,
    network,
    address: record.vip,
    mac: macOfIpv4(record.vip) ?? '',
    affinity: record.affinity === 'client',
    ports: record.ports.flatMap((text) => parseServicePort(text) ?? []),
    providers,
    draining: [],
    probed: probe === undefined ? undefined : { ...probe, candidates },
  }
}
