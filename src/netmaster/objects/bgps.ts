// BGP speakers (specification 2.3, 5.11): at most one for each host; not in an ACI fabric, which routes by itself.

import { type BgpBody, type BgpInspect, type BgpView, bgpFromBody, checkBgp, renderBgp } from '../../model/bgp.ts'
import { problem } from '../../model/body.ts'
import type { ObjectKind } from './object.ts'
import { recordObject } from './record-object.ts'

export const bgpObject: ObjectKind<BgpBody, BgpView, BgpInspect> = recordObject({
  kind: 'bgp',
  noun: 'Bgp',
  keyOf: (body: BgpBody) => body.hostname,
  recordOf: (view, body) => {
    const { networkInfraType } = view.global
    if (networkInfraType !== 'default') {
      const message = `BGP is not for a fabric of type ${networkInfraType}, which routes by itself; set the fabric mode to default first`
      return problem('conflict', 'BGP_IN_FABRIC', message, { networkInfraType })
    }
    return checkBgp(body) ?? bgpFromBody(body)
  },
  render: (_, record) => renderBgp(record),
  inspect: (_, record) => ({ Config: renderBgp(record), Oper: {} }),
})
