import type { NodeSettings } from '../../src/core/compile/node-ports.ts'

/** Of a host with the userspace datapath and a tunnel end, without uplinks. */
export const userspaceSettings: NodeSettings = {
  datapathType: 'netdev',
  uplinks: [],
  vxlanPort: 4789,
  underlayMtu: 1600,
  uplinkMtu: undefined,
  outsideSubnet: '198.18.0.0/16',
}
