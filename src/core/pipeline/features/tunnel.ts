// Which tunnel ends are believed: those of the cluster's nodes, each known by its address.

import type { Flow } from '../../../protocols/openflow/index.ts'
import { flow } from '../flow.ts'
import { priority } from '../priorities.ts'

export function peerFlows(vtep: string, vxlanPort: number): Flow[] {
  return [flow('tunnel', 'Classify', priority.exact, { in_port: vxlanPort, tun_src: vtep }, [{ goto: 'Tunnel' }])]
}
