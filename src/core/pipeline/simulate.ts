// Runs a packet through flows in memory: does it leave, by which port, rewritten how? Follows Open vSwitch as
// ovs-actions(7) and ovs-fields(7) describe it; an oracle test compares the two.
//
//   const verdict = simulate(new SimSwitch({ flows }), { inPort: 3, packet: echoRequest(web, db) })
//   verdict.outputs   // [{ port: 5, packet: { eth_dst: … } }]
//   verdict.trace     // ['Classify: in_port=3,vlan_vid=0', …]

import { NetpluginError, unreachable } from '../../lib/errors.ts'
import { hash32 } from '../../lib/hash.ts'
import {
  type Action,
  type Conntrack,
  type FieldName,
  type FieldRange,
  type Flow,
  fieldNamed,
  type Group,
  type ReservedPort,
  valueBits,
} from '../../protocols/openflow/index.ts'
import { printFlow } from './print.ts'
import { Connections } from './simulate/connections.ts'
import { FlowTables } from './simulate/flow-tables.ts'
import { type Fields, fieldsOf, packetOf, type SimPacket } from './simulate/packet.ts'
import { tableName } from './tables.ts'

/** What a packet meets: flows, groups, and the connections seen so far. */
export class SimSwitch {
  readonly tables: FlowTables
  readonly groups: ReadonlyMap<number, Group>
  readonly connections: Connections

  /** `connections`: of a switch that had other flows before. */
  constructor(options: {
    readonly flows: Iterable<Flow>
    readonly groups?: Iterable<Group>
    readonly connections?: Connections | undefined
  }) {
    this.connections = options.connections ?? new Connections()
    this.tables = new FlowTables(options.flows)
    this.groups = new Map([...(options.groups ?? [])].map((group) => [group.id, group]))
  }
}

export interface SimOutput {
  readonly port: number | ReservedPort
  readonly packet: SimPacket
  /** Of what is handed to the agent: what for. */
  readonly userdata?: string
}

export interface Verdict {
  readonly outputs: readonly SimOutput[]
  /** One line for each flow that matched, and for each thing that did not happen. */
  readonly trace: readonly string[]
  /** The last table the packet was in, when nothing left the switch; the agent may have got a copy. */
  readonly dropped?: string
}

/** Sends one packet in by a port. Throws for what no flow of ours does: NORMAL, FLOOD, unknown actions. */
export function simulate(
  sim: SimSwitch,
  { inPort, packet }: { readonly inPort: number; readonly packet: SimPacket },
): Verdict {
  const run = new Run(sim)
  run.start(fieldsOf({ ...packet, in_port: inPort }))
  return run.verdict()
}

const firstTable = 0
const maximumDepth = 64
/** In a resubmit: the table the packet is in. */
const sameTable = 255

interface Recirculated {
  readonly table: number
  readonly fields: Fields
}

class Run {
  readonly #sim: SimSwitch
  readonly #outputs: SimOutput[] = []
  /** Flows are printed when somebody reads the trace: that takes longer than the packet. */
  readonly #trace: (string | Flow)[] = []
  /** Packets that a `ct` sent on; they go on when the pass that tracked them is over. */
  readonly #waiting: Recirculated[] = []
  #last = firstTable
  #stopped = false

  constructor(sim: SimSwitch) {
    this.#sim = sim
  }

  start(fields: Fields): void {
    this.#waiting.push({ table: firstTable, fields })
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#stopped = false
      this.#enter(next.table, next.fields, 0)
    }
  }

  verdict(): Verdict {
    const steps = this.#trace
    return {
      outputs: this.#outputs,
      get trace() {
        return steps.map((step) => (typeof step === 'string' ? step : printFlow(step)))
      },
      ...(this.#outputs.some(({ port }) => port !== 'controller') ? {} : { dropped: tableName(this.#last) }),
    }
  }

  #enter(table: number, fields: Fields, depth: number): void {
    if (depth > maximumDepth) throw unsupported(`more than ${maximumDepth} resubmits`)
    let at: number | undefined = table
    while (at !== undefined && !this.#stopped) {
      this.#last = at
      const flow = this.#sim.tables.lookup(at, fields)
      if (flow === undefined) {
        this.#trace.push(`${tableName(at)}: no flow: dropped`)
        return
      }
      this.#trace.push(flow)
      this.#apply(flow.actions, fields, at, depth)
      at = flow.goto
    }
  }

  #apply(actions: readonly Action[], fields: Fields, table: number, depth: number): void {
    for (const action of actions) {
      if (this.#stopped) return
      this.#act(action, fields, table, depth)
    }
  }

  #act(action: Action, fields: Fields, table: number, depth: number): void {
    switch (action.type) {
      case 'output':
        this.#output(action.port, fields)
        return
      case 'output_field':
        this.#output(Number(read(fields, action.from)), fields)
        return
      case 'set_field':
        setField(fields, action)
        return
      case 'move':
        write(fields, action.to, read(fields, action.from))
        return
      case 'push_vlan':
        if ((fields.get('vlan_vid') ?? 0n) !== 0n) throw unsupported('a second VLAN tag')
        fields.set('vlan_vid', 0x1000n)
        return
      case 'pop_vlan':
        fields.delete('vlan_vid')
        fields.delete('vlan_pcp')
        return
      case 'dec_ttl':
        this.#decreaseTtl(fields)
        return
      case 'resubmit':
        this.#resubmit(action, fields, table, depth)
        return
      case 'group':
        this.#group(action.group, fields, table, depth)
        return
      case 'ct':
        this.#track(action, fields)
        return
      case 'ct_clear':
        for (const name of [...fields.keys()]) if (name.startsWith('ct_')) fields.delete(name)
        return
      case 'controller':
        this.#outputs.push({ port: 'controller', packet: packetOf(fields), userdata: action.userdata ?? '' })
        return
      case 'conjunction':
      case 'note':
      case 'drop':
        return
      case 'unknown':
        throw unsupported(`the action ${action.bytes}`)
      default:
        unreachable(action)
    }
  }

  #output(port: number | ReservedPort, fields: Fields): void {
    const inPort = Number(fields.get('in_port') ?? 0n)
    if (port === 'normal' || port === 'flood' || port === 'all') throw unsupported(`output to ${port}`)
    // A packet goes back where it came from only when a flow says so in so many words.
    if (port === inPort) this.#trace.push(`  not sent back to its own port ${port}`)
    else this.#outputs.push({ port: port === 'in_port' ? inPort : port, packet: packetOf(fields) })
  }

  #decreaseTtl(fields: Fields): void {
    const ethType = fields.get('eth_type')
    if (ethType !== 0x0800n && ethType !== 0x86ddn) return
    const ttl = fields.get('nw_ttl') ?? 0n
    if (ttl > 1n) fields.set('nw_ttl', ttl - 1n)
    else {
      this.#trace.push('  its TTL ran out')
      this.#stopped = true
    }
  }

  #resubmit(action: Extract<Action, { type: 'resubmit' }>, fields: Fields, table: number, depth: number): void {
    const inPort = fields.get('in_port') ?? 0n
    if (action.inPort !== undefined) fields.set('in_port', BigInt(action.inPort))
    this.#enter(action.table === sameTable ? table : action.table, fields, depth + 1)
    fields.set('in_port', inPort)
  }

  /** What a bucket does to the packet stays in the bucket. Of a `select` group addresses and ports choose one. */
  #group(id: number, fields: Fields, table: number, depth: number): void {
    const group = this.#sim.groups.get(id)
    const buckets = group?.buckets ?? []
    const chosen = group?.type === 'select' ? hash32(flowText(fields)) % Math.max(1, buckets.length) : 0
    for (const bucket of group?.type === 'all' ? buckets : buckets.slice(chosen, chosen + 1)) {
      this.#apply(bucket.actions, new Map(fields), table, depth)
    }
  }

  #track(action: Conntrack, fields: Fields): void {
    const zone = typeof action.zone === 'number' ? action.zone : Number(read(fields, action.zone))
    const tracked = new Map(fields)
    const exec = () => this.#apply(action.exec ?? [], tracked, 0, 0)
    this.#sim.connections.track(tracked, zone, action, exec)
    if (action.table !== undefined) this.#waiting.push({ table: action.table, fields: tracked })
  }
}

/** What tells a connection from others. */
function flowText(fields: Fields): string {
  const names = ['ipv4_src', 'ipv4_dst', 'ip_proto', 'tcp_src', 'tcp_dst', 'udp_src', 'udp_dst'] as const
  return names.map((name) => fields.get(name) ?? 0n).join(' ')
}

function setField(fields: Fields, action: Extract<Action, { type: 'set_field' }>): void {
  const field = fieldNamed(action.field)
  const value = valueBits(field, action.value)
  if (action.mask === undefined) fields.set(field.name, value)
  else {
    const mask = valueBits(field, action.mask)
    fields.set(field.name, ((fields.get(field.name) ?? 0n) & ~mask) | (value & mask))
  }
}

function read(fields: Fields, { field, offset, bits }: FieldRange): bigint {
  return ((fields.get(field) ?? 0n) >> BigInt(offset)) & ((1n << BigInt(bits)) - 1n)
}

function write(fields: Fields, { field, offset, bits }: FieldRange, value: bigint): void {
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(offset)
  const name: FieldName = field
  fields.set(name, ((fields.get(name) ?? 0n) & ~mask) | (value << BigInt(offset)))
}

function unsupported(what: string): NetpluginError {
  return new NetpluginError('internal', 'SIMULATE_UNSUPPORTED', `the simulator cannot do ${what}`)
}
