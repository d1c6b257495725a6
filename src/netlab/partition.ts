// Network partitions: frames between two machines are dropped in the underlay's bridges, in both directions.

import { NetpluginError } from '../lib/errors.ts'
import { findMachine, type Lab } from './lab.ts'
import { insideEnvironment, mustRunInside } from './namespace.ts'
import { findHost, type LabPlan, underlayName, underlayPort } from './plan.ts'
import { type LabState, type Partition, writeState } from './state.ts'

/** Sets the partitions of a lab, replacing those there were. Returns the state as saved. */
export async function setPartitions(
  lab: Lab,
  partitions: readonly Partition[],
  signal: AbortSignal,
): Promise<LabState> {
  const underlay = findMachine(lab, underlayName)
  const environment = insideEnvironment(lab.context.environment, underlayName)
  const input = partitionRules(lab.context.plan, partitions)
  await mustRunInside(underlay, ['nft', '-f', '-'], { environment, input }, signal)
  const state = { ...lab.state, partitions }
  writeState(lab.context.directory.stateFile, state)
  return state
}

/** The whole nftables table, in a form that replaces an older one in one transaction. */
export function partitionRules(plan: LabPlan, partitions: readonly Partition[]): string {
  const chains: Record<'forward' | 'input' | 'output', string[]> = { forward: [], input: [], output: [] }
  for (const { a, b, links } of partitions) {
    if (a === b) throw new NetpluginError('invalid', 'PARTITION_SELF', `${a} cannot be parted from itself`)
    const [other, underlay] = a === underlayName ? [b, true] : [a, b === underlayName]
    if (underlay) {
      chains.input.push(`iifname ${ports(plan, other, links)} drop`)
      chains.output.push(`oifname ${ports(plan, other, links)} drop`)
    } else {
      const [left, right] = [ports(plan, a, links), ports(plan, b, links)]
      chains.forward.push(`iifname ${left} oifname ${right} drop`, `iifname ${right} oifname ${left} drop`)
    }
  }
  const body = Object.entries(chains).map(
    ([hook, rules]) => `chain ${hook} {\ntype filter hook ${hook} priority 0;\n${rules.join('\n')}\n}\n`,
  )
  return `table bridge netlab\ndelete table bridge netlab\ntable bridge netlab {\n${body.join('')}}\n`
}

function ports(plan: LabPlan, name: string, links: Partition['links']): string {
  const host = findHost(plan, name)
  const numbers = { control: [0], data: host.uplinks.map((_, index) => index + 1) }
  const chosen = links === 'both' ? [...numbers.control, ...numbers.data] : numbers[links]
  return `{ ${chosen.map((number) => `"${underlayPort(host.index, number)}"`).join(', ')} }`
}
