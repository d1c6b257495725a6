// The operations that make rows, or bring the rows that stay to what is desired.

import {
  insert,
  type Mutation,
  mutate,
  type NamedUuid,
  named,
  type Operation,
  type TableName,
  type Uuid,
  update,
  type WritableRow,
} from '../../protocols/ovsdb/index.ts'
import type { DesiredBridge, DesiredInterface, DesiredPort, Devices } from './database.ts'
import { bridgeColumns, deviceMarks, differing, interfaceColumns, portColumns } from './database-columns.ts'
import { type BridgeRow, type InterfaceRow, ownerMark, ownKeyPrefix, type PlacedPort } from './switch-rows.ts'

export interface StayingRows {
  readonly bridge: BridgeRow | undefined
  /** By name: the ports of this bridge that are not removed. */
  readonly ports: ReadonlyMap<string, PlacedPort>
}

export interface Draft {
  readonly owner: string
  readonly devices: Devices
  readonly operations: Operation[]
}

/** Appends to the draft's operations what brings the bridge and its ports to the desired state; nothing when they are. */
export function changeBridge(desired: DesiredBridge, staying: StayingRows, draft: Draft): void {
  const { operations } = draft
  const ports: NamedUuid[] = []
  for (const port of desired.ports.values()) {
    const placed = staying.ports.get(port.name)
    if (placed === undefined) ports.push(insertPort(port, draft))
    else changePort(port, placed, draft)
  }
  if (staying.bridge === undefined) {
    const row = { name: desired.name, ports, ...bridgeColumns(desired), external_ids: marks({}, draft) }
    const reference = insertRow('Bridge', row, draft)
    operations.push(mutate('Open_vSwitch', [], [['bridges', 'insert', [reference]]]))
    return
  }
  const self = [['_uuid', '==', staying.bridge._uuid]] as const
  const changes = differing(staying.bridge, bridgeColumns(desired))
  if (changes !== undefined) operations.push(update('Bridge', self, changes))
  if (ports.length > 0) operations.push(mutate('Bridge', self, [['ports', 'insert', ports]]))
  changeMarks('Bridge', staying.bridge, {}, draft)
}

function insertPort(port: DesiredPort, draft: Draft): NamedUuid {
  const interfaces = port.interfaces.map((one) => insertInterface(one, port, draft))
  const row = { name: port.name, interfaces, ...portColumns(port), external_ids: marks(port.mark, draft) }
  return insertRow('Port', row, draft)
}

function insertInterface(one: DesiredInterface, port: DesiredPort, draft: Draft): NamedUuid {
  const mark = { ...port.mark, ...deviceMarks(one, undefined, draft.devices) }
  const row = { name: one.name, ...interfaceColumns(one), external_ids: marks(mark, draft) }
  return insertRow('Interface', row, draft)
}

function insertRow<T extends TableName>(table: T, row: WritableRow<T>, { operations }: Draft): NamedUuid {
  // The number of operations before this one: unique within the transaction, and the same for the same plan.
  const name = `row_${operations.length}`
  operations.push(insert(table, row, name))
  return named(name)
}

function changePort(port: DesiredPort, placed: PlacedPort, draft: Draft): void {
  const members: (Uuid | NamedUuid)[] = []
  for (const one of port.interfaces) {
    const present = placed.interfaces.get(one.name)
    members.push(present === undefined ? insertInterface(one, port, draft) : changeInterface(one, port, present, draft))
  }
  const sameMembers = members.length === placed.interfaces.size && members.every((one) => typeof one === 'string')
  const changes = differing(placed.row, portColumns(port))
  const row: WritableRow<'Port'> = { ...changes, ...(sameMembers ? {} : { interfaces: members }) }
  if (Object.keys(row).length > 0) draft.operations.push(update('Port', [['_uuid', '==', placed.row._uuid]], row))
  changeMarks('Port', placed.row, port.mark, draft)
}

function changeInterface(one: DesiredInterface, port: DesiredPort, present: InterfaceRow, draft: Draft): Uuid {
  const changes = differing(present, interfaceColumns(one))
  if (changes !== undefined) draft.operations.push(update('Interface', [['_uuid', '==', present._uuid]], changes))
  changeMarks('Interface', present, { ...port.mark, ...deviceMarks(one, present, draft.devices) }, draft)
  return present._uuid
}

type MarkedTable = 'Bridge' | 'Port' | 'Interface'

/** Only keys of ours are written: other programs keep their own external ids on the same rows. */
function changeMarks(
  table: MarkedTable,
  present: { readonly _uuid: Uuid; readonly external_ids: Readonly<Record<string, string>> },
  mark: Readonly<Record<string, string>>,
  draft: Draft,
): void {
  const wanted = marks(mark, draft)
  const ids = present.external_ids
  const wrong = Object.keys(ids).filter((key) => {
    return Object.hasOwn(wanted, key) ? wanted[key] !== ids[key] : key.startsWith(ownKeyPrefix)
  })
  const missing = Object.entries(wanted).filter(([key, value]) => ids[key] !== value)
  const mutations: Mutation<MarkedTable>[] = []
  if (wrong.length > 0) mutations.push(['external_ids', 'delete', wrong])
  if (missing.length > 0) mutations.push(['external_ids', 'insert', Object.fromEntries(missing)])
  if (mutations.length === 0) return
  draft.operations.push(mutate(table, [['_uuid', '==', present._uuid]], mutations))
}

function marks(mark: Readonly<Record<string, string>>, { owner }: Draft): Readonly<Record<string, string>> {
  return { ...mark, [ownerMark]: owner }
}
