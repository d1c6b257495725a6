// The pools of a tenant as `netdcli -oper get` shows them: what there is and what is in use.

import { formatIntervals, subtractIntervals } from '../core/allocate/intervals.ts'
import { tagRangesOf } from '../core/intent/parse-pools.ts'
import { completePools } from '../core/intent/wanted.ts'
import type { Problem } from '../lib/errors.ts'
import { problem } from '../model/body.ts'
import { defaultPools } from '../model/intent.ts'
import type { ResourceState } from '../model/intent-answer.ts'
import { notFound } from './objects/object.ts'
import type { View } from './tables.ts'

export function tenantResource(view: View, kind: string, name: string): ResourceState | Problem {
  const tenant = view.tenants.get(name)
  if (tenant === undefined) return notFound('tenant', name)
  const pools = completePools(tenant.pools ?? defaultPools)
  const vlans = pools.vlans === '' ? view.global.vlans : pools.vlans
  const vxlans = pools.vxlans === '' ? view.global.vxlans : pools.vxlans
  const about = { id: name, tenant: name } as const
  switch (kind) {
    case 'global': {
      const { subnetPool, allocSubnetLen, defaultNetType } = pools
      const { defaultNetwork } = tenant
      const values = { DefaultNetType: defaultNetType, DefaultNetwork: defaultNetwork, SubnetPool: subnetPool }
      return {
        ...about,
        resource: kind,
        values: { ...values, AllocSubnetLen: allocSubnetLen, VLANs: vlans, VXLANs: vxlans },
      }
    }
    case 'vlan-rsrc':
      return { ...about, resource: kind, values: { VLANs: vlans, freeVLANs: freeOf(view, 'vlan', vlans) } }
    case 'vxlan-rsrc':
      return { ...about, resource: kind, values: { VXLANs: vxlans, freeVXLANs: freeOf(view, 'vni', vxlans) } }
    case 'subnet-rsrc': {
      const used = [...view.networksOf(name).values()].map(({ subnet }) => subnet).sort()
      const { subnetPool, allocSubnetLen } = pools
      return {
        ...about,
        resource: kind,
        values: { SubnetPool: subnetPool, AllocSubnetLen: allocSubnetLen, usedSubnets: used.join(', ') },
      }
    }
    default: {
      const known = 'global, vlan-rsrc, vxlan-rsrc or subnet-rsrc'
      return problem('invalid', 'UNKNOWN_RESOURCE', `${JSON.stringify(kind)} is no resource; it is one of ${known}`)
    }
  }
}

function freeOf(view: View, pool: 'vlan' | 'vni', text: string): string {
  const used = view.numbers[pool].intervals()
  return formatIntervals(
    tagRangesOf(text).flatMap((range) => subtractIntervals(range, used)),
    String,
  )
}
