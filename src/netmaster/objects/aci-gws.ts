// The gateway to an ACI fabric (specification 2.3): kept as it is set; not deleted while app profiles need it.

import {
  type AciGwBody,
  type AciGwInspect,
  type AciGwView,
  aciGwFromBody,
  aciGwKey,
  renderAciGw,
} from '../../model/aci-gw.ts'
import { omitEmpty } from '../../model/body.ts'
import { heldBy, type ObjectKind } from './object.ts'
import { recordObject } from './record-object.ts'

export const aciGwObject: ObjectKind<AciGwBody, AciGwView, AciGwInspect> = recordObject({
  kind: 'aciGw',
  noun: 'aciGw',
  keyOf: () => aciGwKey,
  recordOf: (_, body: AciGwBody) => aciGwFromBody(body),
  heldBy: (view, _, key) =>
    heldBy('ACI_GW_IN_USE', `${key} is needed by`, view.objects.appProfile, 'app profile', 'delete them first'),
  render: (_, record) => renderAciGw(record),
  inspect: (view, record) => ({
    Config: renderAciGw(record),
    Oper: omitEmpty({ numAppProfiles: view.objects.appProfile.size }),
  }),
})
