// The nodes: who registered (kept in the store) and who lives (kept in memory; known again within a heartbeat after a
// restart). What a node told another master is heard from that one (exchange.ts).

import type { Clock } from '../lib/clock.ts'
import { type Problem, raise } from '../lib/errors.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { problem } from '../model/body.ts'
import type { PresenceNews } from '../model/masters.ts'
import { type HeartbeatBody, type NodeView, nodeProtocol, nodeTimeoutMs, type RegisterBody } from '../model/node.ts'
import type { NodeRecord } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { type Decision, unchanged } from './decision.ts'
import { notFound } from './objects/object.ts'
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
  readonly #heard: (node: string) => void
  readonly #presence = new Map<string, Presence>()
  /** When a node has come further. */
  readonly #progress = new Wakeup()

  constructor({ cluster, clock, stopping, heard = () => {} }: Deps) {
    this.#heard = heard
    this.#cluster = cluster
    this.#clock = clock
    this.#stopping = stopping
  }

  /** Stores who the node is; answers the revision that contains it. */
  async register(node: string, body: RegisterBody): Promise<number> {
    const { revision } = await this.#cluster.transact((view) => registerNode(view, node, body))
    this.#seen(node, { uplinks: body.uplinks, mtu: body.mtu })
    return revision
  }

  heartbeat(node: string, body: HeartbeatBody): void {
    if (!this.#cluster.view.nodes.has(node)) {
      raise({ ...notFound('node', node), message: `node ${node} is not registered; register it first` })
    }
    this.#seen(node, { appliedRevision: body.appliedRevision, endpoints: body.endpoints, problems: body.problems })
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
        alive: lastSeen > 0 && now - lastSeen < nodeTimeoutMs,
        lastSeen,
        appliedRevision,
        endpoints,
        problems: [...problems],
      }
    })
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

function registerNode(view: View, node: string, body: RegisterBody): Decision<undefined> | Problem {
  if (!/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(node)) {
    const message = `${JSON.stringify(node)} is not a node name; use letters, digits, dots, hyphens and underscores`
    return problem('invalid', 'INVALID_NODE_NAME', message)
  }
  if (body.protocol !== nodeProtocol) {
    const message = `node ${node} speaks protocol ${body.protocol} and this netmaster ${nodeProtocol}; run the same version on both`
    return problem('conflict', 'PROTOCOL_VERSION', message)
  }
  const { controlAddress, vtep, bootId, version } = body
  for (const other of view.nodes.values()) {
    if (vtep === '' || other.vtep !== vtep || other.node === node) continue
    // The other one may be the same machine under its former name; it then gives way.
    const moved: NodeRecord = { ...other, vtep: '' }
    const record: NodeRecord = { node, controlAddress, vtep, bootId, version }
    return {
      records: [
        { kind: 'node', key: other.node, value: moved },
        { kind: 'node', key: node, value: record },
      ],
      grants: [],
      result: undefined,
    }
  }
  const record: NodeRecord = { node, controlAddress, vtep, bootId, version }
  if (JSON.stringify(view.nodes.get(node)) === JSON.stringify(record)) return unchanged(undefined)
  return { records: [{ kind: 'node', key: node, value: record }], grants: [], result: undefined }
}
