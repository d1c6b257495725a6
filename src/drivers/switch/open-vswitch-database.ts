// The database half of the Open vSwitch driver: brings bridges and ports to the desired state and tells what the switch
// made of them. One object is one connection; when it ends, make a new one and begin from what it reads back.

import { type DatabaseProblem, type DesiredBridge, type Devices, planDatabase } from '../../core/plan/database.ts'
import { type BridgeFacts, bridgeFacts, switchColumns } from '../../core/plan/switch-rows.ts'
import type { Clock } from '../../lib/clock.ts'
import { NetpluginError, raise } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { mutate, type Operation, OvsdbClient, type Replica, select } from '../../protocols/ovsdb/index.ts'

export interface OpenVswitchDatabaseOptions {
  /** The unix socket of ovsdb-server. */
  readonly path: string
  /** The name of this node: the value of the mark on our rows. */
  readonly owner: string
  /** How long the switch may take for one transaction; 15,000 when not given. */
  readonly settleMs?: number
}

export interface ApplyOptions {
  /** False until the whole desired state is known: then nothing is removed for being absent from it. */
  readonly remove: boolean
  /** The host's network devices: a port whose device was replaced by one of the same name is made again. */
  readonly devices?: Devices
}

export interface OpenVswitchDatabaseDeps {
  readonly log: Log
  readonly clock: Clock
}

/** How a transaction fails that was planned on rows of yesterday. */
const outdatedCodes: ReadonlySet<string> = new Set(['OVSDB_CONSTRAINT_VIOLATION', 'OVSDB_REFERENTIAL_INTEGRITY'])

export class OpenVswitchDatabase {
  /** Resolves with the reason when the connection ends, or with undefined after close(). */
  readonly closed: Promise<Error | undefined>
  readonly #client: OvsdbClient
  readonly #rows: Replica<typeof switchColumns>
  readonly #owner: string
  readonly #settleMs: number
  readonly #log: Log
  #problems: readonly DatabaseProblem[] = []
  /** By bridge; forgotten when a row or a problem changes. */
  readonly #facts = new Map<string, BridgeFacts>()

  private constructor(
    client: OvsdbClient,
    rows: Replica<typeof switchColumns>,
    { owner, settleMs = 15_000 }: OpenVswitchDatabaseOptions,
    { log }: OpenVswitchDatabaseDeps,
  ) {
    this.closed = client.closed
    this.#client = client
    this.#rows = rows
    this.#owner = owner
    this.#settleMs = settleMs
    this.#log = log
    this.onChange(() => this.#facts.clear())
  }

  /** Throws OVSDB_UNREACHABLE (unavailable) when Open vSwitch does not run. */
  static async connect(
    options: OpenVswitchDatabaseOptions,
    deps: OpenVswitchDatabaseDeps,
    signal?: AbortSignal,
  ): Promise<OpenVswitchDatabase> {
    const client = await OvsdbClient.connect({ path: options.path }, deps, signal)
    try {
      const rows = await client.monitor(switchColumns, signal)
      return new OpenVswitchDatabase(client, rows, options, deps)
    } catch (error) {
      client.close()
      throw error
    }
  }

  /**
   * Makes bridges and ports as desired and returns when the switch has taken them: each port then has its number, or an error
   * in facts(). A port whose name is taken by somebody else is such an error; a bridge whose name is taken throws BRIDGE_TAKEN,
   * after the rest was done. Throws SWITCH_SILENT (timeout) when ovs-vswitchd does not take the change.
   */
  async apply(desired: readonly DesiredBridge[], options: ApplyOptions, signal?: AbortSignal): Promise<void> {
    try {
      await this.#applyOnce(desired, options, signal)
    } catch (error) {
      if (!(error instanceof NetpluginError && outdatedCodes.has(error.code))) throw error
      // Somebody else changed the database meanwhile. Updates come before answers, so the copy is up to date again.
      this.#log.debug('plan was outdated', { reason: error.message })
      await this.#applyOnce(desired, options, signal)
    }
    const taken = this.#problems.find((problem) => problem.code === 'BRIDGE_TAKEN')
    if (taken !== undefined) raise(taken)
  }

  async #applyOnce(desired: readonly DesiredBridge[], options: ApplyOptions, signal?: AbortSignal): Promise<void> {
    const { remove, devices = new Map() } = options
    const plan = planDatabase(desired, this.#rows, { owner: this.#owner, remove, devices })
    this.#note(plan.problems)
    for (const operations of plan.transactions) await this.#commit(operations, signal)
  }

  /** Port numbers and errors of our ports on the bridge, as of now; the same object until something changes. */
  facts(bridge: string): BridgeFacts {
    const known = this.#facts.get(bridge)
    if (known !== undefined) return known
    const { ofPorts, errors } = bridgeFacts(this.#rows, bridge, this.#owner)
    const all = new Map(errors)
    for (const problem of this.#problems) {
      if (problem.bridge === bridge && problem.port !== undefined) all.set(problem.port, problem.message)
    }
    const facts = { ofPorts, errors: all }
    this.#facts.set(bridge, facts)
    return facts
  }

  /** Calls the listener after a change of bridges, ports or interfaces, whoever made it. Returns what ends that. */
  onChange(listener: () => void): () => void {
    return this.#rows.onChange((tables) => {
      if (tables.has('Bridge') || tables.has('Port') || tables.has('Interface')) listener()
    })
  }

  close(): void {
    this.#client.close()
  }

  /** Commits, and waits until ovs-vswitchd has put the configuration with this or a later number in force. */
  async #commit(operations: readonly Operation[], signal?: AbortSignal): Promise<void> {
    const [number] = await this.#client
      .transact(
        [mutate('Open_vSwitch', [], [['next_cfg', '+=', 1]]), select('Open_vSwitch', [], ['next_cfg']), ...operations],
        signal,
      )
      .then(([, read]) => read.rows.map((row) => row.next_cfg))
    if (number === undefined) {
      const message = 'the database of Open vSwitch is not initialised; run "ovs-vsctl --no-wait init"'
      throw new NetpluginError('unavailable', 'OVSDB_EMPTY', message)
    }
    const limit = AbortSignal.timeout(this.#settleMs)
    const taken = this.#rows.until(
      (rows) => rows.find('Open_vSwitch', (row) => row.cur_cfg >= number),
      signal === undefined ? limit : AbortSignal.any([signal, limit]),
    )
    await taken.catch((cause: unknown) => {
      if (!limit.aborted) throw cause
      const message = `ovs-vswitchd did not take configuration ${number} within ${this.#settleMs} ms; is it running?`
      throw new NetpluginError('timeout', 'SWITCH_SILENT', message, { cause })
    })
  }

  #note(problems: readonly DatabaseProblem[]): void {
    const known = new Set(this.#problems.map((problem) => problem.message))
    for (const { code, message } of problems) {
      if (!known.has(message)) this.#log.warn('something else is in the way', { code, reason: message })
    }
    if (problems.length + this.#problems.length > 0) this.#facts.clear()
    this.#problems = problems
  }
}
