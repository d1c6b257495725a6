// Reads what `ovs-appctl ofproto/trace` says a packet would come to: its "Datapath actions" become outputs with the
// packet as it is at that moment, in the same form as the simulator's.

import { type Fields, fieldsOf, packetOf, type SimPacket } from '../../src/core/pipeline/simulate/packet.ts'
import { type FieldName, fieldNamed, oxmFields, valueBits } from '../../src/protocols/openflow/index.ts'

export interface TracedOutput {
  /** OpenFlow port. */
  readonly port: number
  readonly packet: SimPacket
}

/**
 * OpenFlow ports of a bridge by number of the datapath, from `ovs-appctl dpif/show`: below the line of the bridge, lines
 * like `p11 11/12: (tap)`.
 */
export function parsePorts(text: string, bridge: string): ReadonlyMap<number, number> {
  const ports = new Map<number, number>()
  let current = ''
  for (const line of text.split('\n')) {
    current = /^ {2}(\S+):$/.exec(line)?.[1] ?? current
    const [, port, datapathPort] = /^ {4}\S+ (\d+)\/(\d+):/.exec(line) ?? []
    if (current === bridge && port !== undefined) ports.set(Number(datapathPort), Number(port))
  }
  return ports
}

/** How ovs-ofctl spells a field where it differs from OpenFlow's name. */
const spelling: Readonly<Record<string, string>> = {
  ipv4_src: 'ip_src',
  ipv4_dst: 'ip_dst',
  ip_proto: 'nw_proto',
  icmpv4_type: 'icmp_type',
  icmpv4_code: 'icmp_code',
}

/** The packet as trace takes it; fields come behind those they depend on. */
export function flowText(inPort: number, packet: SimPacket): string {
  const parts = [`in_port=${inPort}`]
  for (const name of Object.keys(oxmFields)) {
    const value = packet[name as FieldName]
    if (value !== undefined) parts.push(`${spelling[name] ?? name}=${value}`)
  }
  return parts.join(',')
}

/** Follows every pass of a trace. Throws for an action that this has no words for. */
export function tracedOutputs(trace: string, packet: SimPacket, ports: ReadonlyMap<number, number>): TracedOutput[] {
  const outputs: TracedOutput[] = []
  const fields = fieldsOf(packet)
  for (const line of trace.split('\n')) {
    const translated = /^ Modified flow: (.*)$/.exec(line)?.[1]
    if (translated !== undefined) translate(fields, translated)
    const actions = /^Datapath actions: (.*)$/.exec(line)?.[1]
    if (actions !== undefined) perform(actions, fields, ports, outputs)
  }
  return outputs
}

const portFields: ReadonlyMap<bigint | undefined, Readonly<Record<'tp_src' | 'tp_dst', FieldName>>> = new Map([
  [6n, { tp_src: 'tcp_src', tp_dst: 'tcp_dst' }],
  [17n, { tp_src: 'udp_src', tp_dst: 'udp_dst' }],
  [132n, { tp_src: 'sctp_src', tp_dst: 'sctp_dst' }],
])

function translate(fields: Fields, text: string): void {
  const names: Readonly<Record<string, FieldName>> = {
    nw_src: 'ipv4_src',
    nw_dst: 'ipv4_dst',
    ipv6_src: 'ipv6_src',
    ipv6_dst: 'ipv6_dst',
    ...portFields.get(fields.get('ip_proto')),
  }
  // Empty where there was nothing to translate yet.
  for (const part of text === '' ? [] : text.split(',')) {
    // Type and code of ICMP are shown as ports.
    if (!part.startsWith('tp_') || 'tp_src' in names) set(fields, names, part.replace(/[[\]]/g, ''))
  }
}

function perform(text: string, fields: Fields, ports: ReadonlyMap<number, number>, outputs: TracedOutput[]): void {
  for (const action of splitTop(text)) {
    const [, name = '', inner = ''] = /^([a-z_]+)\((.*)\)$/.exec(action) ?? []
    if (/^\d+$/.test(action)) {
      // A port of another bridge is where a tunnel's outer packet goes on to.
      const port = ports.get(Number(action))
      if (port !== undefined) outputs.push({ port, packet: packetOf(fields) })
    } else if (action === 'pop_vlan') fields.delete('vlan_vid')
    else if (name === 'push_vlan') fields.set('vlan_vid', 0x1000n | BigInt(/vid=(\d+)/.exec(inner)?.[1] ?? 0))
    else if (name === 'set') setKey(fields, inner)
    else if (name === 'clone') perform(inner, new Map(fields), ports, outputs)
    else if (name === 'tnl_push') outputs.push(tunnelled(inner, fields, ports))
    else if (!['ct', 'recirc', 'hash', 'userspace', 'meter'].includes(name) && !['drop', 'ct_clear'].includes(action))
      throw new Error(`action ${action}`)
  }
}

/** Splits at commas outside brackets. */
function splitTop(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const character = text[at]
    if (character === '(') depth++
    else if (character === ')') depth--
    else if ((character === ',' && depth === 0) || character === undefined) {
      if (at > start) parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return parts
}

const keys: Readonly<Record<string, Readonly<Record<string, FieldName>>>> = {
  eth: { src: 'eth_src', dst: 'eth_dst' },
  ipv4: { src: 'ipv4_src', dst: 'ipv4_dst', ttl: 'nw_ttl' },
  ipv6: { src: 'ipv6_src', dst: 'ipv6_dst', hlimit: 'nw_ttl' },
  arp: { sip: 'arp_spa', tip: 'arp_tpa', op: 'arp_op', sha: 'arp_sha', tha: 'arp_tha' },
  icmp: { type: 'icmpv4_type', code: 'icmpv4_code' },
  icmpv6: { type: 'icmpv6_type', code: 'icmpv6_code' },
  nd: { target: 'nd_target', sll: 'nd_sll', tll: 'nd_tll' },
  nd_ext: {
    reserved: 'nd_reserved',
    options_type: 'nd_options_type',
    nd_reserved: 'nd_reserved',
    nd_options_type: 'nd_options_type',
  },
}

/** `eth(src=…,dst=…)`. */
function setKey(fields: Fields, text: string): void {
  const [, key = '', inner = ''] = /^([a-z0-9_]+)\((.*)\)$/.exec(text) ?? []
  const names = keys[key]
  if (names === undefined) throw new Error(`set(${text})`)
  for (const part of inner.split(',')) set(fields, names, part)
}

/** `src=value` or `src=value/mask`. */
function set(fields: Fields, names: Readonly<Record<string, FieldName>>, part: string): void {
  const [, key = '', value = '', maskText] = /^([a-z0-9_]+)=([^/]+)(?:\/(.+))?$/.exec(part) ?? []
  if (key === 'tos' || key === 'tclass') {
    setDscp(fields, value, maskText)
    return
  }
  const name = names[key]
  if (name === undefined) throw new Error(`set of ${part}`)
  const field = fieldNamed(name)
  const bits = (written: string) => valueBits(field, /^(0x[0-9a-f]+|\d+)$/.test(written) ? Number(written) : written)
  const mask = maskText === undefined ? field.ones : bits(maskText)
  fields.set(name, ((fields.get(name) ?? 0n) & ~mask) | (bits(value) & mask))
}

/** The upper six bits; our flows leave the others, which are congestion marks. */
function setDscp(fields: Fields, value: string, mask = '0xff'): void {
  if (Number(mask) >>> 2 !== 0x3f) throw new Error(`set of a part of DSCP: ${mask}`)
  fields.set('ip_dscp', BigInt(Number(value) >>> 2))
}

/** `tnl_push(tnl_port(13),header(…,ipv4(src=…,dst=…,…),…,vxlan(…,vni=0x3e9)),out_port(…))`. */
function tunnelled(text: string, fields: Fields, ports: ReadonlyMap<number, number>): TracedOutput {
  const [, port = ''] = /tnl_port\((\d+)\)/.exec(text) ?? []
  const [, destination = ''] = /ipv4\(src=[^,]+,dst=([^,]+)/.exec(text) ?? []
  const [, vni = '0'] = /vni=(0x[0-9a-f]+)/.exec(text) ?? []
  const packet = { ...packetOf(fields), tun_id: BigInt(vni), tun_dst: destination }
  return { port: ports.get(Number(port)) ?? -1, packet }
}
