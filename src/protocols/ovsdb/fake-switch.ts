// What ovs-vswitchd writes to the database, for tests against the fake server: port numbers, errors of interfaces, the
// configuration sequence number. It acts in a later turn of the event loop, as a separate program would.

import type { FakeServer } from './fake-server.ts'
import { type Operation, update } from './operation.ts'
import type { PlainRow } from './row.ts'
import type { Uuid } from './value.ts'

export interface FakeSwitchOptions {
  /** Says whether the host has the network device of an interface of type ''; true for all when not given. */
  readonly hasDevice?: (name: string) => boolean
}

const localPort = 65534

/** Plays the switch of this server. Returns what ends that. */
export function playSwitch(server: FakeServer, options: FakeSwitchOptions = {}): () => void {
  const hasDevice = options.hasDevice ?? (() => true)
  let scheduled: NodeJS.Immediate | undefined
  const act = () => {
    scheduled = undefined
    server.transact(switchWrites(server, hasDevice))
  }
  const stop = server.onCommit(() => {
    scheduled ??= setImmediate(act)
  })
  return () => {
    stop()
    clearImmediate(scheduled)
  }
}

function switchWrites(server: FakeServer, hasDevice: (name: string) => boolean): readonly Operation[] {
  const writes: Operation[] = []
  const byRow = ({ _uuid }: PlainRow) => [['_uuid', '==', _uuid] as const]
  for (const bridge of server.rows('Bridge').values()) {
    const interfaces = interfacesOf(server, bridge)
    const used = new Set(interfaces.map((row) => row.ofport))
    for (const row of interfaces) {
      if (row.ofport !== undefined && (row.ofport !== -1 || !hasDevice(String(row.name)))) continue
      if (row.type === '' && !hasDevice(String(row.name))) {
        const error = `could not open network device ${row.name} (No such device)`
        writes.push(update('Interface', byRow(row), { ofport: -1, error }))
        continue
      }
      const ofport = portNumber(row, row.name === bridge.name, used)
      used.add(ofport)
      const found = { ofport, error: undefined, mac_in_use: '02:00:00:00:00:01', mtu: 1500, link_state: 'up' }
      writes.push(update('Interface', byRow(row), found))
    }
  }
  for (const root of server.rows('Open_vSwitch').values()) {
    const wanted = Number(root.next_cfg)
    if (root.cur_cfg !== wanted) writes.push(update('Open_vSwitch', byRow(root), { cur_cfg: wanted }))
  }
  return writes
}

function interfacesOf(server: FakeServer, bridge: PlainRow): readonly PlainRow[] {
  const interfaces: PlainRow[] = []
  for (const port of bridge.ports as readonly Uuid[]) {
    for (const uuid of (server.rows('Port').get(port)?.interfaces ?? []) as readonly Uuid[]) {
      const row = server.rows('Interface').get(uuid)
      if (row !== undefined) interfaces.push(row)
    }
  }
  return interfaces
}

/** The requested number when it is free, else the lowest free one. */
function portNumber(row: PlainRow, isLocal: boolean, used: ReadonlySet<unknown>): number {
  if (isLocal) return localPort
  if (typeof row.ofport_request === 'number' && !used.has(row.ofport_request)) return row.ofport_request
  let number = 1
  while (used.has(number)) number++
  return number
}
