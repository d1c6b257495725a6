// The tenants of an intent document, with their networks and endpoints.

import { parseIpv4 } from '../../lib/address.ts'
import { namePattern, nameRule } from '../../model/body.ts'
import type { EncapChoice, IntentEndpoint, IntentNetwork, IntentTenant } from '../../model/intent.ts'
import { multicastModes } from '../../model/multicast.ts'
import { isIpv4Host, parseIpv4Subnet } from '../allocate/subnet.ts'
import { type Fields, readList, reportTwice } from './fields.ts'
import { readPools } from './parse-pools.ts'

/** Fields that make a document that of one tenant when they stand at the top. */
export const tenantFields: readonly string[] = [
  'DefaultNetType',
  'DefaultNetwork',
  'SubnetPool',
  'AllocSubnetLen',
  'VLANs',
  'VXLANs',
  'Networks',
]

const maxTag = 16_777_215
/** What Docker allows as the name of a container. */
const containerName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

export function readTenant(fields: Fields, name: string): IntentTenant {
  const networks = readList(fields, 'Networks', readNetwork)
  const defaultNetwork = fields.text('DefaultNetwork')
  const names = networks.map((network) => network.name)
  reportTwice(fields, 'Networks', names)
  return { name, pools: readPools(fields), defaultNetwork, networks }
}

function readNetwork(fields: Fields): IntentNetwork {
  const endpoints = readList(fields, 'Endpoints', readEndpoint)
  reportTwice(
    fields,
    'Endpoints',
    endpoints.map(({ container }) => container),
  )
  return {
    name: readObjectName(fields, 'Name'),
    ...readTag(fields),
    ...readSubnet(fields),
    multicast: fields.word('Multicast', multicastModes),
    nat: fields.word('Nat', ['on', 'off']),
    endpoints,
  }
}

/** `0/24` is an automatic subnet of that length. */
function readSubnet(fields: Fields): Pick<IntentNetwork, 'subnet' | 'sliceLength' | 'gateway'> {
  const gateway = fields.text('Gateway')
  if (gateway !== '' && parseIpv4(gateway) === undefined) {
    fields.report('Gateway', `is not an IPv4 address: ${JSON.stringify(gateway)}`)
  }
  const text = fields.text('SubnetCIDR')
  const slice = /^0(?:\.0\.0\.0)?\/(\d{1,2})$/.exec(text)
  if (slice !== null) {
    const sliceLength = Number(slice[1])
    if (sliceLength < 8 || sliceLength > 30)
      fields.report('SubnetCIDR', 'asks for a subnet whose length is not 8 to 30')
    if (gateway !== '') reportGateway(fields)
    return { subnet: '', sliceLength, gateway }
  }
  if (text === '') {
    if (gateway !== '') reportGateway(fields)
    return { subnet: '', sliceLength: 0, gateway }
  }
  const subnet = parseIpv4Subnet(text)
  if ('code' in subnet) {
    fields.report('SubnetCIDR', `cannot be used: ${subnet.message}`)
    return { subnet: '', sliceLength: 0, gateway }
  }
  const address = parseIpv4(gateway)
  if (address !== undefined && !isIpv4Host(subnet, address)) {
    fields.report('Gateway', `${gateway} is not a host address of SubnetCIDR ${text}`)
  }
  return { subnet: text, sliceLength: 0, gateway }
}

function reportGateway(fields: Fields): void {
  fields.report(
    'Gateway',
    'is given, but the subnet is chosen automatically; give SubnetCIDR too, or leave Gateway out',
  )
}

function readEndpoint(fields: Fields): IntentEndpoint {
  const ipAddress = fields.text('IPAddress')
  if (ipAddress !== '' && parseIpv4(ipAddress) === undefined) {
    fields.report('IPAddress', `is not an IPv4 address: ${JSON.stringify(ipAddress)}`)
  }
  return {
    container: readContainer(fields),
    host: readHostName(fields, 'Host'),
    attachUuid: fields.text('AttachUUID'),
    ipAddress,
    serviceName: fields.text('ServiceName'),
    alias: fields.text('ID'),
  }
}

/** The tag is a number; in older documents a text, `auto` or digits. */
export function readTag(fields: Fields): { readonly pktTagType: EncapChoice; readonly pktTag: number } {
  return {
    pktTagType: fields.word('PktTagType', ['vlan', 'vxlan']),
    pktTag: fields.number('PktTag', { max: maxTag, words: ['auto'] }),
  }
}

export function readObjectName(fields: Fields, field: string): string {
  const name = fields.text(field)
  if (name === '') fields.report(field, 'is missing or empty')
  else if (name.length > 64) fields.report(field, 'is longer than 64 characters')
  else if (!namePattern.test(name)) {
    fields.report(field, `is not a name: ${JSON.stringify(name)}; use ${nameRule}`)
  }
  return name
}

export function readContainer(fields: Fields): string {
  const name = fields.text('Container').replace(/^\//, '')
  if (name === '') fields.report('Container', 'is missing or empty; give the name of the container')
  else checkWord(fields, 'Container', name)
  return name
}

/** Empty when left out. */
export function readHostName(fields: Fields, field: string): string {
  const name = fields.text(field)
  if (name !== '') checkWord(fields, field, name)
  return name
}

function checkWord(fields: Fields, field: string, name: string): void {
  if (name.length > 128) fields.report(field, 'is longer than 128 characters')
  else if (!containerName.test(name)) {
    const rule = 'use letters, digits, dots, hyphens and underscores, and begin with a letter or digit'
    fields.report(field, `is not a name: ${JSON.stringify(name)}; ${rule}`)
  }
}
