// What the Docker engine's API sends, parsed into our records (Docker Engine API, versions 1.41 to 1.51).

import { canonicalIpv6 } from '../../lib/address.ts'
import { NetpluginError } from '../../lib/errors.ts'
import type {
  NetworkSpec,
  RuntimeAttachment,
  RuntimeContainer,
  RuntimeEvent,
  RuntimeNetwork,
  RuntimeSubnet,
} from './runtime.ts'

type Json = Readonly<Record<string, unknown>>

/** An object; null and absent, which Go writes for an empty map, become an empty one. */
function objectOf(value: unknown): Json {
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw badAnswer('an object', value)
  return value as Json
}

function listOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return []
  if (!Array.isArray(value)) throw badAnswer('a list', value)
  return value
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function idOf(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw badAnswer('an id', value)
  return value
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(objectOf(value)).map(([name, entry]) => [name, textOf(entry)]))
}

function badAnswer(wanted: string, got: unknown): NetpluginError {
  return new NetpluginError('protocol', 'DOCKER_BAD_ANSWER', `Docker sent ${typeof got} where ${wanted} was expected`)
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

/** Answer of `/version`. */
export function parseVersion(value: unknown): { readonly version: string; readonly apiVersion: string } {
  const version = objectOf(value)
  return { version: textOf(version.Version), apiVersion: idOf(version.ApiVersion) }
}

/** Answer of `/networks`. */
export function parseNetworks(value: unknown): readonly RuntimeNetwork[] {
  return listOf(value).map(parseNetwork).sort(byName)
}

function parseNetwork(value: unknown): RuntimeNetwork {
  const network = objectOf(value)
  return {
    id: idOf(network.Id),
    name: textOf(network.Name),
    driver: textOf(network.Driver),
    labels: textsOf(network.Labels),
    options: textsOf(network.Options),
    subnets: listOf(objectOf(network.IPAM).Config).map(parseSubnet),
    enableIpv6: network.EnableIPv6 === true,
  }
}

function parseSubnet(value: unknown): RuntimeSubnet {
  const config = objectOf(value)
  const gateway = textOf(config.Gateway)
  return { subnet: textOf(config.Subnet), ...(gateway === '' ? {} : { gateway }) }
}

/** Body of `/networks/create`. */
export function networkBody(spec: NetworkSpec): Json {
  const subnet = (prefix: string, gateway: string | undefined) => ({
    Subnet: prefix,
    ...(gateway === undefined || gateway === '' ? {} : { Gateway: gateway }),
  })
  const hasIpv6 = spec.ipv6Subnet !== undefined && spec.ipv6Subnet !== ''
  return {
    Name: spec.name,
    // Before API 1.44 two networks may have one name unless this is set.
    CheckDuplicate: true,
    Driver: spec.driver,
    Internal: spec.internal ?? false,
    EnableIPv6: hasIpv6,
    IPAM: {
      Driver: spec.ipamDriver,
      Options: spec.ipamOptions,
      Config: [
        subnet(spec.subnet, spec.gateway),
        ...(hasIpv6 ? [subnet(spec.ipv6Subnet ?? '', spec.ipv6Gateway)] : []),
      ],
    },
    Options: spec.options,
    Labels: spec.labels,
  }
}

/** The id in the answer of `/networks/create`. */
export function parseCreatedId(value: unknown): string {
  return idOf(objectOf(value).Id)
}

/** The ids in the answer of `/containers/json`. */
export function parseContainerIds(value: unknown): readonly string[] {
  return listOf(value).map((entry) => idOf(objectOf(entry).Id))
}

/** Answer of `/containers/ID/json`: the list of containers leaves out aliases. */
export function parseContainer(value: unknown): RuntimeContainer {
  const container = objectOf(value)
  const id = idOf(container.Id)
  const name = textOf(container.Name).replace(/^\//, '')
  const networks = Object.entries(objectOf(objectOf(container.NetworkSettings).Networks))
  const state = objectOf(container.State)
  const running = state.Running === true
  return {
    id,
    name,
    labels: textsOf(objectOf(container.Config).Labels),
    running,
    namespace: running && Number.isInteger(state.Pid) && state.Pid !== 0 ? `/proc/${state.Pid}/ns/net` : '',
    attachments: networks
      .map(([networkName, entry]) => parseAttachment(networkName, objectOf(entry), id, name))
      .sort((a, b) => byName({ name: a.networkName }, { name: b.networkName })),
  }
}

function parseAttachment(networkName: string, entry: Json, id: string, name: string): RuntimeAttachment {
  // Up to Docker 24 the engine adds the short id to the aliases by itself.
  const own = new Set(['', name, id, id.slice(0, 12)])
  const aliases = new Set(listOf(entry.Aliases).map(textOf))
  const ipv6 = textOf(entry.GlobalIPv6Address)
  return {
    networkId: textOf(entry.NetworkID),
    networkName,
    endpointId: textOf(entry.EndpointID),
    ipv4: textOf(entry.IPAddress),
    ipv6: canonicalIpv6(ipv6) ?? ipv6,
    mac: textOf(entry.MacAddress),
    aliases: [...aliases].filter((alias) => !own.has(alias)).sort(),
  }
}

/** One object of the `/events` stream; undefined for kinds that are not ours. */
export function parseEvent(value: unknown): RuntimeEvent | undefined {
  const event = objectOf(value)
  const type = event.Type
  if (type !== 'container' && type !== 'network') return undefined
  const actor = objectOf(event.Actor)
  const attributes = textsOf(actor.Attributes)
  return { type, action: textOf(event.Action), id: textOf(actor.ID), name: attributes.name ?? '', attributes }
}
