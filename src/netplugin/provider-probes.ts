// Asks the programs of providers on this host, for services that want it, whether they answer, and tells netmaster at which
// ports none does (docs/services.md). What was told before an agent started counts until it has been asked anew.

import type { LocalEndpoint, NodeNetwork } from '../core/compile/node-network.ts'
import type { Probed, ServiceView } from '../core/compile/node-services.ts'
import { routerMac } from '../core/pipeline/facts.ts'
import { closingOf, openingOf, type ProbedPort, probeAnswerOf } from '../core/pipeline/probes.ts'
import type { ServiceProbe } from '../model/service-probe.ts'

/** One port of one endpoint that is asked. */
interface Target {
  readonly endpointId: string
  readonly probed: ProbedPort
  readonly probe: ServiceProbe
  /** As the switch numbers it; undefined: it has not yet, or was started anew. */
  readonly ofPort: number | undefined
}

interface Asked {
  target: Target
  nextAt: number
  /** The opening that waits for an answer. */
  waiting: { readonly sequence: number; readonly until: number } | undefined
  /** In a row. */
  failures: number
  isSilent: boolean
}

interface Deps {
  /** Hands a packet to a port of the switch; false while the switch is away. */
  readonly send: (ofPort: number, packet: Buffer) => boolean
  /** 0..1. */
  readonly random: () => number
}

export class ProviderProbes {
  readonly #deps: Deps
  readonly #asked = new Map<string, Asked>()
  /** By address, port and service, as answers name them; tenants may have the same. */
  readonly #byAnswer = new Map<string, string[]>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Which ports are to be asked. `silent`: what is known of an endpoint that was not asked yet. */
  note(
    network: Pick<NodeNetwork, 'services' | 'local'>,
    ofPorts: ReadonlyMap<string, number>,
    silent: (endpointId: string) => readonly number[],
    now: number,
  ): void {
    const wanted = targetsOf(network, ofPorts)
    for (const key of this.#asked.keys()) if (!wanted.has(key)) this.#asked.delete(key)
    this.#byAnswer.clear()
    for (const [key, target] of wanted) {
      const known = this.#asked.get(key)
      if (known !== undefined) {
        known.nextAt = Math.min(known.nextAt, now + target.probe.intervalMs)
        known.target = target
      } else {
        const isSilent = silent(target.endpointId).includes(target.probed.port)
        const failures = isSilent ? target.probe.failures : 0
        this.#asked.set(key, { target, nextAt: now, waiting: undefined, failures, isSilent })
      }
      const { address, port, service } = target.probed
      const name = `${address} ${port} ${service}`
      this.#byAnswer.set(name, [...(this.#byAnswer.get(name) ?? []), key])
    }
  }

  /** Asks whom it is time to ask; whether something was found out. */
  tick(now: number): boolean {
    let news = false
    for (const asked of this.#asked.values()) {
      const { target, waiting } = asked
      if (waiting !== undefined && now >= waiting.until) news = this.#failed(asked) || news
      // A clock that was set back does not put it off.
      if (now < asked.nextAt && asked.nextAt - now <= target.probe.intervalMs) continue
      if (asked.waiting !== undefined) news = this.#failed(asked) || news
      const sequence = Math.floor(this.#deps.random() * 2 ** 32)
      asked.nextAt = now + target.probe.intervalMs
      // What could not be asked has not failed to answer.
      const isSent = target.ofPort !== undefined && this.#deps.send(target.ofPort, openingOf(target.probed, sequence))
      asked.waiting = isSent ? { sequence, until: now + target.probe.timeoutMs } : undefined
    }
    return news
  }

  /** Takes a packet that the switch handed up by this port; whether something was found out. */
  hear(packet: Buffer, ofPort: number): boolean {
    const answer = probeAnswerOf(packet)
    if (answer === undefined) return false
    const keys = this.#byAnswer.get(`${answer.address} ${answer.port} ${answer.service}`) ?? []
    const asked = keys.map((key) => this.#asked.get(key)).find((one) => one?.target.ofPort === ofPort)
    if (asked === undefined) return false
    if (answer.says !== 'closed') this.#deps.send(ofPort, closingOf(asked.target.probed, answer.sequence))
    if (answer.says === 'stale' || asked.waiting?.sequence !== answer.sequence) return false
    if (answer.says === 'closed') return this.#failed(asked)
    const news = asked.isSilent
    asked.waiting = undefined
    asked.failures = 0
    asked.isSilent = false
    return news
  }

  /** Milliseconds until the next tick is due. */
  pauseMs(now: number): number {
    let at = Number.POSITIVE_INFINITY
    for (const { nextAt, waiting } of this.#asked.values()) at = Math.min(at, nextAt, waiting?.until ?? nextAt)
    return Math.max(0, at - now)
  }

  /** Ports at which nobody answers, ascending, by endpoint; of all endpoints that are asked. */
  silentPorts(): ReadonlyMap<string, readonly number[]> {
    const found = new Map<string, number[]>()
    for (const { target, isSilent } of this.#asked.values()) {
      const ports = found.get(target.endpointId) ?? []
      if (isSilent) ports.push(target.probed.port)
      found.set(target.endpointId, ports)
    }
    for (const ports of found.values()) ports.sort((a, b) => a - b)
    return found
  }

  #failed(asked: Asked): boolean {
    asked.waiting = undefined
    asked.failures += 1
    if (asked.isSilent || asked.failures < asked.target.probe.failures) return false
    asked.isSilent = true
    return true
  }
}

/** By endpoint and port; where several services ask for one, the most eager. */
function targetsOf(
  { services, local }: Pick<NodeNetwork, 'services' | 'local'>,
  ofPorts: ReadonlyMap<string, number>,
): ReadonlyMap<string, Target> {
  const targets = new Map<string, Target>()
  const byKey = [...services.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const service of byKey) {
    if (service.probed === undefined) continue
    for (const { endpointId } of service.probed.candidates) {
      const endpoint = local.get(endpointId)
      if (endpoint === undefined) continue
      const place = { endpoint, ofPort: ofPorts.get(endpoint.portName) }
      for (const target of targetsAt(service, service.probed, place)) {
        const key = `${endpointId} ${target.probed.port}`
        const other = targets.get(key)
        if (other === undefined || patience(target.probe) < patience(other.probe)) targets.set(key, target)
      }
    }
  }
  return targets
}

function targetsAt(
  { network, address, mac, ports }: ServiceView,
  { intervalMs, timeoutMs, failures }: Probed,
  { endpoint, ofPort }: { readonly endpoint: LocalEndpoint; readonly ofPort: number | undefined },
): readonly Target[] {
  const service = { service: address, serviceMac: network.routed ? routerMac : mac }
  return ports
    .filter(({ protocol }) => protocol === 'tcp')
    .map(({ providerPort }) => ({
      endpointId: endpoint.endpointId,
      probed: { address: endpoint.ipv4, mac: endpoint.mac, port: providerPort, ...service },
      probe: { intervalMs, timeoutMs, failures },
      ofPort,
    }))
}

/** How long it may take until a failure is found. */
function patience({ intervalMs, failures }: ServiceProbe): number {
  return intervalMs * failures
}
