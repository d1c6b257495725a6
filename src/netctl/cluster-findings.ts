// The state of the cluster, from what netmaster says.

import { bad, type Finding, note, ok } from '../lib/findings.ts'
import type { NodeView } from '../model/node.ts'
import type { HealthView, InfoView, VersionView } from '../model/service.ts'

export interface ClusterDoctorFacts {
  readonly url: string
  readonly health: HealthView
  readonly info: InfoView
  readonly version: VersionView
  readonly nodes: readonly NodeView[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

export function clusterFindings(facts: ClusterDoctorFacts): Finding[] {
  const { url, health, version, nodes } = facts
  const none = note('hosts', 'none has registered yet', 'start netplugin on them')
  return [
    ok('netmaster', `${url} answers, version ${version.Version}, revision ${health.revision}`),
    leader(facts),
    ...(nodes.length === 0 ? [none] : nodes.flatMap((node) => host(node, facts))),
  ]
}

function leader({ info }: ClusterDoctorFacts): Finding {
  const masters = info['netmaster-nodes']
  const { 'leader-ip': leads } = info
  if (leads === '')
    return bad(
      'masters',
      `none of ${masters.join(', ')} leads`,
      'look again in half a minute; then their logs, and the store',
    )
  if (masters.length < 2) return ok('masters', `${masters.join(', ')}, the only one`)
  return ok('masters', `${masters.join(', ')}; ${leads} leads`)
}

function host(node: NodeView, { health, version, now }: ClusterDoctorFacts): Finding[] {
  const about = `host ${node.name}`
  if (!node.alive) {
    const since = node.lastSeen === 0 ? 'since netmaster started' : `for ${Math.round((now - node.lastSeen) / 1_000)} s`
    return [
      bad(about, `not heard ${since}; ${node.controlAddress}`, 'netplugin doctor there; is it up, does netplugin run?'),
    ]
  }
  const behind = health.revision - node.appliedRevision
  const lag =
    behind > 0
      ? note(
          about,
          `revision ${node.appliedRevision}, ${behind} behind`,
          'look again; if it stays: netplugin doctor there',
        )
      : ok(about, `up to date, ${node.endpoints} ${node.endpoints === 1 ? 'endpoint' : 'endpoints'}`)
  const other =
    node.version === version.Version
      ? []
      : [note(about, `netplugin is version ${node.version}, netmaster ${version.Version}`, 'upgrade the older one')]
  const problems = node.problems.map((problem) =>
    bad(about, problem, 'netplugin tries again by itself once this is mended'),
  )
  return [lag, ...other, ...problems]
}
