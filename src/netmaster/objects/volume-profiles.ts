// Volume profiles (specification 2.2): kept, and linked to their tenant.

import {
  renderVolumeProfile,
  type VolumeProfileBody,
  type VolumeProfileInspect,
  type VolumeProfileView,
} from '../../model/volume-profile.ts'
import { checkTenant, type ObjectKind } from './object.ts'
import { recordObject } from './record-object.ts'

export const volumeProfileObject: ObjectKind<VolumeProfileBody, VolumeProfileView, VolumeProfileInspect> = recordObject(
  {
    kind: 'volumeProfile',
    noun: 'volume profile',
    keyOf: (body: VolumeProfileBody) => `${body.tenantName}:${body.volumeProfileName}`,
    recordOf: (view, { tenantName, volumeProfileName, datastoreType, poolName, size, mountPoint }) => {
      const record = { tenantName, volumeProfileName, datastoreType, poolName, size, mountPoint }
      return checkTenant(view, tenantName) ?? record
    },
    render: (_, record) => renderVolumeProfile(record),
    inspect: (_, record) => ({ Config: renderVolumeProfile(record), Oper: {} }),
  },
)
