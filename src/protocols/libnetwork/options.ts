// The option maps of network and endpoint calls: well-known labels become named fields, the rest stays as it came.

import { formatMac, parseMac } from '../../lib/address.ts'
import { anything, type Codec, count, flag, listOf, record, text, textMap } from './codec.ts'

const label = {
  enableIpv4: 'com.docker.network.enable_ipv4',
  enableIpv6: 'com.docker.network.enable_ipv6',
  internal: 'com.docker.network.internal',
  generic: 'com.docker.network.generic',
  exposedPorts: 'com.docker.network.endpoint.exposedports',
  portMap: 'com.docker.network.portmap',
  macAddress: 'com.docker.network.endpoint.macaddress',
  dnsServers: 'com.docker.network.endpoint.dnsservers',
} as const

export interface NetworkOptions {
  readonly enableIpv4: boolean
  readonly enableIpv6: boolean
  /** `docker network create --internal`. */
  readonly internal: boolean
  /** `docker network create --opt NAME=VALUE`. */
  readonly generic: Readonly<Record<string, string>>
  /** Every other label, unread. */
  readonly other: Readonly<Record<string, unknown>>
}

/** The protocol number is IANA's: 6 TCP, 17 UDP, 132 SCTP. */
export interface ExposedPort {
  readonly protocol: number
  readonly port: number
}

export interface PortBinding {
  readonly protocol: number
  readonly ip: string
  readonly port: number
  readonly hostIp: string
  /** First and last host port to choose from; 0 lets the driver choose. */
  readonly hostPort: number
  readonly hostPortEnd: number
}

export interface EndpointOptions {
  readonly exposedPorts: readonly ExposedPort[]
  readonly portMap: readonly PortBinding[]
  /** What `--mac-address` asked for, as text; empty when it was not used. */
  readonly macAddress: string
  readonly dnsServers: readonly string[]
  /** Every other label, also the endpoint's own driver options, unread. */
  readonly other: Readonly<Record<string, unknown>>
}

export const noNetworkOptions: NetworkOptions = {
  enableIpv4: true,
  enableIpv6: false,
  internal: false,
  generic: {},
  other: {},
}

export const noEndpointOptions: EndpointOptions = {
  exposedPorts: [],
  portMap: [],
  macAddress: '',
  dnsServers: [],
  other: {},
}

function without(
  source: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(source).filter(([name]) => !names.includes(name)))
}

export const networkOptions: Codec<NetworkOptions> = {
  decode(value, where) {
    const source = anything.decode(value, where)
    const at = (name: string) => `${where}.${name}`
    return {
      // Engines before 28 do not send it, and always mean true.
      enableIpv4: source[label.enableIpv4] === undefined || flag.decode(source[label.enableIpv4], at(label.enableIpv4)),
      enableIpv6: flag.decode(source[label.enableIpv6], at(label.enableIpv6)),
      internal: flag.decode(source[label.internal], at(label.internal)),
      generic: textMap.decode(source[label.generic], at(label.generic)),
      other: without(source, [label.enableIpv4, label.enableIpv6, label.internal, label.generic]),
    }
  },
  encode: (value) => ({
    ...value.other,
    ...(value.enableIpv4 ? {} : { [label.enableIpv4]: false }),
    [label.enableIpv6]: value.enableIpv6,
    ...(value.internal ? { [label.internal]: true } : {}),
    [label.generic]: value.generic,
  }),
}

const exposedPort = record({ protocol: ['Proto', count], port: ['Port', count] })

export const portBinding: Codec<PortBinding> = record({
  protocol: ['Proto', count],
  ip: ['IP', text],
  port: ['Port', count],
  hostIp: ['HostIP', text],
  hostPort: ['HostPort', count],
  hostPortEnd: ['HostPortEnd', count],
})

// Go writes a hardware address in a map of options as base64 of its six bytes.
const macInBase64: Codec<string> = {
  decode(value, where) {
    const encoded = text.decode(value, where)
    const bytes = Buffer.from(encoded, 'base64')
    return bytes.length === 6 ? formatMac(bytes.readUIntBE(0, 6)) : encoded
  },
  encode(value) {
    const mac = parseMac(value)
    if (mac === undefined) return value
    const bytes = Buffer.alloc(6)
    bytes.writeUIntBE(mac, 0, 6)
    return bytes.toString('base64')
  },
}

export const endpointOptions: Codec<EndpointOptions> = {
  decode(value, where) {
    const source = anything.decode(value, where)
    const at = (name: string) => `${where}.${name}`
    return {
      exposedPorts: listOf(exposedPort).decode(source[label.exposedPorts], at(label.exposedPorts)),
      portMap: listOf(portBinding).decode(source[label.portMap], at(label.portMap)),
      macAddress: macInBase64.decode(source[label.macAddress], at(label.macAddress)),
      dnsServers: listOf(text).decode(source[label.dnsServers], at(label.dnsServers)),
      other: without(source, [label.exposedPorts, label.portMap, label.macAddress, label.dnsServers]),
    }
  },
  encode: (value) => ({
    ...value.other,
    ...(value.dnsServers.length > 0 ? { [label.dnsServers]: value.dnsServers } : {}),
    [label.exposedPorts]: listOf(exposedPort).encode(value.exposedPorts),
    ...(value.macAddress !== '' ? { [label.macAddress]: macInBase64.encode(value.macAddress) } : {}),
    [label.portMap]: listOf(portBinding).encode(value.portMap),
  }),
}

/** The label under which an endpoint's information tells Docker its published ports (`docker port`). */
export const portMapLabel: string = label.portMap
