// The control side of netplugin on one host, as src/netplugin/node.ts wires it: what follows netmaster, what Docker calls, what
// is given back. In place of switch and kernel there is a loop that compiles and, a moment later, has it in force.

import { NodeSession } from '../../src/api/node-session.ts'
import { NodeCompiler, portNames } from '../../src/core/compile/compile-node.ts'
import type { NodeNetwork } from '../../src/core/compile/node-network.ts'
import type { Runtime } from '../../src/drivers/runtime/runtime.ts'
import { silentLog as log } from '../../src/lib/log.ts'
import { Wakeup } from '../../src/lib/wakeup.ts'
import type { ClusterState } from '../../src/model/state.ts'
import { Attachments } from '../../src/netplugin/attachments.ts'
import { DockerIpamDriver, DockerNetworkDriver } from '../../src/netplugin/docker-driver.ts'
import { DockerNetworkIds } from '../../src/netplugin/docker-network-ids.ts'
import { DockerNetworks } from '../../src/netplugin/docker-networks.ts'
import { DockerSide } from '../../src/netplugin/docker-side.ts'
import { LostHosts } from '../../src/netplugin/lost-hosts.ts'
import { MasterLink } from '../../src/netplugin/master-link.ts'
import { Outbox } from '../../src/netplugin/outbox.ts'
import { withoutDetached } from '../../src/netplugin/own-node.ts'
import { PublishedPorts } from '../../src/netplugin/published-ports.ts'
import { RunningContainers } from '../../src/netplugin/running-containers.ts'
import { nextStart } from '../../src/netplugin/session-file.ts'
import { nodeConfig } from '../../src/netplugin/testing.ts'
import { type MasterClient, nodeClient } from './client.ts'
import { type Disk, filesOf, type Process } from './process.ts'

/** What of a host outlives its agent. */
export interface HostParts {
  readonly node: string
  readonly index: number
  readonly bootId: string
  readonly disk: Disk
  /** What forwards; undefined: nothing yet. */
  inForce: NodeNetwork | undefined
}

export class AgentSide {
  readonly master: MasterLink
  readonly outbox: Outbox
  readonly network: DockerNetworkDriver
  readonly ipam: DockerIpamDriver
  readonly #host: HostParts
  readonly #process: Process
  readonly #attachments = new Attachments()
  readonly #compiler: NodeCompiler
  readonly #wakeup = new Wakeup()
  #isDirty = true

  constructor(host: HostParts, process: Process, { masters, runtime }: { masters: MasterClient; runtime: Runtime }) {
    this.#host = host
    this.#process = process
    this.#compiler = new NodeCompiler(host.node)
    const { node, disk, bootId, index } = host
    const { clock, world } = process
    const random = () => world.chance.fraction()
    const newId = () => world.chance.fraction().toString(36).slice(2)
    const files = filesOf(disk, process)
    const session = nextStart('session', { clock, log, files }).then((start) => new NodeSession({ start }))
    const client = nodeClient(node, masters, { newId, session })
    const address = { controlAddress: `10.9.0.${index}`, vtep: `10.0.0.${index}` }
    const config = nodeConfig('', { node, ...address })
    this.master = new MasterLink(config, { client, clock, log, random, bootId, files, count: async () => [] })
    this.outbox = new Outbox('outbox', { client, clock, log, random, files })
    const networkIds = new DockerNetworkIds({ path: 'docker-networks', driver: 'netplugin' }, { runtime, clock, files })
    const { attachments, outbox, master, state } = this.#parts()
    const lookAgain = () => this.#lookAgain()
    const mayRemove = () => master.inSync
    const docker = new DockerSide(
      { node },
      {
        runtime,
        networks: new DockerNetworks({ driver: 'netplugin' }, { runtime, log }),
        client,
        outbox,
        running: new RunningContainers({ changed: () => {} }),
        clock,
        log,
        random,
        state: () => master.state,
        mayRemove,
        isOurs: (id) => networkIds.has(id),
        onNetworks: () => {},
        lookAgain,
      },
    )
    master.onChange(() => {
      lookAgain()
      docker.stateChanged()
    })
    const published = new PublishedPorts(
      { node },
      { client, state, whyTaken: async () => undefined, whenInForce: async () => {}, log },
    )
    const deps = {
      client,
      attachments,
      outbox,
      networkIds,
      published,
      state,
      nameservers: () => [],
      lookAgain,
      clock,
      log,
    }
    this.network = new DockerNetworkDriver(deps)
    this.ipam = new DockerIpamDriver(deps)
    const always = world.over
    void master.run(always)
    void outbox.run(always)
    void docker.run(always)
    void this.#passes(mayRemove, state)
  }

  #parts() {
    const { master, outbox } = this
    const lost = new LostHosts({ node: this.#host.node })
    const state = () => withoutDetached(master.state && lost.without(master.state), outbox.detached)
    return { attachments: this.#attachments, outbox, master, state }
  }

  #lookAgain(): void {
    this.#isDirty = true
    this.#wakeup.wake()
  }

  /** Nothing is removed before the whole state is known. */
  async #passes(mayRemove: () => boolean, state: () => ClusterState | undefined): Promise<void> {
    const always = this.#process.world.over
    for (;;) {
      if (!this.#isDirty) await this.#wakeup.wait(always)
      this.#isDirty = false
      const newest = state()
      if (newest === undefined) continue
      const remove = mayRemove()
      const network = this.#compiler.compile(newest)
      await this.#process.wait(5)
      if (!remove) continue
      this.#host.inForce = network
      const links = new Map([...network.local.keys()].map((id) => [id, portNames(id).peerName]))
      this.#attachments.passed(links, new Map(), network.revision)
    }
  }
}
