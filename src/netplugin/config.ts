// What an operator tells netplugin about its host.

import { dirname, join } from 'node:path'

export interface NodeConfig {
  /** The host's name in the cluster. */
  readonly node: string
  readonly controlAddress: string
  /** IPv4 tunnel end; empty on a host that only carries VLANs. */
  readonly vtep: string
  /** NICs for VLAN networks. */
  readonly uplinks: readonly string[]
  /** Base URLs of netmasters, with commas between them. */
  readonly netmaster: string
  readonly vxlanPort: number
  /** Ports made in advance for containers to come. */
  readonly portReserve: number
  /** Snapshot, outbox and Docker network ids survive restarts here. */
  readonly stateDir: string
  /** Where Docker looks for the plugin. */
  readonly pluginSocket: string
  /** Where the CNI executable asks. */
  readonly cniSocket: string
  /** Name of the driver, as in `docker network create -d NAME`. */
  readonly pluginName: string
  readonly dockerSocket: string
  /** Open vSwitch's run directory: db.sock and <bridge>.mgmt are in it. */
  readonly ovsRunDir: string
  /** The host's own resolver configuration. */
  readonly resolvConf: string
  /** Where the DNS server of this host listens for us. */
  readonly namesSocket: string
  /** DNS questions a second from one container; 0: no limit. */
  readonly dnsRate: number
  /** Addresses of containers between switch and kernel on their way out, a /16 that means nothing else on this host. */
  readonly outsideSubnet: string
  readonly version: string
}

/** Where a running netplugin leaves its configuration, for `netplugin doctor`; beside the socket for CNI. */
export function configPath({ cniSocket }: Pick<NodeConfig, 'cniSocket'>): string {
  return join(dirname(cniSocket), 'config.json')
}
