// The nodes: who registered (kept in the store) and who lives (kept in memory; known again within a heartbeat after a
// restart). What a node told another master is heard from that one (exchange.ts).

import type { Clock } from '../lib/clock.ts'
import { type Problem, raise } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { problem } from '../model/body.ts'
import type { PresenceNews } from '../model/masters.ts'
import { type HeartbeatBody, type NodeRemoved, type NodeView, nodeTimeoutMs, type RegisterBody } from '../model/node.ts'
import type { Change, NodeRecord } from '../model/state.ts'
import { isUnderstood, nodeProtocol } from '../model/versions.ts'
import type { Cluster } from './cluster.ts'
import { type Decision, unchanged } from './decision.ts'
import { foundNode, type LossTimes, reclaimRebooted, removeNode } from './lost-nodes.ts'
import { notFound } from './objects/object.ts'
import { late } from './sessions.ts'
import type { View } from './tables.ts'

interface Presence {
  readonly lastSeen: number
  readonly appliedRevision: number
  readonly endpoints: number
  readonly problems: readonly string[]
  readonly uplinks: readonly string[]
  readonly mtu: number
  /** Told by the node itself, and not by another master. */
  readonly isFirstHand: boolean
}

interface Deps {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly log: Log
  /** Nobody is held back any longer. */
  readonly stopping: AbortSignal
  /** Told of each node that was heard here. */
  readonly heard?: (node: string) => void
}

const unseen: Presence = {
  lastSeen: 0,
  appliedRevision: 0,
  endpoints: 0,
  problems: [],
  uplinks: [],
  mtu: 0,
  isFirstHand: false,
}

/** A request that waits for nodes is held back this long: whoever waits a second is to hear who lags. */
const heldMs = 500

export class Nodes {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #stopping: AbortSignal
  readonly #deadAfterMs: number
  readonly #log: Log
  readonly #heard: (node: string) => void
  readonly #presence = new Map<string, Presence>()
  /** When a node has come further. */
  readonly #progress = new Wakeup()

  constructor(
    { deadAfterMs }: Pick<LossTimes, 'deadAfterMs'>,
    { cluster, clock, log, stopping, heard = () => {} }: Deps,
  ) {
    this.#deadAfterMs = deadAfterMs
    this.#log = log
    this.#heard = heard
    this.#cluster = cluster
    this.#clock = clock
    this.#stopping = stopping
  }

  /** Stores who the node is; answers the revision that contains it. */
  async register(node: string, body: RegisterBody): Promise<number> {
    const isHeard = this.#isHeard(node)
    const { revision, result } = await this.#cluster.transact((view) => registerNode(view, node, body, isHeard))
    if (result.reclaimed > 0) {
      this.#log.info('node was started anew: its former endpoints are reclaimed', { node, endpoints: result.reclaimed })
    }
    this.#seen(node, { uplinks: body.uplinks, mtu: body.mtu })
    return revision
  }

  async heartbeat(node: string, body: HeartbeatBody): Promise<void> {
    // It may have registered at another master just now.
    if (!this.#cluster.view.nodes.has(node)) await this.#cluster.fresh()
    const record = this.#cluster.view.nodes.get(node)
    if (record === undefined) {
      raise({ ...notFound('node', node), message: `node ${node} is not registered; register it first` })
    }
    if (record.lost !== undefined) {
      const { result } = await this.#cluster.transact((view) => foundNode(view, node))
      if (result) this.#log.info('lost node is heard again', { node })
    }
    this.#seen(node, { appliedRevision: body.appliedRevision, endpoints: body.endpoints, problems: body.problems })
  }

  /** Forgets a node that does not live any more, and its endpoints; answers their ids. */
  async remove(node: string): Promise<NodeRemoved> {
    const { result } = await this.#cluster.transact((view) => removeNode(view, node, this.#isHeard(node)))
    this.#presence.delete(node)
    return result
  }

  /** When any master heard of it, as far as is known here; 0: never. */
  lastHeard(node: string): number {
    return this.#presence.get(node)?.lastSeen ?? 0
  }

  #isHeard(node: string): boolean {
    return this.#clock.now() - this.lastHeard(node) < nodeTimeoutMs
  }

  list(): NodeView[] {
    const now = this.#clock.now()
    const records = [...this.#cluster.view.nodes.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
    return records.map((record) => {
      const { lastSeen, appliedRevision, endpoints, problems, uplinks, mtu } = this.#presence.get(record.node) ?? unseen
      return {
        name: record.node,
        controlAddress: record.controlAddress,
        vtep: record.vtep,
        version: record.version,
        bootId: record.bootId,
        uplinks: [...uplinks],
        mtu,
        alive: this.#isHeard(record.node),
        state: this.#stateOf(record, now),
        lastSeen,
        appliedRevision,
        endpoints,
        problems: [...problems],
      }
    })
  }

  #stateOf({ node, lost }: NodeRecord, now: number): NodeView['state'] {
    if (lost === undefined) return this.#isHeard(node) ? 'lives' : 'silent'
    return this.#deadAfterMs > 0 && now - lost >= this.#deadAfterMs ? 'dead' : 'lost'
  }

  /** As soon as every live node has the revision in force, and after half a second in any case. */
  async applied(text: string): Promise<NodeView[]> {
    const revision = Number(text)
    if (!/^\d{1,15}$/.test(text)) {
      raise(problem('invalid', 'INVALID_REVISION', `a revision is a number, not ${JSON.stringify(text)}`))
    }
    const until = this.#clock.now() + heldMs
    for (;;) {
      const nodes = this.list()
      const left = until - this.#clock.now()
      const isOver = left <= 0 || this.#stopping.aborted
      if (isOver || nodes.every((node) => !node.alive || node.appliedRevision >= revision)) return nodes
      await this.#progress.waitAtMost(left, { clock: this.#clock }, this.#stopping)
    }
  }

  /** Nodes that told this master last. */
  firstHand(): readonly string[] {
    return [...this.#presence].filter(([, { isFirstHand }]) => isFirstHand).map(([node]) => node)
  }

  /** What other masters are told of a node; undefined where they know better. */
  news(node: string): PresenceNews | undefined {
    const known = this.#presence.get(node)
    if (known?.isFirstHand !== true) return undefined
    const { lastSeen, isFirstHand: _, problems, uplinks, ...rest } = known
    const agoMs = Math.max(0, this.#clock.now() - lastSeen)
    return { node, agoMs, ...rest, problems: [...problems], uplinks: [...uplinks] }
  }

  /** Takes what another master heard; what was heard here since counts more. */
  hearNews({ node, agoMs, ...rest }: PresenceNews): void {
    const known = this.#presence.get(node) ?? unseen
    const lastSeen = this.#clock.now() - agoMs
    if (lastSeen < known.lastSeen) return
    this.#presence.set(node, { ...rest, lastSeen, isFirstHand: false })
    if (rest.appliedRevision > known.appliedRevision) this.#progress.wake()
  }

  #seen(node: string, what: Partial<Presence>): void {
    const known = this.#presence.get(node) ?? unseen
    this.#presence.set(node, { ...known, ...what, lastSeen: this.#clock.now(), isFirstHand: true })
    if (what.appliedRevision !== undefined && what.appliedRevision > known.appliedRevision) this.#progress.wake()
    this.#heard(node)
  }
}

/** How many endpoints the node had before it was started anew. */
interface Registered {
  readonly reclaimed: number
}

/** `isHeard`: somebody of the name lives. */
function registerNode(view: View, node: string, body: RegisterBody, isHeard: boolean): Decision<Registered> | Problem {
  if (!/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(node)) {
    const message = `${JSON.stringify(node)} is not a node name; use letters, digits, dots, hyphens and underscores`
    return problem('invalid', 'INVALID_NODE_NAME', message)
  }
  if (!isUnderstood(body.protocol, nodeProtocol)) {
    const [older, newer] = body.protocol < nodeProtocol ? ['netplugin', 'netmaster'] : ['netmaster', 'netplugin']
    const message = `node ${node} speaks protocol ${body.protocol} and this netmaster ${nodeProtocol}, more than one version apart; upgrade ${older} to the version before that of ${newer}, or to the same`
    return problem('conflict', 'PROTOCOL_VERSION', message)
  }
  const { controlAddress, vtep, bootId, version, session } = body
  const record: NodeRecord = { node, controlAddress, vtep, bootId, version, ...(session !== undefined && { session }) }
  const before = view.nodes.get(node)
  // It may be from before the machine was started anew.
  if (session !== undefined && session < (before?.session ?? 0)) return late(node, before?.session ?? 0)
  const isAnother = before !== undefined && before.bootId !== '' && bootId !== '' && before.bootId !== bootId
  if (isAnother && isHeard && (before.vtep !== vtep || before.controlAddress !== controlAddress)) {
    const where = before.controlAddress || before.vtep
    const message = `another machine, ${where}, is node ${node} and lives; give one of them another name with --host-label`
    return problem('conflict', 'NODE_NAME_TAKEN', message, { node })
  }
  // Whatever ran there before it was started anew runs no more.
  const reclaimed = isAnother ? reclaimRebooted(view, node) : unchanged(0)
  const records: Change[] = [...reclaimed.records]
  for (const other of view.nodes.values()) {
    if (vtep === '' || other.vtep !== vtep || other.node === node) continue
    // The other one may be the same machine under its former name; it then gives way.
    records.push({ kind: 'node', key: other.node, value: { ...other, vtep: '' } })
  }
  if (JSON.stringify(before) !== JSON.stringify(record)) records.push({ kind: 'node', key: node, value: record })
  return { records, grants: reclaimed.grants, result: { reclaimed: reclaimed.result } }
}
