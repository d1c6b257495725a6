// App profiles (specification 2.3): name groups that are there, and keep them from being deleted.

import {
  type AppProfileBody,
  type AppProfileInspect,
  type AppProfileView,
  appProfileKey,
  renderAppProfile,
} from '../../model/app-profile.ts'
import { checkGroups, checkTenant, type ObjectKind } from './object.ts'
import { recordObject } from './record-object.ts'

export const appProfileObject: ObjectKind<AppProfileBody, AppProfileView, AppProfileInspect> = recordObject({
  kind: 'appProfile',
  noun: 'app profile',
  keyOf: (body: AppProfileBody) => appProfileKey(body.tenantName, body.appProfileName),
  recordOf: (view, { tenantName, appProfileName, endpointGroups }) =>
    checkTenant(view, tenantName) ??
    checkGroups(view, tenantName, endpointGroups) ?? { tenantName, appProfileName, endpointGroups },
  render: (_, record) => renderAppProfile(record),
  inspect: (_, record) => ({ Config: renderAppProfile(record) }),
})
