// Volumes (specification 2.2): kept, and linked to their tenant.

import { renderVolume, type VolumeBody, type VolumeInspect, type VolumeView } from '../../model/volume.ts'
import { checkTenant, type ObjectKind } from './object.ts'
import { recordObject } from './record-object.ts'

export const volumeObject: ObjectKind<VolumeBody, VolumeView, VolumeInspect> = recordObject({
  kind: 'volume',
  noun: 'volume',
  keyOf: (body: VolumeBody) => `${body.tenantName}:${body.volumeName}`,
  recordOf: (view, { tenantName, volumeName, datastoreType, poolName, size, mountPoint }) => {
    const record = { tenantName, volumeName, datastoreType, poolName, size, mountPoint }
    return checkTenant(view, tenantName) ?? record
  },
  render: (_, record) => renderVolume(record),
  inspect: (_, record) => ({ Config: renderVolume(record), Oper: {} }),
})
