// Puts the flows and groups of many services into a scratch bridge in one bundle, and then takes one provider away.
//
//   node bench/inside/services.ts SERVICES PROVIDERS ROUNDS         one JSON document on standard output

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { NodeCompiler } from '../../src/core/compile/compile-node.ts'
import type { NodeNetwork } from '../../src/core/compile/node-network.ts'
import { isOf } from '../../src/core/pipeline/cookies.ts'
import { desiredGroups } from '../../src/core/pipeline/features/service-groups.ts'
import { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { Renderer } from '../../src/core/pipeline/render.ts'
import { planFlowChanges } from '../../src/core/plan/flows.ts'
import { planGroups } from '../../src/core/plan/groups.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { ClusterState } from '../../src/model/state.ts'
import { allGroups, OpenFlowConnection } from '../../src/protocols/openflow/index.ts'
import { clusterState } from '../../test/support/cluster.ts'

/** Milliseconds of each round. */
export interface ServiceTimes {
  readonly worked: readonly number[]
  readonly set: readonly number[]
  readonly changed: readonly number[]
  readonly reset: readonly number[]
  readonly modifications: number
}

const [services = 0, providers = 0, rounds = 0] = process.argv.slice(2).map(Number)
const bridge = 'bench-services'

function must(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}

/** A client here, and the providers elsewhere: each serves one service. */
function manyServices(): ClusterState {
  const all = Array.from({ length: services }, (_, index) => index)
  const address = (number: number) => `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
  return clusterState({
    tenants: ['red'],
    networks: [{ key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.0.0.0/8' }],
    services: all.map((index) => ({
      key: `red:s${index}`,
      network: 'one',
      address: address(0x80_0000 + index),
      selectors: [`service=s${index}`],
      ports: ['80:8080:tcp'],
    })),
    endpoints: [
      { id: 'client', network: 'red:one', node: 'a', ipv4: '10.0.0.1' },
      ...all.flatMap((index) =>
        Array.from({ length: providers }, (_, number) => ({
          id: `p${index}-${number}`,
          network: 'red:one',
          node: 'b',
          ipv4: address(0x1_0000 + index * providers + number),
          labels: { service: `s${index}` },
        })),
      ),
    ],
    nodes: [
      { node: 'a', vtep: '192.0.2.1' },
      { node: 'b', vtep: '192.0.2.2' },
    ],
  })
}

/** The same without one provider. */
function withoutOne(state: ClusterState): ClusterState {
  const endpoints = new Map(state.endpoints)
  endpoints.delete('p0-0')
  return { ...state, endpoints }
}

function timed<T>(times: number[], work: () => T): T {
  const start = performance.now()
  const result = work()
  times.push(performance.now() - start)
  return result
}

/** What services alone are made of. */
function ofServices(sets: FlowSets): FlowSets {
  return new FlowSets(new Map([...sets.sections].filter(([name]) => name === 'services')))
}

async function measure(): Promise<ServiceTimes> {
  const type = existsSync('/sys/module/openvswitch') ? 'system' : 'netdev'
  must('ovs-vsctl', '--may-exist', 'add-br', bridge, '--', 'set', 'bridge', bridge, `datapath_type=${type}`)
  const times = { worked: [] as number[], set: [] as number[], changed: [] as number[], reset: [] as number[] }
  let modifications = 0
  const facts = { ofPorts: new Map<string, number>(), nameservers: [], maxMeter: 0 }
  try {
    const path = `/var/run/openvswitch/${bridge}.mgmt`
    const connection = await OpenFlowConnection.connect({ path }, { log: silentLog, clock: systemClock })
    for (let round = 0; round < rounds; round++) {
      await connection.bundle([{ op: 'delete-flows' }, { op: 'delete-group', id: allGroups }])
      const [compiler, renderer] = [new NodeCompiler('a'), new Renderer()]
      const state = manyServices()
      const render = (network: NodeNetwork) => ({
        flows: ofServices(renderer.render(network, facts)),
        groups: desiredGroups(network.services),
      })
      const first = timed(times.worked, () => render(compiler.compile(state)))
      const options = { remove: true }
      const added = planFlowChanges(first.flows, new FlowSets(new Map()), options)
      const bundle = [...planGroups(first.groups, [], options).before, ...added]
      modifications = bundle.length
      const start = performance.now()
      await connection.bundle(bundle)
      times.set.push(performance.now() - start)
      const found = (await connection.flows()).filter(({ cookie }) => isOf('service', cookie)).length
      if (found !== added.length) throw new Error(`the switch has ${found} flows instead of ${added.length}`)
      const later = withoutOne(state)
      const change = timed(times.changed, () => {
        const second = render(compiler.compile(later))
        const groups = planGroups(second.groups, first.groups.values(), options)
        return [...groups.before, ...planFlowChanges(second.flows, first.flows, options), ...groups.after]
      })
      const again = performance.now()
      await connection.bundle(change)
      times.reset.push(performance.now() - again)
    }
    connection.close()
    return { ...times, modifications }
  } finally {
    must('ovs-vsctl', '--if-exists', 'del-br', bridge)
  }
}

process.stdout.write(JSON.stringify(await measure()))
