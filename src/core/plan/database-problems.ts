// What somebody else has that we would need, in words for the person who can give way.

import type { DatabaseProblem } from './database.ts'
import { type BridgeRow, ownerMark, type PlacedPort } from './switch-rows.ts'

export function bridgeTaken(name: string, present: BridgeRow | undefined): DatabaseProblem {
  const owner = present?.external_ids[ownerMark]
  const whose = owner === undefined ? 'is not ours' : `belongs to netplugin node ${owner}`
  const message =
    present === undefined
      ? `cannot make bridge ${name}: Open vSwitch has a port of that name; remove that port first`
      : `bridge ${name} of Open vSwitch ${whose}; remove it with "ovs-vsctl del-br ${name}" when nobody needs it`
  return { kind: 'conflict', code: 'BRIDGE_TAKEN', message, bridge: name }
}

export function portTaken(bridge: string, port: string, holder: PlacedPort): DatabaseProblem {
  const place = `port ${holder.row.name} of bridge ${holder.bridge.name}`
  const message = `cannot make port ${port} on bridge ${bridge}: ${place} has that name or device and cannot be given up; remove it first`
  return { kind: 'conflict', code: 'PORT_TAKEN', message, bridge, port }
}

export function bridgeInUse(bridge: string, foreign: readonly string[]): DatabaseProblem {
  const message = `bridge ${bridge} is no longer needed, but has ports that are not ours: ${foreign.join(', ')}; remove them`
  return { kind: 'conflict', code: 'BRIDGE_IN_USE', message, bridge }
}
