// Network profiles (specification 2.3): may change while groups use them, and go when none does.

import { problem } from '../../model/body.ts'
import {
  type NetprofileBody,
  type NetprofileInspect,
  type NetprofileView,
  netprofileKey,
  renderNetprofile,
} from '../../model/netprofile.ts'
import type { NetprofileRecord } from '../../model/state.ts'
import type { View } from '../tables.ts'
import { checkTenant, heldBy, type ObjectKind, referring } from './object.ts'
import { recordObject } from './record-object.ts'

export const netprofileObject: ObjectKind<NetprofileBody, NetprofileView, NetprofileInspect> = recordObject({
  kind: 'netprofile',
  noun: 'netprofile',
  keyOf: (body: NetprofileBody) => netprofileKey(body.tenantName, body.profileName),
  recordOf: (view, { tenantName, profileName, bandwidth, DSCP, burst }) => {
    const unknown = checkTenant(view, tenantName)
    if (unknown !== undefined) return unknown
    if (burst === 1) {
      const message = 'a burst of 1 kilobyte is less than one packet; give 2 or more, or 0 for none'
      return problem('invalid', 'BURST_TOO_SMALL', message, { field: 'burst' })
    }
    return { tenantName, profileName, bandwidth, dscp: DSCP, burst }
  },
  heldBy: (view, _, key) => {
    const groups = view.referrers('group', 'netprofile', key)
    const advice = 'give them another network profile first'
    return heldBy('NETPROFILE_IN_USE', `netprofile ${key} is used by`, groups, 'endpoint group', advice)
  },
  render,
  inspect: (view, record, key) => ({ Config: render(view, record, key) }),
})

function render(view: View, record: NetprofileRecord, key: string): NetprofileView {
  return renderNetprofile(record, referring(view, 'group', 'netprofile', key))
}
