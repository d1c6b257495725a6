// The CNI plugin of this host. As Docker's driver it programs nothing: ADD writes the endpoint through netmaster, waits until
// the agent has put it in force, and then puts the interface into the container; DEL is kept until netmaster has it.

import type { NodeClient } from '../api/node-client.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { cniConfigLabel, cniEndpointId, cniNamespaceLabel, interfaceOf, isCni } from '../model/cni-endpoint.ts'
import { publishedProtocols } from '../model/published-port.ts'
import type { ClusterState, EndpointRecord, NetworkRecord } from '../model/state.ts'
import {
  type CniCall,
  type CniConfig,
  CniError,
  type CniPlugin,
  type CniResult,
  cniCode,
  emptyResult,
} from '../protocols/cni/index.ts'
import type { Attachments } from './attachments.ts'
import { cniErrorOf, ownCode } from './cni-errors.ts'
import type { CniInterfaces, PlacedInterface } from './cni-interfaces.ts'
import { type CniWish, readWish } from './cni-wish.ts'
import { interfaceAddresses } from './container-routes.ts'
import { networkOf } from './network-ref.ts'
import type { Outbox } from './outbox.ts'
import { type PublishedPorts, refuseWithoutNat } from './published-ports.ts'

/** How long the switch may take to put an endpoint in force. */
const attachMs = 14_000
const undoMs = 2_000

interface Deps {
  readonly client: NodeClient
  readonly attachments: Attachments
  readonly outbox: Outbox
  readonly published: PublishedPorts
  readonly interfaces: CniInterfaces
  readonly state: () => ClusterState | undefined
  /** Whether a complete state of the cluster was seen. */
  readonly inSync: () => boolean
  readonly lookAgain: () => void
  /** Told of endpoints that are deleted, and whose links nothing is over any more. */
  readonly release: (endpointId: string) => void
  readonly log: Log
}

export class CniDriver implements CniPlugin {
  readonly #node: string
  readonly #deps: Deps
  /** The last call about each endpoint: runtimes that were cut off call again before the first has ended. */
  readonly #calls = new Map<string, Promise<unknown>>()

  constructor(options: { readonly node: string }, deps: Deps) {
    this.#node = options.node
    this.#deps = deps
  }

  /** Endpoints that a call is about right now. */
  get busy(): ReadonlySet<string> {
    return new Set(this.#calls.keys())
  }

  async add(call: CniCall, config: CniConfig, signal: AbortSignal): Promise<CniResult> {
    const wish = readWish(call, config)
    const id = cniEndpointId(call.containerId, call.ifname)
    if (wish.device === '') this.#deps.interfaces.check(call)
    else this.#deps.interfaces.takeDevice(wish.device)
    return this.#inTurn(id, async () => {
      signal.throwIfAborted()
      try {
        return await this.#attach(id, wish, { call, config }, signal)
      } catch (error) {
        await this.#undo(id, error, signal)
        throw error
      }
    })
  }

  async del(call: CniCall): Promise<void> {
    const id = cniEndpointId(call.containerId, call.ifname)
    // A caller that goes away wants it gone all the same.
    await this.#inTurn(id, () => this.#detach(id, call.netns))
  }

  /** The container is gone; its runtime will not say so. */
  async giveUp(id: string): Promise<void> {
    await this.#inTurn(id, () => this.#detach(id, ''))
  }

  /** Whether the container lacked its interface; then it has it again. */
  async restore(id: string, record: EndpointRecord): Promise<boolean> {
    const { attachments, interfaces, state } = this.#deps
    return this.#inTurn(id, async () => {
      const peerName = attachments.inForce(id)
      const place = { netns: record.labels[cniNamespaceLabel] ?? '', ifname: interfaceOf(id) }
      if (peerName === undefined || interfaces.has(peerName, record.mac, place)) return false
      interfaces.put(peerName, record, networkOf(refOf(record), state()), place)
      return true
    })
  }

  async check(call: CniCall, { prevResult = emptyResult }: CniConfig): Promise<void> {
    const { attachments, interfaces, state } = this.#deps
    const id = cniEndpointId(call.containerId, call.ifname)
    const record = state()?.endpoints.get(id)
    const refuse = (why: string) => {
      throw new CniError(ownCode.notAsAdded, `container ${call.containerId}: ${why}; delete and add it anew`)
    }
    if (record === undefined) return refuse(`it has no interface ${call.ifname} in a network of ours`)
    const network = networkOf(refOf(record), state())
    const peerName = attachments.inForce(id)
    if (peerName === undefined) return refuse('its endpoint is not in force on this host')
    const mine = prevResult.interfaces.findIndex(({ name, sandbox }) => name === call.ifname && sandbox !== '')
    if (mine < 0) return refuse(`prevResult has no interface ${call.ifname}`)
    const told = prevResult.interfaces[mine]?.mac ?? ''
    if (told !== '' && told.toLowerCase() !== record.mac) {
      return refuse(`${call.ifname} was added with the MAC address ${told}, and its endpoint has ${record.mac}`)
    }
    const held = [record.ipv4, record.ipv6]
    for (const { address, interface: index } of prevResult.ips) {
      if (index === mine && !held.includes(address.replace(/\/.*$/, ''))) {
        return refuse(`${address} of prevResult is not the address of its endpoint`)
      }
    }
    const complaints = interfaces.complaints(peerName, record, call, { network, ...record })
    if (complaints.length > 0) refuse(complaints.join('; '))
  }

  async gc({ name, validAttachments }: CniConfig): Promise<void> {
    if (validAttachments === undefined) {
      throw new CniError(cniCode.invalidConfiguration, 'GC needs cni.dev/valid-attachments: nothing was removed')
    }
    const valid = new Set(validAttachments.map(({ containerId, ifname }) => cniEndpointId(containerId, ifname)))
    for (const record of this.#deps.state()?.endpoints.values() ?? []) {
      const { endpointId: id, labels, node } = record
      if (node !== this.#node || !isCni(record) || labels[cniConfigLabel] !== name || valid.has(id)) continue
      this.#deps.log.info('attachment not valid any more', { endpoint: id, config: name })
      await this.#inTurn(id, () => this.#detach(id, labels[cniNamespaceLabel] ?? ''))
    }
  }

  async status(config: CniConfig): Promise<void> {
    const { inSync, state, attachments } = this.#deps
    if (!inSync()) {
      throw new CniError(cniCode.notAvailable, 'netplugin has not heard from netmaster yet; see netplugin --netmaster')
    }
    if (attachments.lastError !== '') {
      throw new CniError(cniCode.limitedConnectivity, `Open vSwitch cannot be changed now: ${attachments.lastError}`)
    }
    const { network, tenant } = config.document
    if (typeof network !== 'string') return
    try {
      networkOf({ tenant: typeof tenant === 'string' ? tenant : 'default', network, group: '' }, state())
    } catch (error) {
      throw new CniError(cniCode.notAvailable, asNetpluginError(error).message)
    }
  }

  errorOf(thrown: unknown): CniError {
    return cniErrorOf(thrown, this.#deps.log)
  }

  async #attach(
    id: string,
    wish: CniWish,
    { call, config }: { readonly call: CniCall; readonly config: CniConfig },
    signal: AbortSignal,
  ): Promise<CniResult> {
    const { attachments, interfaces, state, lookAgain } = this.#deps
    // The answer can say what the switch lacks, when this ends before the call does.
    const limit = AbortSignal.any([signal, AbortSignal.timeout(attachMs)])
    const { record, revision } = await this.#write(id, wish, call, limit)
    const network = networkOf(refOf(record), state())
    if (wish.device !== '') {
      await attachments.whenInForce(id, limit, revision)
      return deviceResult(wish.device, record, network)
    }
    const bindings = this.#unpublished(id, call, wish.ports).map(bindingOf)
    if (bindings.length > 0) refuseWithoutNat(network)
    let placed: PlacedInterface
    try {
      // While the switch takes the flows.
      const put = attachments
        .whenLinked(id, limit, revision)
        .then((peerName) => interfaces.put(peerName, record, network, call))
      ;[placed] = await Promise.all([put, attachments.whenInForce(id, limit, revision)])
    } catch (error) {
      if (asNetpluginError(error).code !== 'LINK_IN_USE') throw error
      // It was in another namespace, and the runtime never said that that was over: a link of its own.
      interfaces.giveUp(await attachments.whenInForce(id, limit, revision))
      lookAgain()
      placed = interfaces.put(await attachments.whenPassed(id, limit), record, network, call)
    }
    await this.#deps.published.publish(id, bindings, { network, held: true }, limit)
    signal.throwIfAborted()
    return resultOf(placed, { record, network, call, config })
  }

  /** Runtimes ask for a container's ports with each of its interfaces: they lead to the first. */
  #unpublished(id: string, { containerId }: CniCall, ports: CniWish['ports']): CniWish['ports'] {
    const ofContainer = [...(this.#deps.state()?.endpoints.values() ?? [])].filter(
      (other) => other.containerId === containerId && other.endpointId !== id && other.node === this.#node,
    )
    const taken = ofContainer.flatMap(({ published = [] }) => published)
    return ports.filter(
      ({ hostPort, protocol }) =>
        hostPort !== 0 && !taken.some((port) => port.hostPort === hostPort && port.protocol === protocol),
    )
  }

  /** Has netmaster make the endpoint; one that is there already must be what is asked for. */
  async #write(
    id: string,
    wish: CniWish,
    call: CniCall,
    signal: AbortSignal,
  ): Promise<{ readonly record: EndpointRecord; readonly revision: number }> {
    const { client, outbox } = this.#deps
    await outbox.hasten(signal)
    // Delivered afterwards, it would take what is made now.
    if (outbox.detached.has(id)) {
      const message = `the former ${call.ifname} of container ${call.containerId} must be given back first: ${outbox.trouble || 'netmaster did not answer'}; try again`
      throw new NetpluginError('unavailable', 'DETACH_PENDING', message)
    }
    const { ref, ipv4, ipv6, labels } = wish
    const { endpoint, revision } = await client.createEndpoint(
      {
        TenantName: ref.tenant,
        NetworkName: ref.network,
        ServiceName: ref.group,
        EndpointID: id,
        ConfigEP: { IPAddress: ipv4, IPv6Address: ipv6 },
        MacAddress: wish.mac,
        ContainerID: call.containerId,
        ContainerName: wish.containerName,
        Labels: labels,
      },
      signal,
    )
    if (endpoint === null) throw new NetpluginError('protocol', 'NO_ENDPOINT', 'netmaster made no endpoint; try again')
    const other =
      endpoint.tenantName !== ref.tenant ||
      (ref.network !== '' && endpoint.networkName !== ref.network) ||
      endpoint.groupName !== ref.group
    if (other) {
      const where = `${endpoint.networkName} of tenant ${endpoint.tenantName}`
      const message = `container ${call.containerId} has ${call.ifname} in network ${where} already; delete it there first`
      throw new NetpluginError('conflict', 'CONTAINER_HAS_INTERFACE', message)
    }
    if (wish.device !== '' || endpoint.labels[cniNamespaceLabel] === call.netns) return { record: endpoint, revision }
    // The container was started anew.
    await client.updateEndpoint({ EndpointID: id, Labels: { ...labels } }, signal)
    return { record: endpoint, revision }
  }

  async #detach(id: string, netns: string): Promise<void> {
    const { attachments, interfaces, outbox, lookAgain, release } = this.#deps
    const peerName = attachments.inForce(id)
    const request = { EndpointID: id, ReleaseAddresses: true }
    const [removed] = await Promise.all([
      peerName === undefined || netns === '' ? undefined : interfaces.remove(peerName, netns),
      outbox.deliver({ op: 'delete-endpoint', request }, AbortSignal.timeout(attachMs)),
    ])
    lookAgain()
    void removed?.clean.then((isClean) => isClean && release(id))
  }

  /** The runtime may not ask to delete what it was told had failed. */
  async #undo(id: string, error: unknown, signal: AbortSignal): Promise<void> {
    const { outbox, log, lookAgain } = this.#deps
    const { code } = asNetpluginError(error)
    // Refused for the sake of the interface that is there.
    if (code === 'CONTAINER_HAS_INTERFACE' && !signal.aborted) return
    const undo = { op: 'delete-endpoint', request: { EndpointID: id, ReleaseAddresses: true } } as const
    await outbox.deliver(undo, AbortSignal.timeout(undoMs)).catch((failure: Error) => {
      log.error('failed endpoint not removed', { endpoint: id, reason: failure.message })
    })
    lookAgain()
  }

  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#calls.get(id) ?? Promise.resolve()
    const turn = before.then(work, work)
    this.#calls.set(id, turn)
    try {
      return await turn
    } finally {
      if (this.#calls.get(id) === turn) this.#calls.delete(id)
    }
  }
}

function refOf({ tenantName, networkName, groupName }: EndpointRecord) {
  return { tenant: tenantName, network: networkName, group: groupName }
}

function bindingOf({ protocol, containerPort, hostPort, hostIp }: CniConfig['portMappings'][number]) {
  const number = Object.entries(publishedProtocols).find(([name]) => name === protocol)?.[1]
  if (number === undefined) {
    const message = `portMappings: protocol ${JSON.stringify(protocol)} cannot be published; tcp, udp and sctp can`
    throw new CniError(cniCode.invalidConfiguration, message)
  }
  return { protocol: number, ip: '', port: containerPort, hostIp, hostPort, hostPortEnd: hostPort }
}

/** Addresses are for whoever is behind the device to set. */
function deviceResult(name: string, { mac, ipv4, ipv6 }: EndpointRecord, network: NetworkRecord): CniResult {
  const addresses = interfaceAddresses({ network, ipv4, ipv6 })
  const gatewayOf = (address: string) => (address.includes(':') ? network.ipv6Gateway : network.gateway)
  return {
    ...emptyResult,
    interfaces: [{ name, mac, mtu: 0, sandbox: '' }],
    ips: addresses.map((address) => ({ address, gateway: gatewayOf(address), interface: 0 })),
  }
}

/** After what plugins before this one made. */
function resultOf(
  placed: PlacedInterface,
  about: {
    readonly record: EndpointRecord
    readonly network: NetworkRecord
    readonly call: CniCall
    readonly config: CniConfig
  },
): CniResult {
  const { record, network, call, config } = about
  const { interfaces, ips, routes, dns } = config.prevResult ?? emptyResult
  const own = [
    { name: placed.hostName, mac: placed.hostMac, mtu: placed.mtu, sandbox: '' },
    { name: call.ifname, mac: record.mac, mtu: placed.mtu, sandbox: call.netns },
  ]
  const index = interfaces.length + own.length - 1
  const gatewayOf = (address: string) => (address.includes(':') ? network.ipv6Gateway : network.gateway)
  return {
    interfaces: [...interfaces, ...own],
    ips: [...ips, ...placed.addresses.map((address) => ({ address, gateway: gatewayOf(address), interface: index }))],
    routes: [...routes, ...placed.routes.map(({ destination, via = '' }) => ({ dst: destination, gw: via }))],
    dns: Object.keys(config.dns).length > 0 ? config.dns : dns,
  }
}
