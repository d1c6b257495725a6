// One session with Open vSwitch: its database and the OpenFlow connection of the integration bridge. When either ends the
// session is over, and the agent begins a new one from what it reads back.

import { join } from 'node:path'
import { bridgeNames } from '../core/compile/node-ports.ts'
import type { ServiceView } from '../core/compile/node-services.ts'
import { advertisementMark, agentControllerId, finishAdvertisementPacket } from '../core/pipeline/advertisements.ts'
import { isOf, ownFlows } from '../core/pipeline/cookies.ts'
import { tableId } from '../core/pipeline/flow.ts'
import type { FlowSets } from '../core/pipeline/flow-sets.ts'
import { refusalMark, refusalOf } from '../core/pipeline/refusals.ts'
import { countingTables, countRules, type RuleCount } from '../core/pipeline/rule-counts.ts'
import { countService, type ServiceCount } from '../core/pipeline/service-counts.ts'
import type { TableName } from '../core/pipeline/tables.ts'
import type { DesiredBridge } from '../core/plan/database.ts'
import { planAllFlows, planFlowChanges } from '../core/plan/flows.ts'
import { planGroups } from '../core/plan/groups.ts'
import { planMeters } from '../core/plan/meters.ts'
import type { BridgeFacts } from '../core/plan/switch-rows.ts'
import { type ApplyOptions, OpenVswitchDatabase } from '../drivers/switch/open-vswitch-database.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import {
  type ConntrackMatch,
  type Flow,
  type Group,
  type Meter,
  type Modification,
  OpenFlowConnection,
  type PacketIn,
  type PacketOut,
} from '../protocols/openflow/index.ts'
import type { ListedConnection } from '../protocols/unixctl/index.ts'
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
  /** Called when somebody else changed flows: what is in the switch is not known any more. */
  readonly onForeignChange: () => void
  /** Called when there is a connection to the daemon, before anything is put in force: it may be a new one that knows nothing. */
  readonly onConnected: () => void
}

interface Applied {
  readonly flows: FlowSets
  readonly meters: Meters
  readonly groups: ReadonlyMap<number, Group>
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
  /** How often it became unknown: while flows are put in force, too. */
  #doubts = 0
  #isFirst = true
  /** Policy flows were changed, and decisions by older ones not dropped since. */
  #isUnsettled = false
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

  /** Flows and the groups they use as desired, in one bundle, and the meters they use; returns how many modifications that took. */
  async applyFlows(
    { flows, meters, groups }: Applied,
    options: { readonly remove: boolean },
    signal: AbortSignal,
  ): Promise<number> {
    const connection = await this.#connection(signal)
    const applied = this.#applied
    const doubts = this.#doubts
    const actualMeters = applied?.meters.values() ?? (await connection.meters(signal))
    const { before, after } = planMeters(meters, actualMeters, options)
    const groupsThere = applied?.groups.values() ?? (await connection.groups(signal))
    const groupPlan = planGroups(groups, groupsThere, options)
    const flowChanges =
      applied === undefined
        ? planAllFlows(flows, await connection.flows({ cookie: ownFlows }, signal), options)
        : flows === applied.flows && options.remove
          ? []
          : planFlowChanges(flows, applied.flows, options)
    const modifications = [...groupPlan.before, ...flowChanges, ...groupPlan.after]
    // A predecessor may have died between a change and its settling.
    if (modifications.some(isJudged) || (this.#isFirst && hasJudged(flows))) this.#isUnsettled = true
    this.#isFirst = false
    if (before.length > 0) await connection.send(before, signal)
    if (modifications.length > 0) await connection.bundle(modifications, signal)
    if (after.length > 0) await connection.send(after, signal)
    this.#applied = options.remove && doubts === this.#doubts ? { flows, meters, groups } : undefined
    return before.length + modifications.length + after.length
  }

  /** Sends packets out; nothing is heard of them. */
  async packetsOut(packets: readonly PacketOut[], signal: AbortSignal): Promise<void> {
    if (packets.length === 0) return
    const connection = await this.#connection(signal)
    for (const packet of packets) connection.packetOut(packet)
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
    await this.#cache.round(() => connection.barrier(signal), signal)
    const flows = await Promise.all(countingTables.map((name) => connection.flows({ table: tableId(name) }, signal)))
    return countRules(flows.flat(), keys)
  }

  /** What went to the providers of a service, and what came back. */
  async countService(service: ServiceView, signal: AbortSignal): Promise<readonly ServiceCount[]> {
    if (this.#openFlow === undefined) return []
    const connection = this.#openFlow
    await this.#cache.round(() => connection.barrier(signal), signal)
    return countService(await connection.flows({ table: tableId('Provider') }, signal), service)
  }

  /** Hands a packet to a port. */
  async packetTo(port: number, packet: Buffer, signal: AbortSignal): Promise<void> {
    const connection = await this.#connection(signal)
    connection.packetOut(handedTo(port, packet))
  }

  /** The same at once; false while there is no connection. */
  packetNow(port: number, packet: Buffer): boolean {
    if (this.#over || this.#openFlow === undefined) return false
    this.#openFlow.packetOut(handedTo(port, packet))
    return true
  }

  /** The connections of a zone; none where the daemon does not listen for such questions. */
  connectionsIn(zone: number, signal: AbortSignal): Promise<readonly ListedConnection[]> {
    return this.#cache.connections(zone, signal)
  }

  /** After a change of policy flows, with the userspace datapath: returns when nothing is decided by older ones. */
  async settle(signal: AbortSignal): Promise<void> {
    if (!this.#isUnsettled) return
    await this.#cache.forget(signal)
    this.#isUnsettled = false
  }

  /** If meters or groups are not those that were put in force, or flows of ours not as many, the next flows are compared with all. */
  async lookForDrift(signal: AbortSignal): Promise<void> {
    const applied = this.#applied
    if (applied === undefined) return
    const connection = await this.#connection(signal)
    const meters = planMeters(applied.meters, await connection.meters(signal), { remove: true })
    const groups = planGroups(applied.groups, await connection.groups(signal), { remove: true })
    const found = await connection.countFlows({ cookie: ownFlows }, signal)
    const steps = [meters.before, meters.after, groups.before, groups.after].flat()
    const isDrifted = steps.length > 0 || found !== applied.flows.count
    if (!isDrifted || this.#applied !== applied) return
    const wanted = applied.flows.count
    this.#deps.log.warn('flows, meters or groups are not as they were left', {
      flows: found,
      wanted,
      others: steps.length,
    })
    this.distrustFlows()
  }

  /** Whether it is known what is in the switch; if not, the next flows are compared with what is read back. */
  get knowsFlows(): boolean {
    return this.#applied !== undefined
  }

  /** Forget what was applied: the next pass compares with what the switch really has. */
  distrustFlows(): void {
    this.#applied = undefined
    this.#doubts++
  }

  #changedByOthers(): void {
    this.#deps.log.warn('flows were changed by somebody else')
    this.distrustFlows()
    this.#deps.onForeignChange()
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
    this.#deps.onConnected()
    await connection
      .watchFlows(() => this.#changedByOthers(), signal)
      .catch((error: unknown) => {
        if (!asNetpluginError(error).code.startsWith('OFPBRC_')) throw error
        this.#deps.log.warn('this Open vSwitch does not tell of changes by others: they are found within a minute')
      })
    connection.onPacketIn((handedUp) => {
      this.#deps.onPacketIn(handedUp)
      const { packet, fields, userdata } = handedUp
      const finished = answerOf(userdata, packet)
      if (finished === undefined || typeof fields.in_port !== 'number') return
      connection.packetOut(handedTo(fields.in_port, finished))
    })
    return connection
  }
}

function handedTo(port: number, packet: Buffer): PacketOut {
  return { inPort: 'controller', actions: [{ type: 'output', port }], packet }
}

function answerOf(mark: string, packet: Buffer): Buffer | undefined {
  if (mark === advertisementMark) return finishAdvertisementPacket(packet)
  return mark === refusalMark ? refusalOf(packet) : undefined
}

/** Of what has a part in whom a packet reaches: policies say whether, services whom. */
function isJudged(modification: Modification): boolean {
  if ('group' in modification || modification.op === 'delete-group') return true
  const table =
    modification.op === 'add-flow' ? modification.flow.table : 'table' in modification ? modification.table : undefined
  if (table === undefined) return false
  const isBetween = (first: TableName, last: TableName) => table >= tableId(first) && table <= tableId(last)
  return isBetween('Track', 'Commit') || isBetween('Service', 'Provider')
}

function hasJudged(flows: FlowSets): boolean {
  const isJudged = ({ cookie }: Flow) => isOf('policy', cookie) || isOf('service', cookie)
  for (const own of flows.values()) if (own.some(isJudged)) return true
  return false
}
