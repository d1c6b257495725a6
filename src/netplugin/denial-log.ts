// What rules that log have dropped, as lines of the log: which rule, and what it dropped. The switch hands such packets up, a
// limited number of them; what one rule drops all the time does not hide what others do.

import { denialMarks } from '../core/pipeline/features/denied.ts'
import { ruleNumber } from '../core/pipeline/rule-number.ts'
import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { RuleRecord } from '../model/state.ts'
import type { PacketIn } from '../protocols/openflow/index.ts'
import { findLayer, parsePacket } from '../protocols/packet/index.ts'

interface Deps {
  readonly clock: Clock
  readonly log: Log
  /** All rules, by `tenant:policy:id`; the same object until one changes. */
  readonly rules: () => ReadonlyMap<string, RuleRecord>
}

/** Lines of one rule within a second; what is more is told with the next line as a number. */
export const linesPerSecond = 10

interface Budget {
  second: number
  lines: number
  suppressed: number
}

export class DenialLog {
  readonly #deps: Deps
  #rules: ReadonlyMap<string, RuleRecord> = new Map()
  #byNumber: ReadonlyMap<bigint, RuleRecord> = new Map()
  readonly #budgets = new Map<string, Budget>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Any packet that the switch handed up: others than denied ones are left alone. */
  packetIn({ packet, fields, userdata }: PacketIn): void {
    const direction = userdata === denialMarks.in ? 'in' : userdata === denialMarks.out ? 'out' : undefined
    if (direction === undefined) return
    const number = direction === 'out' ? wide(fields.reg12, fields.reg13) : wide(fields.reg14, fields.reg15)
    const rule = this.#ruleOf(number)
    // It may have gone since.
    if (rule === undefined) return
    const { tenantName: tenant, policyName: policy, ruleId } = rule
    const suppressed = this.#spend(`${tenant}:${policy}:${ruleId}`)
    if (suppressed === undefined) return
    const more = suppressed === 0 ? {} : { suppressed }
    this.#deps.log.info('packet denied', { tenant, policy, rule: ruleId, direction, ...endsOf(packet), ...more })
  }

  #ruleOf(number: bigint): RuleRecord | undefined {
    const rules = this.#deps.rules()
    if (rules !== this.#rules) {
      this.#rules = rules
      const logging = [...rules].filter(([, { log }]) => log === true)
      this.#byNumber = new Map(logging.map(([key, rule]) => [ruleNumber(key), rule]))
      this.#budgets.clear()
    }
    return this.#byNumber.get(number)
  }

  /** How many lines were left out before this one; undefined: this one is left out, too. */
  #spend(key: string): number | undefined {
    const second = Math.floor(this.#deps.clock.now() / 1_000)
    const budget = this.#budgets.get(key) ?? { second, lines: 0, suppressed: 0 }
    this.#budgets.set(key, budget)
    if (budget.second !== second) Object.assign(budget, { second, lines: 0 })
    if (budget.lines >= linesPerSecond) {
      budget.suppressed++
      return undefined
    }
    budget.lines++
    const { suppressed } = budget
    budget.suppressed = 0
    return suppressed
  }
}

/** Two registers, as the packet carried them; one of value 0 is left out. */
function wide(high: PacketIn['fields']['reg12'], low: PacketIn['fields']['reg12']): bigint {
  const number = (value: typeof high) => (typeof value === 'number' ? BigInt(value) : 0n)
  return (number(high) << 32n) | number(low)
}

const protocolNames: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' }

/** Only the head of the packet is there; what cannot be read is left out. */
function endsOf(bytes: Buffer): Readonly<Record<string, string | number>> {
  try {
    const packet = parsePacket(bytes)
    const ip = findLayer(packet, 'ipv4') ?? findLayer(packet, 'ipv6')
    if (ip === undefined) return {}
    const number = (ip.kind === 'ipv4' ? ip.protocol : ip.nextHeader) ?? 0
    const ports = findLayer(packet, 'tcp') ?? findLayer(packet, 'udp')
    return {
      source: ip.source,
      destination: ip.destination,
      protocol: protocolNames[number] ?? number,
      ...(ports === undefined ? {} : { sourcePort: ports.sourcePort, destinationPort: ports.destinationPort }),
    }
  } catch (error) {
    if (error instanceof NetpluginError && error.kind === 'protocol') return {}
    throw error
  }
}
