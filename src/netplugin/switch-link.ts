// One session with Open vSwitch: its database and the OpenFlow connection of the integration bridge. When either ends the
// session is over, and the agent begins a new one from what it reads back.

import { join } from 'node:path'
import { bridgeNames } from '../core/compile/node-ports.ts'
import { advertisementMark, agentControllerId, finishAdvertisementPacket } from '../core/pipeline/advertisements.ts'
import { isOf, ownFlows } from '../core/pipeline/cookies.ts'
import { tableId } from '../core/pipeline/flow.ts'
import type { FlowSets } from '../core/pipeline/flow-sets.ts'
import { countingTables, countRules, type RuleCount } from '../core/pipeline/rule-counts.ts'
import type { DesiredBridge } from '../core/plan/database.ts'
import { planAllFlows, planFlowChanges } from '../core/plan/flows.ts'
import { planMeters } from '../core/plan/meters.ts'
import type { BridgeFacts } from '../core/plan/switch-rows.ts'
import { type ApplyOptions, OpenVswitchDatabase } from '../drivers/switch/open-vswitch-database.ts'
import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import {
  type ConntrackMatch,
  type Flow,
  type Meter,
  type Modification,
  OpenFlowConnection,
  type PacketIn,
} from '../protocols/openflow/index.ts'
import { DatapathCache } from './datapath-cache.ts'

/** How long one change of ports, or one answer about flows, may take: less than attach calls wait, so that they can say what holds them up. */
const settleMs = 8_000

interface Options {
  readonly runDir: string
  readonly node: string
}

interface Deps {
  readonly log: Log
  readonly clock: Clock
  /** Hears of every packet that the switch hands up. */
  readonly onPacketIn: (packet: PacketIn) => void
}

interface Applied {
  readonly flows: FlowSets
  readonly meters: Meters
}

type Meters = ReadonlyMap<number, Meter>

export class SwitchLink {
  readonly database: OpenVswitchDatabase
  readonly #options: Options
  readonly #deps: Deps
  #openFlow: OpenFlowConnection | undefined
  #maxMeter: number | undefined
  /** What this session put in force; undefined = unknown, read back first. */
  #applied: Applied | undefined
  #isFirst = true
  /** Policy flows were changed, and decisions by older ones not dropped since: any flow that is in force. */
  #unsettled: Flow | undefined
  readonly #cache: DatapathCache
  #over = false
  #ended: (() => void) | undefined

  private constructor(database: OpenVswitchDatabase, options: Options, deps: Deps) {
    this.database = database
    this.#options = options
    this.#deps = deps
    this.#cache = new DatapathCache({ runDir: options.runDir, patienceMs: settleMs }, deps)
    this.database.closed.then(() => this.close())
  }

  static async open(options: Options, deps: Deps, signal: AbortSignal): Promise<SwitchLink> {
    const path = join(options.runDir, 'db.sock')
    const database = await OpenVswitchDatabase.connect({ path, owner: options.node, settleMs }, deps, signal)
    return new SwitchLink(database, options, deps)
  }

  get over(): boolean {
    return this.#over
  }

  /** Called once, when either connection ended. */
  whenOver(listener: () => void): void {
    this.#ended = listener
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.database.close()
    this.#openFlow?.close()
    this.#cache.close()
    this.#ended?.()
  }

  /** Our ports on the integration bridge, as far as is known. */
  ports(): BridgeFacts {
    return this.database.facts(bridgeNames.integration)
  }

  /** Bridges and ports as desired; returns when the switch has numbered every port or said why it cannot. */
  async applyPorts(
    desired: readonly DesiredBridge[],
    options: ApplyOptions,
    signal: AbortSignal,
  ): Promise<BridgeFacts> {
    await this.database.apply(desired, options, signal)
    return this.ports()
  }

  /** The largest number of a meter that the datapath takes; 0 when it has none. */
  async maxMeter(signal: AbortSignal): Promise<number> {
    const connection = await this.#connection(signal)
    if (this.#maxMeter === undefined) {
      this.#maxMeter = await connection.maxMeter(signal)
      if (this.#maxMeter === 0) this.#deps.log.warn('no meters in this datapath: bandwidths of profiles are not kept')
    }
    return this.#maxMeter
  }

  /** Flows as desired, in one bundle, and the meters they use; returns how many modifications that took. */
  async applyFlows(
    { flows, meters }: Applied,
    options: { readonly remove: boolean },
    signal: AbortSignal,
  ): Promise<number> {
    const connection = await this.#connection(signal)
    const applied = this.#applied
    const actualMeters = applied?.meters.values() ?? (await connection.meters(signal))
    const { before, after } = planMeters(meters, actualMeters, options)
    const modifications =
      applied === undefined
        ? planAllFlows(flows, await connection.flows({ cookie: ownFlows }, signal), options)
        : flows === applied.flows && options.remove
          ? []
          : planFlowChanges(flows, applied.flows, options)
    // A predecessor may have died between a change and its settling.
    if (modifications.some(isJudged) || (this.#isFirst && hasPolicy(flows))) this.#unsettled = anyFlow(flows)
    this.#isFirst = false
    if (before.length > 0) await connection.send(before, signal)
    if (modifications.length > 0) await connection.bundle(modifications, signal)
    if (after.length > 0) await connection.send(after, signal)
    this.#applied = options.remove ? { flows, meters } : undefined
    return before.length + modifications.length + after.length
  }

  /** Makes the switch forget connections. */
  async flushConntrack(match: ConntrackMatch, signal: AbortSignal): Promise<void> {
    const connection = await this.#connection(signal)
    await connection.flushConntrack(match, signal)
  }

  /** What each of the rules has let through and stopped. */
  async countRules(keys: readonly string[], signal: AbortSignal): Promise<readonly RuleCount[]> {
    if (this.#openFlow === undefined) return []
    const connection = this.#openFlow
    // What the datapath has counted comes to the flows with each round of corrections.
    await this.#cache.round(signal)
    const flows = await Promise.all(countingTables.map((name) => connection.flows({ table: tableId(name) }, signal)))
    return countRules(flows.flat(), keys)
  }

  /** After a change of policy flows, with the userspace datapath: returns when nothing is decided by older ones. */
  async settle(signal: AbortSignal): Promise<void> {
    const flow = this.#unsettled
    if (flow === undefined) return
    const connection = await this.#connection(signal)
    await this.#cache.forget(() => connection.bundle([{ op: 'add-flow', flow }], signal), signal)
    this.#unsettled = undefined
  }

  /** Whether it is known what is in the switch; if not, the next flows are compared with what is read back. */
  get knowsFlows(): boolean {
    return this.#applied !== undefined
  }

  /** Forget what was applied: the next pass compares with what the switch really has. */
  distrustFlows(): void {
    this.#applied = undefined
  }

  async #connection(signal: AbortSignal): Promise<OpenFlowConnection> {
    if (this.#openFlow !== undefined) return this.#openFlow
    const path = join(this.#options.runDir, `${bridgeNames.integration}.mgmt`)
    const connection = await OpenFlowConnection.connect(
      { path, requestTimeoutMs: settleMs, controllerId: agentControllerId },
      this.#deps,
      signal,
    )
    if (this.#over) {
      connection.close()
      throw new NetpluginError('unavailable', 'SWITCH_GONE', 'Open vSwitch went away; reconnecting')
    }
    this.#openFlow = connection
    this.#applied = undefined
    connection.closed.then(() => this.close())
    connection.onPacketIn((handedUp) => {
      this.#deps.onPacketIn(handedUp)
      const { packet, fields, userdata } = handedUp
      const finished = userdata === advertisementMark ? finishAdvertisementPacket(packet) : undefined
      if (finished === undefined || typeof fields.in_port !== 'number') return
      connection.packetOut({
        inPort: 'controller',
        actions: [{ type: 'output', port: fields.in_port }],
        packet: finished,
      })
    })
    return connection
  }
}

/** Of a table that has a part in what policies say. */
function isJudged(modification: Modification): boolean {
  const table =
    modification.op === 'add-flow' ? modification.flow.table : 'table' in modification ? modification.table : undefined
  return table !== undefined && table >= tableId('Track') && table <= tableId('Commit')
}

function hasPolicy(flows: FlowSets): boolean {
  for (const own of flows.values()) if (own.some(({ cookie }) => isOf('policy', cookie))) return true
  return false
}

function anyFlow(flows: FlowSets): Flow | undefined {
  for (const own of flows.values()) for (const flow of own) return flow
  return undefined
}
