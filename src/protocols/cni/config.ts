// The network configuration that a plugin reads from its standard input (CNI specification, sections 1 and 2), with the
// conventions for arguments and capabilities (CONVENTIONS.md of the specification).

import { CniError, cniCode } from './error.ts'
import { countAt, isObject, type JsonObject, objectAt, objectsAt, textAt, textsAt, wrong } from './json.ts'
import { type CniDns, type CniResult, decodeDns, decodeResult } from './result.ts'
import { firstVersion } from './version.ts'

export interface CniPortMapping {
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: string
  /** Empty: all addresses of the host. */
  readonly hostIp: string
}

/** Bits a second, and bits at once; 0: not limited. */
export interface CniBandwidth {
  readonly ingressRate: number
  readonly ingressBurst: number
  readonly egressRate: number
  readonly egressBurst: number
}

export interface CniAttachment {
  readonly containerId: string
  readonly ifname: string
}

export interface CniConfig {
  readonly cniVersion: string
  /** Of the network; empty only for VERSION. */
  readonly name: string
  readonly type: string
  readonly prevResult: CniResult | undefined
  /** Asked for by the capability `ips`, or by args.cni.ips: with or without `/length`. */
  readonly ips: readonly string[]
  /** Empty: not asked for. */
  readonly mac: string
  readonly portMappings: readonly CniPortMapping[]
  readonly bandwidth: CniBandwidth | undefined
  readonly dns: CniDns
  /** args.cni.labels: key and value. */
  readonly labels: ReadonlyMap<string, string>
  /** `args`, unread: each scheduler has its own there. */
  readonly args: JsonObject
  /** Of GC; undefined: not said. */
  readonly validAttachments: readonly CniAttachment[] | undefined
  /** The document, for fields that are the plugin's own. */
  readonly document: JsonObject
}

/** Throws error 6 for what is no JSON object. */
export function parseDocument(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CniError(cniCode.undecodable, `the network configuration on standard input is not JSON: ${why}`)
  }
  if (!isObject(value)) throw new CniError(cniCode.undecodable, 'the network configuration must be a JSON object')
  return value
}

/** As far as it can be known of something that may not be readable otherwise. */
export function versionOf(document: JsonObject): string {
  const { cniVersion } = document
  return typeof cniVersion === 'string' && cniVersion !== '' ? cniVersion : firstVersion
}

/** Throws error 7 with the field that has the wrong shape. */
export function parseConfig(document: JsonObject): CniConfig {
  const runtime = objectAt(document, 'runtimeConfig')
  const args = objectAt(document, 'args')
  const conventional = objectAt(args, 'cni', 'args.cni')
  const name = textAt(document, 'name')
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) {
    throw wrong('name', 'is missing, or has characters besides letters, digits, "_", "." and "-"')
  }
  const ips = [...textsAt(runtime, 'ips', 'runtimeConfig.ips'), ...textsAt(conventional, 'ips', 'args.cni.ips')]
  const dns = decodeDns(objectAt(runtime, 'dns', 'runtimeConfig.dns'), 'runtimeConfig.dns')
  return {
    cniVersion: versionOf(document),
    name,
    type: textAt(document, 'type'),
    prevResult: document.prevResult == null ? undefined : decodeResult(objectAt(document, 'prevResult')),
    ips,
    mac: textAt(runtime, 'mac', 'runtimeConfig.mac'),
    portMappings: portMappingsOf(runtime, 'portMappings', conventionalPorts),
    bandwidth: bandwidth(objectAt(runtime, 'bandwidth', 'runtimeConfig.bandwidth')),
    dns: Object.keys(dns).length > 0 ? dns : decodeDns(objectAt(document, 'dns'), 'dns'),
    labels: labelsOf(conventional, 'args.cni.labels'),
    args,
    validAttachments: attachments(document),
    document,
  }
}

/** A list of `{ key, value }`. */
export function labelsOf(parent: JsonObject, place: string): ReadonlyMap<string, string> {
  return new Map(
    objectsAt(parent, 'labels', place).map((label) => [textAt(label, 'key', place), textAt(label, 'value', place)]),
  )
}

/** How a list of port mappings calls its fields. */
interface PortMappingList {
  readonly place: string
  readonly names: { readonly hostPort: string; readonly containerPort: string; readonly hostIp: string }
}

const conventionalPorts: PortMappingList = {
  place: 'runtimeConfig.portMappings',
  names: { hostPort: 'hostPort', containerPort: 'containerPort', hostIp: 'hostIP' },
}

export function portMappingsOf(
  parent: JsonObject,
  key: string,
  { place, names }: PortMappingList,
): readonly CniPortMapping[] {
  return objectsAt(parent, key, place).map((mapping) => {
    const port = (name: string) => {
      const number = countAt(mapping, name, `${place}.${name}`)
      if (number > 65_535) throw wrong(`${place}.${name}`, `is ${number}: ports end at 65535`)
      return number
    }
    const containerPort = port(names.containerPort)
    if (containerPort === 0) throw wrong(`${place}.${names.containerPort}`, 'is missing')
    return {
      hostPort: port(names.hostPort),
      containerPort,
      protocol: (textAt(mapping, 'protocol', `${place}.protocol`) || 'tcp').toLowerCase(),
      hostIp: textAt(mapping, names.hostIp, `${place}.${names.hostIp}`),
    }
  })
}

function bandwidth(value: JsonObject): CniBandwidth | undefined {
  if (Object.keys(value).length === 0) return undefined
  const at = (key: keyof CniBandwidth) => countAt(value, key, `runtimeConfig.bandwidth.${key}`)
  return {
    ingressRate: at('ingressRate'),
    ingressBurst: at('ingressBurst'),
    egressRate: at('egressRate'),
    egressBurst: at('egressBurst'),
  }
}

/** libcni also writes the name that the specification once had. */
function attachments(document: JsonObject): readonly CniAttachment[] | undefined {
  const key = ['cni.dev/valid-attachments', 'cni.dev/attachments'].find((name) => document[name] != null)
  if (key === undefined) return undefined
  return objectsAt(document, key).map((attachment) => ({
    containerId: textAt(attachment, 'containerID', `${key}.containerID`),
    ifname: textAt(attachment, 'ifname', `${key}.ifname`),
  }))
}
