// The loop of a node: observe, compile, plan, apply, report. Events only say "look again"; each pass compiles what the
// node must be from the newest state and facts, and applies the difference. One pass runs at a time.

import { NodeCompiler } from '../core/compile/compile-node.ts'
import { hostProblems } from '../core/compile/host-interfaces.ts'
import type { KnownMembers } from '../core/compile/node-multicast.ts'
import type { NodeNetwork, PortNames } from '../core/compile/node-network.ts'
import type { NodeSettings } from '../core/compile/node-ports.ts'
import { desiredMeters } from '../core/pipeline/features/profile.ts'
import { desiredGroups } from '../core/pipeline/features/service-groups.ts'
import { Renderer } from '../core/pipeline/render.ts'
import type { BridgeFacts } from '../core/plan/switch-rows.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { deviceOf } from '../model/cni-endpoint.ts'
import type { Count } from '../model/counts.ts'
import { type ClusterState, emptyObjects } from '../model/state.ts'
import type { PacketIn, PacketOut } from '../protocols/openflow/index.ts'
import { Announcements } from './announcements.ts'
import type { Attachments } from './attachments.ts'
import type { NodeConfig } from './config.ts'
import { DenialLog } from './denial-log.ts'
import { Departures } from './departures.ts'
import { Draining } from './draining.ts'
import { FormerAddresses } from './former-addresses.ts'
import { type Failures, LinksAndPortsMaker } from './links-and-ports.ts'
import { LostProviders } from './lost-providers.ts'
import { withOwnNode } from './own-node.ts'
import { PortReserve } from './port-reserve.ts'
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
  /** Who listens to multicast groups; missing: nobody knows. */
  readonly members?: () => KnownMembers
  /** Hears of every packet that the switch hands up. */
  readonly onPacketIn?: (packet: PacketIn) => void
  /** Called after each complete pass. */
  readonly onPass: (network: NodeNetwork, ofPorts: ReadonlyMap<string, number>) => void
  /** Called before that, with what keeps the host itself out of infra networks. */
  readonly onHost?: (problems: ReadonlyMap<string, string>) => void
  /** Called when the switch is there, perhaps again, before a pass. */
  readonly onSwitch?: () => void
}

/** The longest that a pass leaves to the next what somebody may wait for. */
const settleWithinMs = 30

/** Of endpoints whose ports the switch has, by id: the end that the container gets. */
function linksOf({ local }: NodeNetwork, { ofPorts }: BridgeFacts): ReadonlyMap<string, string> {
  const found = [...local.values()].filter(({ portName }) => ofPorts.has(portName))
  return new Map(found.map(({ endpointId, peerName }) => [endpointId, peerName]))
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
  readonly #former = new FormerAddresses()
  readonly #draining = new Draining()
  readonly #lost = new LostProviders()
  /** As compiled last. */
  #services: NodeNetwork['services'] = new Map()
  readonly #reserve: PortReserve
  readonly #links: LinksAndPortsMaker
  readonly #denials: DenialLog
  readonly #announcements = new Announcements()
  /** When the first pass began whose changes the switch may not all keep to yet. */
  #unsettledSince: number | undefined

  constructor(config: NodeConfig, deps: Deps) {
    this.#config = config
    this.#reserve = new PortReserve({ size: config.portReserve, seed: `${deps.random()}` })
    this.#links = new LinksAndPortsMaker({ host: deps.host, reserve: this.#reserve })
    this.#deps = deps
    this.#compiler = new NodeCompiler(config.node)
    const rules = () => deps.state()?.objects.rule ?? emptyObjects.rule
    this.#denials = new DenialLog({ clock: deps.clock, log: deps.log, rules })
  }

  /** Something is wanted: run a pass. Calls between two passes make one pass. */
  lookAgain(): void {
    this.#dirty = true
    this.#wakeup.wake()
  }

  /** Nothing of a container is over the endpoint's pair any more, and the endpoint goes. */
  release(endpointId: string): void {
    this.#reserve.release(endpointId)
    this.lookSoon()
  }

  /** Links or rows of the switch changed, most often by our own last pass: look a moment later, once for all of them. */
  lookSoon(): void {
    this.#schedule.changed(this.#deps.clock.now())
    this.#wakeup.wake()
  }

  /** What the rules of a policy have let through and stopped here; nothing while the switch is away. */
  async countRules(policy: string, signal: AbortSignal): Promise<readonly Count[]> {
    const { rule: rules } = this.#deps.state()?.objects ?? emptyObjects
    const keys = [...rules.keys()].filter((key) => key.startsWith(`${policy}:`))
    if (this.#link === undefined || this.#link.over) return []
    const counts = await this.#link.countRules(keys, signal)
    // Of very many rules few have counted anything.
    const used = counts.filter(({ packets }) => packets > 0n)
    return used.map(({ key, packets, bytes }) => ({ key, packets: Number(packets), bytes: Number(bytes) }))
  }

  /** What went to the providers of a service from here, and what came back; nothing while the switch is away. */
  async countService(key: string, signal: AbortSignal): Promise<readonly Count[]> {
    const service = this.#services.get(key)
    if (service === undefined || this.#link === undefined || this.#link.over) return []
    const counts = await this.#link.countService(service, signal)
    return counts.map((count) => ({ key: count.key, packets: Number(count.packets), bytes: Number(count.bytes) }))
  }

  /** Sends packets out of the switch, where it is there; nothing is heard of them. */
  async packetsOut(packets: readonly PacketOut[], signal: AbortSignal): Promise<void> {
    if (this.#link !== undefined && !this.#link.over) await this.#link.packetsOut(packets, signal)
  }

  /** Hands a packet to a port of the switch; false while the switch is away. */
  send(ofPort: number, packet: Buffer): boolean {
    return this.#link?.packetNow(ofPort, packet) ?? false
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
    const { state, settings, mayRemove, nameservers, members, onPass, onHost, log, host, attachments, clock } =
      this.#deps
    const started = clock.now()
    const { audit, compare, tidy, count } = this.#schedule.begin(started)
    const cluster = state()
    if (cluster === undefined) return
    const remove = mayRemove()
    if (audit) host.distrust()
    if (compare || (remove && !this.#removed)) this.#link?.distrustFlows()
    this.#removed = remove
    const nodeSettings = settings()
    const link = await this.#session(signal)
    if (audit) await link.lookForDrift(signal)
    const reserve = this.#reserve
    let ports = link.ports()
    reserve.look(host.facts(), ports.ofPorts)
    const names = (id: string): PortNames => {
      const device = deviceOf(cluster.endpoints.get(id))
      return device === '' ? reserve.names(id) : { portName: device, peerName: '' }
    }
    const compiled = this.#compiler.compile(withOwnNode(cluster, this.#config), names, members?.())
    const list = (zone: number) => link.connectionsIn(zone, signal)
    await this.#draining.recall(compiled, list, remove)
    const network = this.#lost.note(this.#draining.note(compiled), started)
    this.#services = network.services
    const givenBack = reserve.keep(network.local)
    this.#departures.note(network.local)
    this.#departures.drop(givenBack)
    this.#former.note(network)
    if (remove && tidy) this.#departures.release()
    const carried = this.#departures.stayingIn(network, host.facts().links)

    const forward = async ({ ofPorts }: BridgeFacts, counts: 'now' | 'later' = 'later') => {
      const isKernel = nodeSettings.datapathType === 'system'
      const facts = {
        ofPorts,
        nameservers: nameservers(),
        agentAdvertises: isKernel,
        maxMeter: await link.maxMeter(signal),
        segmentsTogether: isKernel,
        outsideSubnet: nodeSettings.outsideSubnet,
      }
      const apply = (wanted: NodeNetwork) => {
        // What is read back is compared with everything.
        const flows = this.#renderer.render(wanted, facts, { counts: link.knowsFlows ? counts : 'now' })
        const desired = { flows, meters: desiredMeters(wanted, facts), groups: desiredGroups(wanted.services) }
        return link.applyFlows(desired, { remove }, signal)
      }
      if (!remove || this.#former.size === 0) return apply(network)
      const first = this.#former.withoutHeirs(network)
      const modifications = await apply(first)
      await this.#former.forget((match) => link.flushConntrack(match, signal))
      return first === network ? modifications : modifications + (await apply(network))
    }
    // Who got a port that was there already need not wait for the switch to make others. Flows first: a link that changes
    // keeps the switch busy for some milliseconds.
    const hurry = attachments.hasWaiters
    if (hurry && remove) attachments.linked(linksOf(network, ports), network.revision)
    let modifications = hurry ? await forward(ports) : 0
    const onLinks = (made: Failures) => {
      if (hurry && remove) this.#tell(network, ports, made)
    }
    const wanted = { state: cluster, network, carried, settings: nodeSettings, remove, audit, tidy, onLinks }
    const { failed, interfaces, ...made } = await this.#links.make(wanted, link, signal)
    ports = made.ports
    modifications += await forward(ports)
    if (remove) this.#tell(network, ports, failed)
    if (nodeSettings.datapathType === 'netdev') {
      // More is wanted already: the switch settles once for both, unless it comes again and again.
      this.#unsettledSince ??= started
      if (this.#dirty && clock.now() - this.#unsettledSince < settleWithinMs) return
      await link.settle(signal)
      this.#unsettledSince = undefined
    }
    // Not before the datapath has forgotten the way to them: what their clients say would open that again.
    if (remove) await this.#cutLost(link, network, ports, signal)
    if (audit && (await this.#draining.look(list, started))) this.lookSoon()
    if (remove && tidy) this.#schedule.tidied()
    if (this.#departures.size > 0) this.#schedule.leftBehind(clock.now())
    if (remove && this.#former.size > 0) this.lookSoon()
    onHost?.(hostProblems(interfaces, ports.errors))
    onPass(network, ports.ofPorts)
    if (!this.#renderer.isUncounted(network.policy)) this.#schedule.counted()
    else if (!count) this.#schedule.uncounted(clock.now())
    else {
      modifications += await forward(ports, 'now')
      this.#schedule.counted()
    }
    await link.packetsOut(this.#announcements.next(network, ports.ofPorts, started), signal)
    if (modifications > 0) {
      const ms = clock.now() - started
      log.info('applied', { revision: network.revision, modifications, local: network.local.size, ms })
    }
  }

  /**
   * Tells who waits for them which endpoints are in force, and which cannot be: `failed` are links, by name. Not before the cluster
   * is known: until then nobody is admitted who was not before.
   */
  #tell(network: NodeNetwork, ports: BridgeFacts, failed: Failures): void {
    const inForce = new Map<string, string>()
    const failures = new Map<string, string>()
    for (const { endpointId, portName, peerName } of network.local.values()) {
      const error = failed.get(portName) ?? ports.errors.get(portName)
      if (ports.ofPorts.has(portName) && !failed.has(portName)) inForce.set(endpointId, peerName)
      else if (error !== undefined) failures.set(endpointId, error)
    }
    this.#deps.attachments.passed(inForce, failures, network.revision)
  }

  /** Connections to providers that went. */
  async #cutLost(link: SwitchLink, network: NodeNetwork, { ofPorts }: BridgeFacts, signal: AbortSignal): Promise<void> {
    await this.#lost.cut(network, ofPorts, {
      list: (zone) => link.connectionsIn(zone, signal),
      forget: (match) => link.flushConntrack(match, signal),
      send: (port, packet) => link.packetTo(port, packet, signal),
    })
  }

  async #session(signal: AbortSignal): Promise<SwitchLink> {
    if (this.#link !== undefined && !this.#link.over) return this.#link
    const { log, clock } = this.#deps
    const onPacketIn = (packet: PacketIn) => {
      this.#denials.packetIn(packet)
      this.#deps.onPacketIn?.(packet)
    }
    const onForeignChange = () => {
      this.#schedule.changedByOthers(clock.now())
      this.#wakeup.wake()
    }
    const link = await SwitchLink.open(
      { runDir: this.#config.ovsRunDir, node: this.#config.node },
      { log, clock, onPacketIn, onForeignChange, onConnected: () => this.#deps.onSwitch?.() },
      signal,
    )
    link.database.onChange(() => this.lookSoon())
    link.whenOver(() => this.lookAgain())
    log.info('connected to Open vSwitch', { runDir: this.#config.ovsRunDir })
    this.#link = link
    return link
  }
}
