// The loop of a node: observe, compile, plan, apply, report. Events only say "look again"; each pass compiles what the
// node must be from the newest state and facts, and applies the difference. One pass runs at a time.

import { NodeCompiler } from '../core/compile/compile-node.ts'
import type { NodeNetwork } from '../core/compile/node-network.ts'
import { desiredBridges, desiredHostPort, desiredVeths, type NodeSettings } from '../core/compile/node-ports.ts'
import { Renderer } from '../core/pipeline/render.ts'
import { type HostPlanOptions, planHost } from '../core/plan/host.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { ClusterState } from '../model/state.ts'
import type { Attachments } from './attachments.ts'
import type { NodeConfig } from './config.ts'
import { Departures } from './departures.ts'
import { Schedule } from './schedule.ts'
import { SwitchLink } from './switch-link.ts'

interface Deps {
  readonly host: HostDriver
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly attachments: Attachments
  /** The newest state without what was detached here since; undefined = nothing known yet. */
  readonly state: () => ClusterState | undefined
  /** Whether what the state does not name may be removed. */
  readonly mayRemove: () => boolean
  readonly settings: () => NodeSettings
  readonly nameservers: () => readonly string[]
  /** Called after each complete pass. */
  readonly onPass: (network: NodeNetwork, ofPorts: ReadonlyMap<string, number>) => void
}

export class Agent {
  readonly #config: NodeConfig
  readonly #deps: Deps
  readonly #compiler: NodeCompiler
  readonly #renderer = new Renderer()
  #link: SwitchLink | undefined
  #dirty = true
  readonly #wakeup = new Wakeup()
  readonly #schedule = new Schedule()
  #removed = false
  readonly #departures = new Departures()

  constructor(config: NodeConfig, deps: Deps) {
    this.#config = config
    this.#deps = deps
    this.#compiler = new NodeCompiler(config.node)
  }

  /** Something is wanted: run a pass. Calls between two passes make one pass. */
  lookAgain(): void {
    this.#dirty = true
    this.#wakeup.wake()
  }

  /** Links or rows of the switch changed, most often by our own last pass: look a moment later, once for all of them. */
  lookSoon(): void {
    this.#schedule.changed(this.#deps.clock.now())
    this.#wakeup.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random, attachments } = this.#deps
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000, random })
    let lastReason = ''
    while (!signal.aborted) {
      await this.#idle(signal)
      if (signal.aborted) break
      this.#dirty = false
      try {
        await this.#pass(signal)
        backoff.reset()
        attachments.lastError = lastReason = ''
      } catch (error) {
        if (signal.aborted) break
        const { code, message } = asNetpluginError(error)
        attachments.lastError = message
        if (message !== lastReason) log.error('pass failed, will try again', { code, reason: message })
        lastReason = message
        this.#dirty = true
        this.#link?.distrustFlows()
        await clock.after(backoff.next(), signal).catch(() => {})
      }
    }
    this.#link?.close()
  }

  /** Until somebody waits for a pass, or one is due. */
  async #idle(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    while (!this.#dirty && !signal.aborted) {
      const pause = this.#schedule.pauseMs(clock.now(), this.#removed)
      if (pause === 0) return
      await this.#wakeup.waitAtMost(pause, { clock }, signal)
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { state, settings, attachments, mayRemove, nameservers, onPass, log } = this.#deps
    const started = this.#deps.clock.now()
    const { audit, tidy } = this.#schedule.begin(started)
    const cluster = state()
    if (cluster === undefined) return
    const remove = mayRemove()
    if (audit) this.#deps.host.distrust()
    if (audit || (remove && !this.#removed)) this.#link?.distrustFlows()
    this.#removed = remove
    const nodeSettings = settings()
    const network = this.#compiler.compile(withOwnNode(cluster, this.#config))
    const link = await this.#session(signal)
    this.#departures.note(network.local)
    if (remove && tidy) this.#departures.release()
    const carried = this.#departures.stayingIn(network, this.#deps.host.facts().links)

    const veths = desiredVeths(carried, nodeSettings)
    // New links first, ports on them second; ports away first, links last.
    const failed = this.#applyHost({ veths, hostPorts: [] }, { remove: false })
    const devices = this.#deps.host.facts().links
    const bridges = desiredBridges(withoutLinks(carried, failed), nodeSettings)
    const ports = await link.applyPorts(bridges, { remove, devices }, signal)
    this.#applyHost({ veths, hostPorts: [desiredHostPort(network, nodeSettings)] }, { remove })
    const sets = this.#renderer.render(network, { ofPorts: ports.ofPorts, nameservers: nameservers() })
    const modifications = await link.applyFlows(sets, { remove }, signal)
    if (remove && tidy) this.#schedule.tidied()
    if (this.#departures.size > 0) this.#schedule.leftBehind(this.#deps.clock.now())

    const inForce = new Set<string>()
    const failures = new Map<string, string>()
    for (const endpoint of network.local.values()) {
      const error = failed.get(endpoint.portName) ?? ports.errors.get(endpoint.portName)
      if (ports.ofPorts.has(endpoint.portName) && !failed.has(endpoint.portName)) inForce.add(endpoint.endpointId)
      else if (error !== undefined) failures.set(endpoint.endpointId, error)
    }
    attachments.passed(inForce, failures)
    onPass(network, ports.ofPorts)
    if (modifications > 0) {
      const ms = this.#deps.clock.now() - started
      log.info('applied', { revision: network.revision, modifications, local: network.local.size, ms })
    }
  }

  /** Returns why links could not be made, by name. */
  #applyHost(desired: Parameters<typeof planHost>[0], options: HostPlanOptions): ReadonlyMap<string, string> {
    const { host } = this.#deps
    const steps = planHost(desired, host.facts(), options)
    const failed = new Map<string, string>()
    if (steps.length === 0) return failed
    for (const { step, error } of host.apply(steps)) {
      if (step.kind === 'create-veth' && error !== undefined) failed.set(step.name, error.message)
    }
    return failed
  }

  async #session(signal: AbortSignal): Promise<SwitchLink> {
    if (this.#link !== undefined && !this.#link.over) return this.#link
    const { log, clock } = this.#deps
    const link = await SwitchLink.open(
      { runDir: this.#config.ovsRunDir, node: this.#config.node },
      { log, clock },
      signal,
    )
    link.database.onChange(() => this.lookSoon())
    link.whenOver(() => this.lookAgain())
    log.info('connected to Open vSwitch', { runDir: this.#config.ovsRunDir })
    this.#link = link
    return link
  }
}

/** Without endpoints whose links could not be made: a link of that name is somebody else's, and no port of ours. */
function withoutLinks(network: NodeNetwork, failed: ReadonlyMap<string, string>): NodeNetwork {
  if (failed.size === 0) return network
  const local = new Map([...network.local].filter(([, endpoint]) => !failed.has(endpoint.portName)))
  return { ...network, local }
}

/** The node knows its own tunnel end best: it may have changed since it last registered. */
function withOwnNode(state: ClusterState, config: NodeConfig): ClusterState {
  const own = state.nodes.get(config.node)
  if (own !== undefined && own.vtep === config.vtep) return state
  const record = own ?? {
    node: config.node,
    controlAddress: config.controlAddress,
    vtep: config.vtep,
    bootId: '',
    version: config.version,
  }
  return { ...state, nodes: new Map(state.nodes).set(config.node, { ...record, vtep: config.vtep }) }
}
