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
}

/** Ports of the integration bridge that are not endpoints. */
export const portNames = {
  /** The one flow-based VXLAN port: tunnel end and VNI are set per packet. */
  vxlan: 'np-vxlan',
  /** Patch to the uplink bridge, which owns NICs and bonds. */
  uplink: 'np-to-uplink',
  /** The host's own port; the resolver listens behind it. */
  host: 'np-host',
} as const

/** MAC of the gateway on every host (anycast), and of routed packets. */
export const routerMac = '00:00:11:11:11:11'
/** MAC of the host's own port. */
export const hostMac = '00:00:11:11:11:12'
/** UDP port of VXLAN (RFC 7348). */
export const vxlanPort = 4789
