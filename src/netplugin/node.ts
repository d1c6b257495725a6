// A whole node: wires master link, agent, Docker drivers and names server together, starts and ends them in order.

import { lookup } from 'node:dns/promises'
import { createNodeClient } from '../api/node-client.ts'
import { NodeSession } from '../api/node-session.ts'
import type { NodeNetwork } from '../core/compile/node-network.ts'
import type { NodeSettings } from '../core/compile/node-ports.ts'
import { serviceMembers } from '../core/names/services.ts'
import type { Containers } from '../drivers/host/containers.ts'
import type { FirewallDriver } from '../drivers/host/firewall.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import { whyTaken } from '../drivers/host/listening.ts'
import type { Runtime } from '../drivers/runtime/runtime.ts'
import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { LibnetworkServer } from '../protocols/libnetwork/index.ts'
import { Agent } from './agent.ts'
import { Attachments } from './attachments.ts'
import { CniSide } from './cni-side.ts'
import type { NodeConfig } from './config.ts'
import { ContainerInterfaces } from './container-interfaces.ts'
import { DockerIpamDriver, DockerNetworkDriver } from './docker-driver.ts'
import { DockerNetworkIds } from './docker-network-ids.ts'
import { DockerNetworks } from './docker-networks.ts'
import { DockerSide } from './docker-side.ts'
import { HostNameservers } from './host-nameservers.ts'
import { HostNetworks } from './host-networks.ts'
import { IntentEndpoints } from './intent-endpoints.ts'
import { LostHosts } from './lost-hosts.ts'
import { MasterLink } from './master-link.ts'
import { MemberExchange } from './member-exchange.ts'
import { type NamesProcesses, NamesServer } from './names-server.ts'
import { Outbox } from './outbox.ts'
import { Outside } from './outside.ts'
import { withoutDetached } from './own-node.ts'
import { ProviderHealth } from './provider-health.ts'
import { PublishedPorts } from './published-ports.ts'
import { RunningContainers } from './running-containers.ts'
import { nextStart } from './session-file.ts'
import { Snooping } from './snooping.ts'
import { TunnelNeighbours, udpProber } from './tunnel-neighbours.ts'

interface Deps {
  readonly host: HostDriver
  readonly containers: Containers
  readonly firewall: FirewallDriver
  readonly runtime: Runtime
  readonly namesProcesses: NamesProcesses
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly bootId: string
}

/** Requests to netmaster end after this long; longer waits are for the caller to repeat. */
const requestMs = 5_000
/** Docker waits without end for an answer; an attach that takes this long has failed. */
const callTimeoutMs = 20_000
const stopMs = 2_000

/** Runs until the signal aborts. Throws when the plugin socket or the settings cannot be had. */
export async function runNode(config: NodeConfig, deps: Deps, signal: AbortSignal): Promise<void> {
  const { host, containers, runtime, namesProcesses, clock, log, random, bootId } = deps
  const session = new NodeSession({ start: await nextStart(`${config.stateDir}/session.json`, { clock, log }) })
  const client = createNodeClient({ baseUrl: config.netmaster, node: config.node, timeoutMs: requestMs, session })
  const master = new MasterLink(config, {
    client,
    clock,
    log: log.with({ part: 'master' }),
    random,
    bootId,
    members: (message) => exchange.hear(message),
    problems: () => [...hostNetworks.problems(), ...outside.problems()],
    count: (about, key, counting) =>
      about === 'policy' ? agent.countRules(key, counting) : agent.countService(key, counting),
  })
  const outbox = new Outbox(`${config.stateDir}/outbox.json`, { client, clock, log, random })
  const attachments = new Attachments()
  const networkIds = new DockerNetworkIds(
    { path: `${config.stateDir}/docker-networks.json`, driver: config.pluginName },
    { runtime, clock },
  )
  const lost = new LostHosts({ node: config.node })
  const state = () => withoutDetached(master.state && lost.without(master.state), outbox.detached)
  const mayRemove = () => master.inSync
  const hostNameservers = new HostNameservers({ path: config.resolvConf })
  const nameservers = () => hostNameservers.list()
  let passed: { readonly network: NodeNetwork; readonly ofPorts: ReadonlyMap<string, number> } | undefined
  const names = new NamesServer(
    { socket: config.namesSocket },
    {
      processes: namesProcesses,
      view: () => {
        const newest = state()
        if (newest === undefined || passed === undefined) return undefined
        return { state: newest, ...passed, others: serviceMembers(newest.objects.service) }
      },
      clock,
      log: log.with({ part: 'names' }),
      random,
    },
  )
  const tunnels = new TunnelNeighbours({
    clock,
    openProber: () => udpProber({ host, log: log.with({ part: 'tunnels' }) }),
  })
  const outside = new Outside(
    { subnet: config.outsideSubnet },
    {
      netmasters: () => client.servers(),
      firewall: deps.firewall,
      host,
      clock,
      log: log.with({ part: 'outside' }),
      mayRemove: () => master.inSync,
      resolve: async (name) => (await lookup(name, { all: true, family: 4 })).map(({ address }) => address),
    },
  )
  const progress = { switch: 0, docker: 0 }
  const report = () => master.applied(Math.min(progress.switch, progress.docker))

  const lookAgain = () => agent.lookAgain()
  const running = new RunningContainers({ changed: () => intents.containersChanged() })
  const intentDeps = { client, runtime, running, clock, log: log.with({ part: 'intents' }), random }
  const intents = new IntentEndpoints(
    { node: config.node },
    {
      ...intentDeps,
      state: () => master.state,
      inSync: mayRemove,
      refOf: (dockerNetwork) => networkIds.get(dockerNetwork),
      lookAgain,
    },
  )
  const hostNetworks: HostNetworks = new HostNetworks(
    { node: config.node },
    { client, clock, log: log.with({ part: 'host' }), random, state: () => master.state, inSync: mayRemove },
  )
  const interfaces = new ContainerInterfaces({
    host,
    containers,
    clock,
    log: log.with({ part: 'intents' }),
    nameservers,
    lookAgain,
  })

  const membersLog = log.with({ part: 'multicast' })
  const snooping: Snooping = new Snooping({
    clock,
    log: membersLog,
    send: (packets, sending) => agent.packetsOut(packets, sending),
    changed: () => {
      agent.lookSoon()
      exchange.lookAgain()
    },
  })
  const exchange = new MemberExchange({
    client,
    clock,
    log: membersLog,
    random,
    here: () => snooping.view(),
    changed: () => agent.lookSoon(),
  })
  const health: ProviderHealth = new ProviderHealth(
    { node: config.node },
    {
      client,
      state,
      send: (ofPort, packet) => agent.send(ofPort, packet),
      clock,
      log: log.with({ part: 'probes' }),
      random,
    },
  )

  const agent: Agent = new Agent(config, {
    host,
    clock,
    log: log.with({ part: 'agent' }),
    random,
    attachments,
    state,
    mayRemove,
    settings: () => nodeSettings(config, host),
    nameservers,
    members: () => ({ here: snooping.view(), elsewhere: exchange.elsewhere }),
    onPacketIn: (packet) => {
      snooping.packetIn(packet)
      health.packetIn(packet)
    },
    onHost: (problems) => hostNetworks.passed(problems),
    onSwitch: () => tunnels.askAgain(),
    onPass: (network, ofPorts) => {
      passed = { network, ofPorts }
      names.lookAgain()
      tunnels.keepWarm(network.peers)
      snooping.passed(network, ofPorts, mayRemove())
      const newest = state()
      // Lost hosts' addresses are no way out: they may live on.
      const nodes = master.state?.nodes
      if (newest !== undefined && nodes !== undefined) outside.passed({ state: { ...newest, nodes }, network, ofPorts })
      interfaces.passed(network, ofPorts, intents.places())
      health.passed(network, ofPorts)
      progress.switch = network.revision
      report()
    },
  })
  const docker = new DockerSide(
    { node: config.node },
    {
      runtime,
      networks: new DockerNetworks({ driver: config.pluginName }, { runtime, log: log.with({ part: 'docker' }) }),
      client,
      outbox,
      running,
      clock,
      log: log.with({ part: 'docker' }),
      random,
      state: () => master.state,
      mayRemove,
      isOurs: (id) => networkIds.has(id),
      onNetworks: (revision) => {
        progress.docker = revision
        report()
      },
      lookAgain,
    },
  )
  master.onChange(() => {
    lookAgain()
    docker.stateChanged()
    names.lookAgain()
    intents.stateChanged()
    hostNetworks.stateChanged()
  })
  const unwatch = host.watch(() => agent.lookSoon())

  const published = new PublishedPorts(
    { node: config.node },
    {
      client,
      state,
      whyTaken,
      whenInForce: (revision, waiting) => outside.whenInForce(revision, waiting),
      log: log.with({ part: 'driver' }),
    },
  )
  const driverDeps = { client, attachments, outbox, networkIds, published, state, nameservers, lookAgain, clock, log }
  const server = new LibnetworkServer(
    { socketPath: config.pluginSocket, callTimeoutMs },
    {
      drivers: { network: new DockerNetworkDriver(driverDeps), ipam: new DockerIpamDriver(driverDeps) },
      log: log.with({ part: 'driver' }),
    },
  )
  const cni = new CniSide(
    { ...config, callTimeoutMs },
    {
      ...driverDeps,
      host,
      containers,
      inSync: mayRemove,
      release: (id) => agent.release(id),
      log: log.with({ part: 'cni' }),
    },
  )
  await server.start(signal)
  await cni.start(signal)
  log.info('ready', { node: config.node, socket: config.pluginSocket, netmaster: config.netmaster })
  try {
    await Promise.all([
      master.run(signal),
      outbox.run(signal),
      agent.run(signal),
      docker.run(signal),
      intents.run(signal),
      names.run(signal),
      hostNetworks.run(signal),
      tunnels.run(signal),
      snooping.run(signal),
      exchange.run(signal),
      health.run(signal),
      outside.run(signal),
      cni.run(signal),
    ])
  } finally {
    unwatch()
    const stopped = AbortSignal.timeout(stopMs)
    await Promise.all([server.stop(stopped), cni.stop(stopped)])
    client.close()
  }
}

function nodeSettings(config: NodeConfig, host: HostDriver): NodeSettings {
  const facts = host.facts()
  const mtus = config.uplinks.map((name) => {
    const link = facts.links.get(name)
    if (link === undefined) {
      throw new NetpluginError('not-found', 'UPLINK_MISSING', `there is no interface ${name}; see --vlan-uplinks`)
    }
    // The switch takes the NIC for itself: an address on it, perhaps the one of this ssh session, would go dead.
    const address = facts.addresses.find((entry) => entry.index === link.index && entry.scope !== 'link')
    if (address !== undefined) {
      throw new NetpluginError(
        'conflict',
        'UPLINK_HAS_ADDRESS',
        `${name} carries the address ${address.cidr} and cannot become a VLAN uplink; move the address to another interface`,
      )
    }
    return link.mtu
  })
  const underlay = config.vtep === '' ? undefined : host.underlay(config.vtep)
  if (config.vtep !== '' && underlay === undefined) {
    throw new NetpluginError(
      'not-found',
      'VTEP_MISSING',
      `no interface of this host has the tunnel address ${config.vtep}; see --vtep-ip`,
    )
  }
  return {
    datapathType: facts.hasKernelOpenVswitch ? 'system' : 'netdev',
    uplinks: config.uplinks,
    vxlanPort: config.vxlanPort,
    underlayMtu: underlay?.mtu,
    uplinkMtu: mtus.length === 0 ? undefined : Math.min(...mtus),
    outsideSubnet: config.outsideSubnet,
  }
}
