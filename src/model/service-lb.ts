// Load balanced services (specification 2.2, 2.3): a virtual address of a network, shared by the containers of the tenant
// whose labels match all selectors.

import { z } from 'zod'
import { parseIpv4 } from '../lib/address.ts'
import type { Problem } from '../lib/errors.ts'
import { apiObject, link, linkTo, omitEmpty, problem, requiredName, textList } from './body.ts'
import { type EndpointOper, endpointOper } from './endpoint.ts'
import { networkKey } from './network.ts'
import { parseProbe, probeHelp } from './service-probe.ts'
import type { ServiceRecord } from './state.ts'

export const serviceLbBody = apiObject({
  tenantName: requiredName(64),
  serviceName: requiredName(256),
  networkName: requiredName(64),
  /** The address it should have; empty: any of the network, or the one it has. */
  ipAddress: z
    .string()
    .refine((text) => text === '' || parseIpv4(text) !== undefined, 'is not an IPv4 address; services have no others')
    .default(''),
  /** `key=value`; a provider has all of them. */
  selectors: textList(512),
  /** `servicePort:providerPort:protocol`. */
  ports: textList(32),
  /** `client`: all connections of one client go to one provider; empty: each goes to any. */
  affinity: z.enum(['', 'client']).default(''),
  /** How it is found out whether a provider answers (service-probe.ts); empty: it is not asked. */
  probe: z
    .string()
    .refine((text) => text === '' || parseProbe(text) !== undefined, `is not a probe; write ${probeHelp}`)
    .default(''),
})
export type ServiceLbBody = z.output<typeof serviceLbBody>
export type ServiceLbInput = z.input<typeof serviceLbBody>

export const serviceLbView = z.object({
  key: z.string(),
  affinity: z.literal('client').optional(),
  ipAddress: z.string().optional(),
  networkName: z.string(),
  ports: z.array(z.string()),
  probe: z.string().optional(),
  selectors: z.array(z.string()),
  serviceName: z.string(),
  tenantName: z.string(),
  links: z.object({ Network: link, Tenant: link }),
})
export type ServiceLbView = z.infer<typeof serviceLbView>

export const serviceLbOper = z.object({
  /** Those that would be providers if their program answered. */
  failing: z.array(endpointOper).optional(),
  numProviders: z.int().optional(),
  providers: z.array(endpointOper).optional(),
  serviceVip: z.string().optional(),
})
export type ServiceLbOper = z.infer<typeof serviceLbOper>

export const serviceLbInspect = z.object({ Config: serviceLbView, Oper: serviceLbOper })
export type ServiceLbInspect = z.infer<typeof serviceLbInspect>

export function serviceKey(tenantName: string, serviceName: string): string {
  return `${tenantName}:${serviceName}`
}

export interface Selector {
  readonly key: string
  /** May be empty: a label can be. */
  readonly value: string
}

export function parseSelector(text: string): Selector | undefined {
  const match = /^([^=\s]+)=([^=]*)$/.exec(text)
  return match === null ? undefined : { key: match[1] ?? '', value: match[2] ?? '' }
}

export interface ServicePort {
  readonly servicePort: number
  readonly providerPort: number
  readonly protocol: 'tcp' | 'udp'
}

export function parseServicePort(text: string): ServicePort | undefined {
  const match = /^([1-9]\d{0,4}):([1-9]\d{0,4}):(tcp|udp)$/i.exec(text)
  if (match === null) return undefined
  const [servicePort, providerPort] = [Number(match[1]), Number(match[2])]
  if (servicePort > 65_535 || providerPort > 65_535) return undefined
  return { servicePort, providerPort, protocol: match[3]?.toLowerCase() === 'udp' ? 'udp' : 'tcp' }
}

/** What is wrong with selectors and ports, beyond their types. */
export function checkServiceTexts(body: Pick<ServiceLbBody, 'selectors' | 'ports' | 'probe'>): Problem | undefined {
  return checkSelectors(body.selectors) ?? checkPorts(body.ports) ?? checkProbe(body)
}

function checkSelectors(texts: readonly string[]): Problem | undefined {
  const wrong = (code: string, message: string) => problem('invalid', code, message, { field: 'selectors' })
  if (texts.length === 0) return wrong('SELECTORS_MISSING', 'selectors is empty; give at least one, key=value')
  const values = new Map<string, string>()
  for (const text of texts) {
    const selector = parseSelector(text)
    if (selector === undefined) {
      return wrong('INVALID_SELECTOR', `selector ${JSON.stringify(text)} is not a label; write it as key=value`)
    }
    const other = values.get(selector.key)
    if (other !== undefined) {
      const message = `no container can have label ${selector.key} with both ${other} and ${selector.value}; drop one selector`
      return wrong('SELECTORS_CONTRADICT', message)
    }
    values.set(selector.key, selector.value)
  }
  return undefined
}

function checkPorts(texts: readonly string[]): Problem | undefined {
  const wrong = (code: string, message: string) => problem('invalid', code, message, { field: 'ports' })
  if (texts.length === 0) {
    return wrong('PORTS_MISSING', 'ports is empty; give at least one, servicePort:providerPort:protocol')
  }
  const seen = new Map<string, string>()
  for (const text of texts) {
    const port = parseServicePort(text)
    if (port === undefined && /:sctp$/i.test(text)) {
      const message = `port ${JSON.stringify(text)}: services do TCP and UDP, not SCTP, of which the switch cannot translate ports; let clients connect to the containers themselves`
      return wrong('NO_SCTP_SERVICES', message)
    }
    if (port === undefined) {
      const message = `port ${JSON.stringify(text)} is not servicePort:providerPort:protocol; write it as 80:8080:TCP, ports 1 to 65535, TCP or UDP`
      return wrong('INVALID_SERVICE_PORT', message)
    }
    const name = `${port.protocol} ${port.servicePort}`
    const other = seen.get(name)
    if (other !== undefined) {
      return wrong('SERVICE_PORT_TWICE', `ports ${other} and ${text} are both for ${name}; drop one of them`)
    }
    seen.set(name, text)
  }
  return undefined
}

function checkProbe({ ports, probe }: Pick<ServiceLbBody, 'ports' | 'probe'>): Problem | undefined {
  if (probe === '' || ports.some((text) => parseServicePort(text)?.protocol === 'tcp')) return undefined
  const message = 'a probe asks TCP ports, and the service has none; give it one, or leave out the probe'
  return problem('invalid', 'PROBE_WITHOUT_TCP', message, { field: 'probe' })
}

export function renderServiceLb(record: ServiceRecord): ServiceLbView {
  const { tenantName, networkName, serviceName } = record
  return {
    key: serviceKey(tenantName, serviceName),
    ...(record.affinity === undefined ? {} : { affinity: record.affinity }),
    ...omitEmpty({ ipAddress: record.ipAddress }),
    networkName,
    ports: [...record.ports],
    ...(record.probe === undefined ? {} : { probe: record.probe }),
    selectors: [...record.selectors],
    serviceName,
    tenantName,
    links: { Network: linkTo('network', networkKey(tenantName, networkName)), Tenant: linkTo('tenant', tenantName) },
  }
}

export function renderServiceLbOper(
  record: ServiceRecord,
  { providers, failing }: { readonly providers: readonly EndpointOper[]; readonly failing: readonly EndpointOper[] },
): ServiceLbOper {
  return {
    ...(failing.length === 0 ? {} : { failing: [...failing] }),
    numProviders: providers.length,
    ...(providers.length === 0 ? {} : { providers: [...providers] }),
    ...omitEmpty({ serviceVip: record.vip }),
  }
}
