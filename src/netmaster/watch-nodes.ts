// Looks for hosts that nobody hears of any more. The leader does, for all: it knows what nodes told each master.

import type { Clock } from '../lib/clock.ts'
import { asError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Cluster } from './cluster.ts'
import type { Fence } from './decision.ts'
import { type LossTimes, loseNodes, reclaimDead } from './lost-nodes.ts'
import type { Nodes } from './nodes.ts'

interface Deps {
  readonly cluster: Cluster
  readonly nodes: Pick<Nodes, 'lastHeard'>
  readonly clock: Clock
  readonly log: Log
  /** Whether this is the one that looks, and what its commits expect then. */
  readonly lead: () => { readonly fence?: Fence } | undefined
}

const lookMs = 1_000
/** Who was away himself for so long does not know who was silent meanwhile. */
const absentMs = 5_000

export class NodeWatch {
  readonly #times: LossTimes
  readonly #deps: Deps
  /** Since when silence has been heard here: nobody is lost for what was before. */
  #since: number | undefined
  #lookedAt = 0

  constructor(times: LossTimes, deps: Deps) {
    this.#times = times
    this.#deps = deps
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!signal.aborted) {
      try {
        await clock.after(lookMs, signal)
        await this.#look(clock.now())
      } catch (error) {
        if (!signal.aborted) log.warn('lost nodes not looked for', { error: asError(error).message })
      }
    }
  }

  async #look(now: number): Promise<void> {
    const { cluster, log, lead } = this.#deps
    const wasAbsent = now - this.#lookedAt > absentMs || now < this.#lookedAt
    this.#lookedAt = now
    if (this.#since === undefined || wasAbsent) this.#since = now
    const leading = lead()
    if (leading === undefined) return
    const silent = this.#silent(now, this.#since)
    if (silent.length > 0) {
      const { result } = await cluster.transact((view) => loseNodes(view, silent, now), leading.fence)
      for (const node of result) log.warn('node lost: nobody hears of it', { node, ms: this.#times.lostAfterMs })
    }
    const { deadAfterMs } = this.#times
    if (deadAfterMs === 0 || ![...cluster.view.nodes.values()].some(({ lost }) => lost !== undefined)) return
    const { result } = await cluster.transact((view) => reclaimDead(view, now - deadAfterMs), leading.fence)
    for (const [node, endpoints] of result)
      log.warn('node taken for dead: its endpoints are reclaimed', { node, endpoints })
  }

  /** Where nobody at all is heard the fault is here, most likely. */
  #silent(now: number, since: number): string[] {
    const { cluster, nodes } = this.#deps
    const { lostAfterMs } = this.#times
    const silent: string[] = []
    let isAnybodyHeard = false
    for (const { node, lost } of cluster.view.nodes.values()) {
      const heard = nodes.lastHeard(node)
      if (now - heard < lostAfterMs) isAnybodyHeard = true
      else if (lost === undefined && now - Math.max(heard, since) >= lostAfterMs) silent.push(node)
    }
    return isAnybodyHeard ? silent : []
  }
}
