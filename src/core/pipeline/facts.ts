// What rendering must know about the node itself, beyond the cluster state. All of it is read from the switch and host.

export interface SwitchFacts {
  /** OpenFlow port numbers of the integration bridge, by port name; only ports the switch has accepted. */
  readonly ofPorts: ReadonlyMap<string, number>
  /** The host's DNS servers that containers were told of: reachable from every network, whatever its gateway. */
  readonly nameservers: readonly string[]
  /** The switch cannot write a whole neighbour advertisement (the kernel's datapath); the agent finishes them. */
  readonly agentAdvertises?: boolean
  /** The largest number of a meter; 0: the datapath has none. Missing: any. */
  readonly maxMeter?: number
  /** Several segments of a TCP connection may be one packet of up to 64 KiB to the switch (the kernel's datapath). */
  readonly segmentsTogether?: boolean
  /** Addresses of endpoints on the way out, a /16; missing: `defaultOutsideSubnet`. */
  readonly outsideSubnet?: string
}

/** Ports of the integration bridge that are not endpoints. */
export const portNames = {
  /** The one flow-based VXLAN port: tunnel end and VNI are set per packet. */
  vxlan: 'np-vxlan',
  /** Patch to the uplink bridge, which owns NICs and bonds. */
  uplink: 'np-to-uplink',
  /** The host's own port; the resolver listens behind it. */
  host: 'np-host',
  /** To the kernel's way out of networks, and into them. */
  outside: 'np-outside',
} as const

/** MAC of the gateway on every host (anycast), and of routed packets. */
export const routerMac = '00:00:11:11:11:11'
/** MAC of the host's own port. */
export const hostMac = '00:00:11:11:11:12'
/** MAC of the kernel's end of the way out. */
export const outsideMac = '00:00:11:11:11:13'
/** Addresses of endpoints on that link, a /16: of those that are for benchmarks (RFC 2544), which nobody has. */
export const defaultOutsideSubnet = '198.18.0.0/16'
/** UDP port of VXLAN (RFC 7348). */
export const vxlanPort = 4789
