// What the kernel does on the way out of networks and into them, as one table of nftables (nft(8)): it translates to its own
// address what containers send out, turns published ports to containers, and keeps containers off what is for hosts alone.

import { portNames } from '../pipeline/facts.ts'
import { outsideHostAddress } from '../pipeline/features/outside.ts'

/** A place of a host that leads to a container. */
interface Place {
  /** Empty: any of the host's addresses. */
  readonly address: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly port: number
}

export interface Firewall {
  /** Addresses of endpoints between switch and kernel, a /16. */
  readonly subnet: string
  /** Links that lead to other private networks of this host, not outside. */
  readonly privateLinks: readonly string[]
  /** Prefixes that nobody outside has. */
  readonly privatePrefixes: readonly string[]
  /** Addresses of the cluster's hosts. */
  readonly hosts: readonly string[]
  /** Where netmaster listens, if that is none of the hosts. */
  readonly netmasters: readonly { readonly address: string; readonly port: number }[]
  /** Ports that other hosts have published, at addresses of `hosts`. */
  readonly elsewhere: readonly Place[]
  /** Ports of this host, and where they lead on the link to the switch. */
  readonly published: readonly (Place & { readonly to: string; readonly toPort: number })[]
}

export const firewallTable = 'netplugin'

/** The same text for the same firewall, whatever the order of its lists. */
export function firewallText(firewall: Firewall): string {
  const { subnet } = firewall
  const way = `"${portNames.outside}"`
  const links = [portNames.outside, ...firewall.privateLinks].map((name) => `"${name}"`)
  const prefixes = [...firewall.privatePrefixes, subnet]
  const masters = firewall.netmasters.map(({ address, port }) => `ip daddr ${address} tcp dport ${port} drop`)
  return [
    `table ip ${firewallTable} {`,
    ...block('map published', [
      'type inet_proto . inet_service : ipv4_addr . inet_service',
      ...elements(firewall.published.filter(({ address }) => address === '').map(leads)),
    ]),
    ...block('map published-at', [
      'type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service',
      ...elements(firewall.published.filter(({ address }) => address !== '').map(leads)),
    ]),
    ...block('set hosts', ['type ipv4_addr', ...elements(firewall.hosts)]),
    ...block('set published-elsewhere', [
      'type ipv4_addr . inet_proto . inet_service',
      ...elements(firewall.elsewhere.map(place)),
    ]),
    ...block('chain guard', [
      'type filter hook prerouting priority raw; policy accept;',
      // Loopback addresses are let onto this link for the host's own connections alone.
      `iifname ${way} ip daddr 127.0.0.0/8 drop`,
    ]),
    ...block('chain prerouting', [
      'type nat hook prerouting priority dstnat; policy accept;',
      'fib daddr type local jump enter',
    ]),
    ...block('chain output', ['type nat hook output priority -100; policy accept;', 'fib daddr type local jump enter']),
    ...block('chain enter', [
      `${ports} dnat ip to ip daddr . meta l4proto . th dport map @published-at`,
      `${ports} dnat ip to meta l4proto . th dport map @published`,
    ]),
    ...block('chain postrouting', [
      'type nat hook postrouting priority srcnat; policy accept;',
      // The host by its loopback address, and containers by published ports of their own host: also one that asks for itself.
      `oifname ${way} ip saddr { 127.0.0.0/8, ${subnet} } snat to ${outsideHostAddress(subnet)}`,
      `oifname != ${way} ip saddr ${subnet} masquerade`,
    ]),
    ...block('chain forward', [
      'type filter hook forward priority filter; policy accept;',
      `iifname ${way} jump leaving`,
      `oifname ${way} jump entering`,
    ]),
    ...block('chain leaving', [
      'ct state established,related accept',
      'ct status dnat accept',
      `oifname { ${sorted(links).join(', ')} } drop`,
      `ip daddr { ${sorted(prefixes).join(', ')} } drop`,
      `${ports} ip daddr . meta l4proto . th dport @published-elsewhere accept`,
      'ip daddr @hosts drop',
      ...sorted(masters),
      'accept',
    ]),
    ...block('chain entering', ['ct state established,related accept', 'ct status dnat accept', 'drop']),
    ...block('chain input', [
      'type filter hook input priority filter; policy accept;',
      `iifname ${way} ct state established,related accept`,
      `iifname ${way} drop`,
    ]),
    '}',
    '',
  ].join('\n')
}

const ports = 'meta l4proto { tcp, udp, sctp }'

function block(title: string, lines: readonly string[]): string[] {
  return [`\t${title} {`, ...lines.map((line) => `\t\t${line}`), '\t}']
}

function elements(texts: readonly string[]): string[] {
  return texts.length === 0 ? [] : [`elements = { ${sorted(texts).join(', ')} }`]
}

function place({ address, protocol, port }: Place): string {
  return `${address === '' ? '' : `${address} . `}${protocol} . ${port}`
}

function leads(published: Firewall['published'][number]): string {
  return `${place(published)} : ${published.to} . ${published.toPort}`
}

/** Each once. */
function sorted(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort()
}
