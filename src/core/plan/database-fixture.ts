// A switch's database in memory, and what a plan must have made of it: for the tests of the planner.

import assert from 'node:assert/strict'
import { FakeDatabase } from '../../protocols/ovsdb/fake-database.ts'
import { insert, mutate, named, type Operation } from '../../protocols/ovsdb/index.ts'
import { encodeOperation } from '../../protocols/ovsdb/operation.ts'
import { type DatabasePlan, type DesiredBridge, type DesiredPort, type Devices, planDatabase } from './database.ts'
import { portsOf, type SwitchRows } from './switch-rows.ts'

export const owner = 'node1'

export class TestDatabase {
  readonly #database = new FakeDatabase()

  constructor() {
    this.run([insert('Open_vSwitch', {})])
  }

  get rows(): SwitchRows {
    return this.#database as unknown as SwitchRows
  }

  run(operations: readonly Operation[]): void {
    const { results } = this.#database.transact(operations.map(encodeOperation))
    const failed = results.find((result) => result !== null && typeof result === 'object' && 'error' in result)
    assert.equal(failed, undefined, JSON.stringify(failed))
  }

  plan(desired: readonly DesiredBridge[], removing = true, devices: Devices = new Map()): DatabasePlan {
    return planDatabase(desired, this.rows, { owner, remove: removing, devices })
  }

  /** Applies the plan for the desired state and returns it. */
  reach(desired: readonly DesiredBridge[], removing = true, devices: Devices = new Map()): DatabasePlan {
    const plan = this.plan(desired, removing, devices)
    for (const operations of plan.transactions) this.run(operations)
    return plan
  }

  addForeignBridge(name: string, ids: Readonly<Record<string, string>> = {}): void {
    this.run([
      insert('Interface', { name, type: 'internal', external_ids: ids }, 'i'),
      insert('Port', { name, interfaces: [named('i')], external_ids: ids }, 'p'),
      insert('Bridge', { name, ports: [named('p')], external_ids: ids }, 'b'),
      mutate('Open_vSwitch', [], [['bridges', 'insert', [named('b')]]]),
    ])
  }

  addForeignPort(bridge: string, name: string): void {
    this.run([
      insert('Interface', { name }, 'i'),
      insert('Port', { name, interfaces: [named('i')], tag: 9 }, 'p'),
      mutate('Bridge', [['name', '==', bridge]], [['ports', 'insert', [named('p')]]]),
    ])
  }

  /** Everything about bridges and ports that are not ours. */
  foreign(): unknown {
    const bridges = [...this.rows.rows('Bridge').values()]
    return bridges.map((bridge) => {
      const ports = portsOf(this.rows, bridge, owner).filter((port) => !port.ours)
      const ours = bridge.external_ids['netplugin-node'] === owner
      return [ours ? bridge.name : bridge, ports.map((port) => [port.row, [...port.interfaces.values()]])]
    })
  }

  /** Our bridges and ports, in the form of the desired ones. */
  view(): unknown {
    const bridges = [...this.rows.rows('Bridge').values()].filter((row) => row.external_ids['netplugin-node'] === owner)
    return Object.fromEntries(
      bridges.map(({ name, datapath_type, fail_mode, protocols, other_config, external_ids, ...row }) => {
        const placed = portsOf(this.rows, { name, external_ids, ...row } as never, owner).filter((port) => port.ours)
        const ports = placed.map(({ row: port, interfaces }) => [
          port.name,
          {
            columns: [port.tag, port.trunks, port.bond_mode, port.lacp, port.other_config, port.external_ids],
            interfaces: Object.fromEntries(
              [...interfaces.values()].map((one) => [
                one.name,
                [one.type, one.options, one.mac, one.mtu_request, one.ofport_request, one.external_ids],
              ]),
            ),
          },
        ])
        const columns = [datapath_type, fail_mode, protocols, other_config, external_ids]
        return [name, { columns, ports: Object.fromEntries(ports) }]
      }),
    )
  }
}

/** What view() must give, with the ports and bridges of the problems left out. */
export function expected(desired: readonly DesiredBridge[], { problems }: DatabasePlan): unknown {
  const mark = { 'netplugin-node': owner }
  const blocked = new Set(
    problems.filter(({ code }) => code !== 'BRIDGE_IN_USE').map(({ bridge, port }) => port ?? bridge),
  )
  return Object.fromEntries(
    desired
      .filter(({ name }) => !blocked.has(name))
      .map((bridge) => {
        const own: DesiredPort = {
          name: bridge.name,
          mark: {},
          interfaces: [{ name: bridge.name, type: 'internal', options: {} }],
        }
        const ports = [own, ...bridge.ports.values()].filter((port) => !blocked.has(port.name) || port === own)
        return [
          bridge.name,
          {
            columns: [
              bridge.datapathType,
              bridge.failMode,
              [...bridge.protocols].sort(),
              { ...bridge.otherConfig, ...(bridge.mac === undefined ? {} : { hwaddr: bridge.mac }) },
              mark,
            ],
            ports: Object.fromEntries(
              ports.map((port) => [
                port.name,
                {
                  columns: [
                    port.tag,
                    (port.trunks ?? []).toSorted((a, b) => a - b),
                    port.bond?.mode,
                    port.bond?.lacp,
                    port.bond?.fallback ? { 'lacp-fallback-ab': 'true' } : {},
                    { ...port.mark, ...mark },
                  ],
                  interfaces: Object.fromEntries(
                    port.interfaces.map((one) => [
                      one.name,
                      [one.type, one.options, one.mac, one.mtuRequest, one.ofportRequest, { ...port.mark, ...mark }],
                    ]),
                  ),
                },
              ]),
            ),
          },
        ]
      }),
  )
}

export function simple(name: string, more: Partial<DesiredPort['interfaces'][number]> = {}): DesiredPort {
  return { name, mark: { 'netplugin-endpoint': `e-${name}` }, interfaces: [{ name, type: '', options: {}, ...more }] }
}

export function bridge(name: string, ports: readonly DesiredPort[], more: Partial<DesiredBridge> = {}): DesiredBridge {
  const byName = new Map(ports.map((port) => [port.name, port]))
  return { name, datapathType: 'netdev', failMode: 'secure', protocols: ['OpenFlow14'], ports: byName, ...more }
}
