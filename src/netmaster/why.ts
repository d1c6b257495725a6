// Who is meant by the words of a question, and the answer to it.

import type { End, Family } from '../core/why/ends.ts'
import { explainService } from '../core/why/service.ts'
import { findWay } from '../core/why/way.ts'
import { explain } from '../core/why/why.ts'
import { canonicalIpv6, linkLocalOfMac, parseIpv4 } from '../lib/address.ts'
import type { Problem } from '../lib/errors.ts'
import { isProblem, problem } from '../model/body.ts'
import { parseConnection } from '../model/connection.ts'
import { groupKey } from '../model/endpoint-group.ts'
import { serviceKey } from '../model/service-lb.ts'
import type { ClusterState, ServiceRecord } from '../model/state.ts'
import type { WhyAnswer } from '../model/why.ts'
import { findInterfaces } from './objects/endpoints.ts'
import { checkTenant, notFound } from './objects/object.ts'
import type { View } from './tables.ts'

export interface WhyWords {
  readonly tenant: string
  /** A container's name or id, `group:NAME`, or an address. */
  readonly source: string
  /** The same; or a service's name, with or without its network, `service:NAME`, or its address. */
  readonly destination: string
  /** `tcp:443`, `icmp`. */
  readonly connection: string
}

export function explainWhy(view: View, revision: number, words: WhyWords): WhyAnswer | Problem {
  const missing = checkTenant(view, words.tenant)
  if (missing !== undefined) return missing
  const connection = parseConnection(words.connection)
  if (isProblem(connection)) return connection
  const sources = endsNamed(view, words.tenant, words.source)
  if (isProblem(sources)) return sources
  const service = serviceNamed(view, words.tenant, words.destination)
  if (isProblem(service)) return service
  const destinations = service === undefined ? endsNamed(view, words.tenant, words.destination) : []
  if (isProblem(destinations)) return destinations
  const family = familyOf(words, connection.family)
  if (isProblem(family)) return family
  const { port } = connection
  const protocol = connection.protocol === 1 && family === 'ipv6' ? 58 : connection.protocol
  const state: ClusterState = { ...view, revision }
  const about = { tenantName: words.tenant, family, protocol, port }
  if (service !== undefined) {
    const answers = sources.map((source) => explainService(state, { ...about, source, service }))
    const [best] = answers.sort((a, b) => orders[a.way.leads] - orders[b.way.leads])
    return best ?? notFound('endpoint', words.source)
  }
  const pairs = sources.flatMap((source) => destinations.map((destination) => ({ ...about, source, destination })))
  const [first] = pairs.map((asked) => ({ asked, order: orders[findWay(state, asked).leads] })).sort(byOrder)
  return first === undefined ? notFound('endpoint', words.source) : explain(state, first.asked)
}

/** Of a container with several interfaces, those between which there is a way are meant. */
const orders = { yes: 0, outside: 1, no: 2 } as const
const byOrder = (a: { readonly order: number }, b: { readonly order: number }) => a.order - b.order

/** At least one; several are interfaces of one container. */
function endsNamed(view: View, tenantName: string, text: string): readonly End[] | Problem {
  if (text.startsWith('group:')) {
    const key = groupKey(tenantName, text.slice('group:'.length))
    const record = view.groups.get(key)
    return record === undefined ? notFound('endpoint group', key) : [{ kind: 'group', record }]
  }
  const address = parseIpv4(text) === undefined ? canonicalIpv6(text) : text
  if (address !== undefined) return isForMany(address) ? manyMeant(text) : [endAt(view, tenantName, address)]
  const own = findInterfaces(view, text, tenantName)
  const found = isProblem(own) && own.kind === 'not-found' ? findInterfaces(view, text) : own
  return isProblem(found) ? found : found.map((record) => ({ kind: 'endpoint', record }))
}

/** By address, by `service:NAME`, and as DNS does, before containers, by `NAME` or `NAME.NETWORK`; undefined: not a service. */
function serviceNamed(view: View, tenantName: string, text: string): ServiceRecord | Problem | undefined {
  const own = [...view.objects.service.values()].filter((service) => service.tenantName === tenantName)
  const name = text.replace(/^service:/, '').toLowerCase()
  const found = own.find(({ serviceName, networkName, vip }) => {
    const names = [serviceName, `${serviceName}.${networkName}`].map((one) => one.toLowerCase())
    return text === vip || names.includes(name)
  })
  if (found !== undefined || !text.startsWith('service:')) return found
  return notFound('service', serviceKey(tenantName, text.slice('service:'.length)))
}

function endAt(view: View, tenantName: string, address: string): End {
  for (const record of view.endpoints.values()) {
    if (record.tenantName !== tenantName) continue
    const linkLocal = record.ipv6 === '' ? undefined : linkLocalOfMac(record.mac)
    if ([record.ipv4, record.ipv6, linkLocal].includes(address)) return { kind: 'endpoint', record }
  }
  return { kind: 'address', address }
}

function isForMany(address: string): boolean {
  return address.includes(':') ? address.startsWith('ff') : (parseIpv4(address) ?? 0) >= 0xe0000000
}

function manyMeant(address: string): Problem {
  const message = `${address} is not of one machine; rules judge broadcasts and multicasts packet by packet, ask about one receiver`
  return problem('invalid', 'WHY_MULTICAST', message, { address })
}

function familyOf({ source, destination }: WhyWords, bound: Family | undefined): Family | Problem {
  const families = new Set<Family>(bound === undefined ? [] : [bound])
  for (const text of [source, destination]) {
    if (parseIpv4(text) !== undefined) families.add('ipv4')
    else if (canonicalIpv6(text) !== undefined) families.add('ipv6')
  }
  if (families.size > 1) {
    return problem('invalid', 'WHY_FAMILIES', `IPv4 and IPv6 do not meet in one connection: ${source}, ${destination}`)
  }
  return families.has('ipv6') ? 'ipv6' : 'ipv4'
}
