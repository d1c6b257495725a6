// What a CNI call asks for, wherever it says so: in the network's configuration, in labels, in CNI_ARGS.

import { canonicalIpv6, parseIpv4, parseMac } from '../lib/address.ts'
import {
  cniBandwidthLabel,
  cniConfigLabel,
  cniDeviceLabel,
  cniNamespaceLabel,
  formatLimits,
  withoutOwnLabels,
} from '../model/cni-endpoint.ts'
import {
  type CniCall,
  type CniConfig,
  CniError,
  cniCode,
  isV6,
  type JsonObject,
  labelsOf,
  objectAt,
  portMappingsOf,
  textAt,
} from '../protocols/cni/index.ts'
import type { NetworkRef } from './network-ref.ts'

export interface CniWish {
  readonly ref: NetworkRef
  /** Empty: any. */
  readonly ipv4: string
  readonly ipv6: string
  readonly mac: string
  readonly containerName: string
  /** An interface of the host that is to be the port itself; empty: one is put into the container. */
  readonly device: string
  readonly ports: CniConfig['portMappings']
  readonly labels: Readonly<Record<string, string>>
}

/** Ours first; those of the original mean the same. */
const labelPrefixes = ['io.netplugin.', 'io.contiv.'] as const
const refNames = {
  tenant: ['tenant'],
  network: ['network'],
  group: ['group', 'net-group'],
} as const

/** Throws errors 2, 4 and 7. */
export function readWish(call: CniCall, config: CniConfig): CniWish {
  refuseUnsupported(config)
  const labels = new Map([...mesosLabels(config), ...config.labels])
  const { ipv4, ipv6 } = addressesOf(call, config)
  const device = textAt(config.document, 'device')
  return {
    device,
    ref: refOf(call, config, labels),
    ipv4,
    ipv6,
    mac: macOf(call, config),
    containerName: containerName(call),
    ports: [...config.portMappings, ...mesosPorts(config)],
    labels: {
      ...withoutOwnLabels(labels),
      [cniConfigLabel]: config.name,
      ...bandwidthLabel(config),
      ...(device === '' ? { [cniNamespaceLabel]: call.netns } : { [cniDeviceLabel]: device }),
    },
  }
}

/** Labels and arguments are about one container, and count more than the configuration, which is about many. */
function refOf(call: CniCall, config: CniConfig, labels: ReadonlyMap<string, string>): NetworkRef {
  const named = (part: keyof typeof refNames) => {
    for (const prefix of labelPrefixes) {
      for (const name of refNames[part]) {
        const value = call.args.get(`${prefix}${name}`) ?? labels.get(`${prefix}${name}`)
        if (value !== undefined && value !== '') return value
      }
    }
    return textAt(config.document, part)
  }
  const [tenant, network, group] = [named('tenant'), named('network'), named('group')]
  // A group is of one network; without either the configuration has the network's name.
  return { tenant: tenant || 'default', network: network || (group === '' ? config.name : ''), group }
}

function refuseUnsupported({ document }: CniConfig): void {
  const ipam = textAt(objectAt(document, 'ipam'), 'type', 'ipam.type')
  if (ipam !== '') {
    throw new CniError(
      cniCode.unsupportedField,
      `ipam.type ${JSON.stringify(ipam)} is not supported: netmaster gives out the addresses; take "ipam" out`,
    )
  }
}

/** Bits become kilobits. What is in for CNI is to the container. */
function bandwidthLabel({ bandwidth }: CniConfig): Readonly<Record<string, string>> {
  if (bandwidth === undefined) return {}
  const { ingressRate, ingressBurst, egressRate, egressBurst } = bandwidth
  const limit = (rate: number, burst: number) => ({ rate: Math.ceil(rate / 1000), burst: Math.ceil(burst / 1000) })
  const limits = { from: limit(egressRate, egressBurst), to: limit(ingressRate, ingressBurst) }
  return limits.from.rate === 0 && limits.to.rate === 0 ? {} : { [cniBandwidthLabel]: formatLimits(limits) }
}

const mesosPlace = 'args.org.apache.mesos.network_info'

/** What Mesos says about the container's network (its docs/cni.md). */
function mesosInfo({ args }: CniConfig): JsonObject {
  return objectAt(objectAt(args, 'org.apache.mesos'), 'network_info', mesosPlace)
}

function mesosLabels(config: CniConfig): ReadonlyMap<string, string> {
  return labelsOf(objectAt(mesosInfo(config), 'labels', `${mesosPlace}.labels`), `${mesosPlace}.labels`)
}

function mesosPorts(config: CniConfig): CniConfig['portMappings'] {
  const names = { hostPort: 'host_port', containerPort: 'container_port', hostIp: '' } as const
  return portMappingsOf(mesosInfo(config), 'port_mappings', { place: `${mesosPlace}.port_mappings`, names })
}

function addressesOf({ args }: CniCall, { ips }: CniConfig): { readonly ipv4: string; readonly ipv6: string } {
  const wanted = [...(args.get('IP') ?? '').split(',').filter((text) => text !== ''), ...ips]
  const found = { ipv4: '', ipv6: '' }
  for (const text of wanted) {
    const address = text.replace(/\/.*$/, '')
    const family = isV6(address) ? 'ipv6' : 'ipv4'
    const known = family === 'ipv6' ? canonicalIpv6(address) : parseIpv4(address) === undefined ? undefined : address
    if (known === undefined)
      throw new CniError(cniCode.invalidConfiguration, `${JSON.stringify(text)} is no IP address`)
    // The first counts: an interface has one of each family.
    if (found[family] === '') found[family] = known
  }
  return found
}

function macOf({ args }: CniCall, { mac }: CniConfig): string {
  const wanted = mac || (args.get('MAC') ?? '')
  if (wanted === '' || parseMac(wanted) !== undefined) return wanted.toLowerCase()
  throw new CniError(cniCode.invalidConfiguration, `${JSON.stringify(wanted)} is no MAC address`)
}

/** Podman and CRI runtimes say a name in this argument. An id of 64 digits is no name for a person. */
function containerName({ args, containerId }: CniCall): string {
  const given = args.get('K8S_POD_NAME') ?? ''
  if (given !== '') return given
  return /^[0-9a-f]{64}$/.test(containerId) ? '' : containerId
}
