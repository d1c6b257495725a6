// Results: what a plugin made, in one form of ours and in the shape of each version (CNI specification, section 5).

import { CniError, cniCode } from './error.ts'
import { countAt, type JsonObject, objectAt, objectsAt, textAt, textsAt } from './json.ts'
import type { CniVersion } from './version.ts'

export interface CniInterface {
  readonly name: string
  readonly mac: string
  /** 0: not said. */
  readonly mtu: number
  /** Path of the namespace; empty for an interface of the host. */
  readonly sandbox: string
}

export interface CniAddress {
  /** `address/length`. */
  readonly address: string
  /** Empty without one. */
  readonly gateway: string
  /** Index into the interfaces; undefined: not said. */
  readonly interface?: number
}

export interface CniRoute {
  /** `address/length`. */
  readonly dst: string
  /** Empty: on the link, or by the address's own gateway. */
  readonly gw: string
}

export interface CniDns {
  readonly nameservers?: readonly string[]
  readonly domain?: string
  readonly search?: readonly string[]
  readonly options?: readonly string[]
}

export interface CniResult {
  readonly interfaces: readonly CniInterface[]
  readonly ips: readonly CniAddress[]
  readonly routes: readonly CniRoute[]
  readonly dns: CniDns
}

export const emptyResult: CniResult = { interfaces: [], ips: [], routes: [], dns: {} }

/** The document for standard output. */
export function encodeResult(result: CniResult, { version, result: shape, hasStatus }: CniVersion): object {
  const dns = { ...result.dns }
  if (shape === 'families') return { cniVersion: version, ...familyParts(result), dns }
  return {
    cniVersion: version,
    interfaces: result.interfaces.map(({ name, mac, mtu, sandbox }) => ({
      name,
      ...(mac === '' ? {} : { mac }),
      ...(mtu === 0 || !hasStatus ? {} : { mtu }),
      ...(sandbox === '' ? {} : { sandbox }),
    })),
    ips: result.ips.map((ip) => ({
      ...(shape === 'numbered' ? { version: isV6(ip.address) ? '6' : '4' } : {}),
      ...(ip.interface === undefined ? {} : { interface: ip.interface }),
      address: ip.address,
      ...(ip.gateway === '' ? {} : { gateway: ip.gateway }),
    })),
    routes: result.routes.map(({ dst, gw }) => ({ dst, ...(gw === '' ? {} : { gw }) })),
    dns,
  }
}

/** The first versions know one address of each family, and nothing of interfaces. */
function familyParts({ ips, routes }: CniResult): object {
  const part = (v6: boolean) => {
    const ip = ips.find(({ address }) => isV6(address) === v6)
    if (ip === undefined) return undefined
    const own = routes.filter(({ dst }) => isV6(dst) === v6)
    return {
      ip: ip.address,
      ...(ip.gateway === '' ? {} : { gateway: ip.gateway }),
      routes: own.map(({ dst, gw }) => ({ dst, ...(gw === '' ? {} : { gw }) })),
    }
  }
  const [ip4, ip6] = [part(false), part(true)]
  return { ...(ip4 === undefined ? {} : { ip4 }), ...(ip6 === undefined ? {} : { ip6 }) }
}

/** Reads a result of any version: the shape is told from what is there. Throws error 6 or 7. */
export function decodeResult(document: JsonObject): CniResult {
  const place = (name: string) => `prevResult.${name}`
  const families = ['ip4', 'ip6'].flatMap((family) => {
    const part = objectAt(document, family, place(family))
    const address = textAt(part, 'ip', place(`${family}.ip`))
    return address === '' ? [] : [{ part, ip: { address, gateway: textAt(part, 'gateway', place(family)) } }]
  })
  const ips = objectsAt(document, 'ips', place('ips')).map((ip) => ({
    address: textAt(ip, 'address', place('ips.address')),
    gateway: textAt(ip, 'gateway', place('ips.gateway')),
    ...(ip.interface === undefined ? {} : { interface: countAt(ip, 'interface', place('ips.interface')) }),
  }))
  const interfaces = objectsAt(document, 'interfaces', place('interfaces')).map((link) => ({
    name: textAt(link, 'name', place('interfaces.name')),
    mac: textAt(link, 'mac', place('interfaces.mac')),
    mtu: countAt(link, 'mtu', place('interfaces.mtu')),
    sandbox: textAt(link, 'sandbox', place('interfaces.sandbox')),
  }))
  for (const ip of ips) {
    if (ip.interface === undefined || ip.interface < interfaces.length) continue
    throw new CniError(
      cniCode.undecodable,
      `prevResult: the address ${ip.address} is of an interface that is not there`,
    )
  }
  return {
    interfaces,
    ips: [...families.map(({ ip }) => ip), ...ips],
    routes: [
      ...families.flatMap(({ part }) => decodeRoutes(part, place('routes'))),
      ...decodeRoutes(document, place('routes')),
    ],
    dns: decodeDns(objectAt(document, 'dns', place('dns')), place('dns')),
  }
}

function decodeRoutes(parent: JsonObject, place: string): CniRoute[] {
  return objectsAt(parent, 'routes', place).map((route) => ({
    dst: textAt(route, 'dst', `${place}.dst`),
    gw: textAt(route, 'gw', `${place}.gw`),
  }))
}

/** What is empty is left out. */
export function decodeDns(value: JsonObject, place: string): CniDns {
  const dns: { -readonly [Key in keyof CniDns]: CniDns[Key] } = {}
  for (const key of ['nameservers', 'search', 'options'] as const) {
    const list = textsAt(value, key, `${place}.${key}`)
    if (list.length > 0) dns[key] = list
  }
  const domain = textAt(value, 'domain', `${place}.domain`)
  return domain === '' ? dns : { ...dns, domain }
}

export function isV6(address: string): boolean {
  return address.includes(':')
}
