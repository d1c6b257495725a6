// An agent for tests, between a fake host, a fake database and a fake switch, which go with the test.

import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { userspaceSettings } from '../../test/support/node-settings.ts'
import { ownFlows } from '../core/pipeline/cookies.ts'
import { FakeHost } from '../drivers/host/fake.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import { FakeSwitch } from '../protocols/openflow/fake-switch.ts'
import { formatFlow } from '../protocols/openflow/index.ts'
import { FakeServer } from '../protocols/ovsdb/fake-server.ts'
import { playSwitch } from '../protocols/ovsdb/fake-switch.ts'
import { Agent } from './agent.ts'
import { Attachments } from './attachments.ts'
import type { NodeConfig } from './config.ts'
import { background, nodeConfig, random, recordingLog, scratch, settle, untilTime } from './testing.ts'

/** What the test says to the agent; it looks at these in each pass. */
export interface World {
  state: ClusterState | undefined
  mayRemove: boolean
  /** Thrown by the settings of the node. */
  fault: Error | undefined
}

/** What a pass came to. */
export interface Pass {
  readonly revision: number
  readonly local: readonly string[]
}

export async function startAgent(t: TestContext, first: ClusterState | undefined, more: Partial<NodeConfig> = {}) {
  const dir = scratch(t)
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const database = await FakeServer.listen({ path: join(dir, 'db.sock') })
  const endSwitch = playSwitch(database, { hasDevice: (name) => host.facts().links.has(name) })
  const openFlow = await FakeSwitch.listen({ path: join(dir, 'np-int.mgmt') })
  const world: World = { state: first, mayRemove: true, fault: undefined }
  const clock = new FakeClock()
  const attachments = new Attachments()
  const { log, lines, said } = recordingLog()
  const passes: Pass[] = []
  const config = nodeConfig(dir, more)
  const agent = new Agent(config, {
    host,
    clock,
    log,
    random,
    attachments,
    state: () => world.state,
    mayRemove: () => world.mayRemove,
    settings: () => {
      if (world.fault !== undefined) throw world.fault
      return userspaceSettings
    },
    nameservers: () => [],
    onPass: (network) => void passes.push({ revision: network.revision, local: [...network.local.keys()] }),
  })
  const unwatch = host.watch(() => agent.lookSoon())
  const run = background(t, async (signal) => {
    await agent.run(signal)
    unwatch()
    endSwitch()
    await database.close()
    await openFlow.close()
  })

  /** Names of the switch's ports. */
  const ports = () => [...database.rows('Port').values()].map((row) => String(row.name)).sort()
  /** Flows of ours, as text. */
  const flows = () =>
    openFlow
      .flows()
      .filter(isOurs)
      .map((flow) => formatFlow(flow))
      .sort()
  /** Flows by table. */
  const inTable = (table: number) => openFlow.flows().filter((flow) => flow.table === table)
  const links = () => [...host.facts().links.keys()].sort()
  const lookUntil = (what: string, fact: () => boolean) => untilTime(what, clock, 50, fact)
  /** A new state, and the pass that has put it in force. */
  const enter = async (state: ClusterState) => {
    world.state = state
    agent.lookAgain()
    const before = passes.length
    await lookUntil(`revision ${state.revision}`, () =>
      passes.slice(before).some((pass) => pass.revision === state.revision),
    )
  }
  /** Time goes on and everything that became due is done. */
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 50) {
      clock.advance(50)
      await settle()
    }
  }
  const inForce = () => lookUntil('a pass', () => passes.length > 0)
  return {
    world,
    agent,
    host,
    database,
    openFlow,
    attachments,
    clock,
    lines,
    said,
    passes,
    ports,
    flows,
    inTable,
    links,
    lookUntil,
    enter,
    pass,
    inForce,
    run,
  }
}

export type StartedAgent = Awaited<ReturnType<typeof startAgent>>

function isOurs({ cookie }: { readonly cookie: bigint }): boolean {
  return (cookie & ownFlows.mask) === ownFlows.value
}
