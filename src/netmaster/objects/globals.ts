// The cluster's settings (specification 2.3): ranges cannot shrink under what is in use, and what every network rests on
// cannot change while there are networks.

import { isDeepStrictEqual } from 'node:util'
import { clipIntervals, formatIntervals } from '../../core/allocate/intervals.ts'
import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import {
  type GlobalBody,
  type GlobalInspect,
  type GlobalView,
  globalFromBody,
  globalKey,
  parseTagRange,
  renderGlobal,
  renderGlobalOper,
} from '../../model/global.ts'
import { defaultGlobal, type GlobalRecord } from '../../model/state.ts'
import { type Decision, unchanged } from '../decision.ts'
import type { NumberGrants } from '../grants.ts'
import type { View } from '../tables.ts'
import { checkKey, heldBy, notFound, type ObjectKind } from './object.ts'

export interface GlobalOptions {
  /** What this netmaster was started for: docker, … */
  readonly clusterMode: string
  /** Forwarding mode of a cluster that nobody has set. */
  readonly fwdMode: GlobalRecord['fwdMode']
}

export function globalObject(options: GlobalOptions): ObjectKind<GlobalBody, GlobalView, GlobalInspect> {
  return {
    keys: (view) => (view.globalStored ? [globalKey] : []),
    get: (view, key) => (isThere(view, key) ? renderGlobal(view.global) : notFound('global', key)),
    put: (view, key, body) => {
      const mismatch = checkKey(key, globalKey, body.key)
      if (mismatch !== undefined) return mismatch
      const current = view.globalStored ? view.global : { ...defaultGlobal, fwdMode: options.fwdMode }
      const wanted = globalFromBody(body, current)
      return isProblem(wanted) ? wanted : changeGlobal(view, wanted)
    },
    remove: removeGlobal,
    inspect: (view, key) => (isThere(view, key) ? inspectGlobal(view, options.clusterMode) : notFound('global', key)),
  }
}

function isThere(view: View, key: string): boolean {
  return key === globalKey && view.globalStored
}

/** Without settings no network can be made, until they are written again or netmaster starts and writes the defaults. */
function removeGlobal(view: View, key: string): Decision<string> | Problem {
  if (!isThere(view, key)) return notFound('global', key)
  const what = 'the global settings cannot be deleted while there are networks:'
  const held = heldBy('GLOBAL_IN_USE', what, view.networks, 'network', 'delete them first')
  return held ?? { records: [{ kind: 'global', key, value: null }], grants: [], result: key }
}

const neverUnderNetworks = {
  networkInfraType: 'INFRA_TYPE_IN_USE',
  fwdMode: 'FWD_MODE_IN_USE',
  pvtSubnet: 'PVT_SUBNET_IN_USE',
} as const

function changeGlobal(view: View, wanted: GlobalRecord): Decision<GlobalView> | Problem {
  const result = renderGlobal(wanted)
  if (isDeepStrictEqual(wanted, view.global) && view.globalStored) return unchanged(result)
  const blocked =
    networksBlock(view, wanted, 'networkInfraType') ??
    networksBlock(view, wanted, 'fwdMode') ??
    networksBlock(view, wanted, 'pvtSubnet') ??
    speakersBlock(view, wanted) ??
    rangeBlocked('vlans', view.global, wanted, view.numbers.vlan) ??
    rangeBlocked('vxlans', view.global, wanted, view.numbers.vni)
  if (blocked !== undefined) return blocked
  return { records: [{ kind: 'global', key: globalKey, value: wanted }], grants: [], result }
}

function networksBlock(
  { global, networks }: View,
  wanted: GlobalRecord,
  field: keyof typeof neverUnderNetworks,
): Problem | undefined {
  if (wanted[field] === global[field]) return undefined
  const what = `${field} cannot change while there are networks:`
  return heldBy(neverUnderNetworks[field], what, networks, 'network', 'delete them first')
}

/** BGP speakers announce routes, which only a routing cluster has and an ACI fabric makes itself. */
function speakersBlock({ global, objects }: View, wanted: GlobalRecord): Problem | undefined {
  const stays = wanted.fwdMode === 'routing' || global.fwdMode !== 'routing'
  if (stays && wanted.networkInfraType === 'default') return undefined
  const what = stays
    ? `networkInfraType cannot become ${wanted.networkInfraType}`
    : `fwdMode cannot become ${wanted.fwdMode}`
  return heldBy('BGP_IN_USE', `${what} while there are Bgp objects:`, objects.bgp, 'Bgp object', 'delete them first')
}

/** Tags outside the range that there is are of ranges that tenants have of their own: they do not hold it. */
function rangeBlocked(
  field: 'vlans' | 'vxlans',
  current: GlobalRecord,
  wanted: GlobalRecord,
  grants: NumberGrants,
): Problem | undefined {
  const text = wanted[field]
  const before = parseTagRange(field, current[field])
  const range = parseTagRange(field, text)
  if (isProblem(before)) return before
  if (isProblem(range)) return range
  const held = clipIntervals(grants.intervals(), before)
  const outside = held.filter(({ first, last }) => first < range.first || last > range.last)
  if (outside.length === 0) return undefined
  const used = formatIntervals(outside, String)
  const message = `${field} cannot become ${text}: ${used} in use outside of it; delete those networks first`
  return problem('conflict', field === 'vlans' ? 'VLANS_IN_USE' : 'VXLANS_IN_USE', message, { field, used })
}

function inspectGlobal(view: View, clusterMode: string): GlobalInspect {
  return {
    Config: renderGlobal(view.global),
    Oper: renderGlobalOper({
      clusterMode,
      numNetworks: view.networks.size,
      vlansInUse: formatIntervals(view.numbers.vlan.intervals(), String),
      vxlansInUse: formatIntervals(view.numbers.vni.intervals(), String),
    }),
  }
}
