// From a request to all hosts enforcing it: a policy given to a group and taken from it, one rule changed, without and with
// thousands of others. In force is what netctl --wait waits for: every live node has told netmaster that its switch confirmed
// the bundle.
//
//   node policy-changes.ts NETWORK GROUP ALONE RULES ROUNDS CHANGES      one JSON document; leaves the group with all rules
//
// GROUP has members on all hosts, ALONE on this one only.

import { type Client, createClient } from '../../src/api/client.ts'
import { progressOf, whenApplied } from '../../src/api/when-applied.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { manyRule, putAll, tenantName } from './policy-rules.ts'
import { cpuMs, pidOf } from './process.ts'

/** Milliseconds of each. */
export interface PolicyTimes {
  readonly given: readonly number[]
  /** To the group whose members are all on this host. */
  readonly givenAlone: readonly number[]
  readonly taken: readonly number[]
  /** One rule changed, of few. */
  readonly fewChanged: readonly number[]
  /** One rule changed, of all. */
  readonly manyChanged: readonly number[]
  /** Processor time of this host's netplugin for one of them, in ms. */
  readonly cpu: { readonly givenAndTaken: number; readonly fewChanged: number; readonly manyChanged: number }
}

const [networkName = '', everywhere = '', alone = '', ...numbers] = process.argv.slice(2)
const [rules = 10_000, rounds = 5, changes = 200] = numbers.map(Number)
const few = 10
const warmUp = 100
const netplugin = pidOf('netplugin')
/** A change that takes longer does not come. */
const patienceMs = 15_000

/** Until every live node enforces what netmaster has stored by now. */
async function inForce(client: Client): Promise<void> {
  const lagging = await whenApplied(progressOf(client), { patienceMs, onLag: () => {} }, { clock: systemClock })
  if (lagging.length > 0) throw new Error(`not in force on ${lagging.join(', ')} after ${patienceMs} ms`)
}

async function timed(client: Client, change: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await change()
  await inForce(client)
  return performance.now() - started
}

async function measure(client: Client): Promise<PolicyTimes> {
  const give = (policies: readonly string[], groupName = everywhere) =>
    client.endpointGroups.put(`${tenantName}:${groupName}`, {
      tenantName,
      groupName,
      networkName,
      policies: [...policies],
    })
  const change = (policyName: string, count: number) => async (shift: number) => {
    const rule = manyRule(policyName, (shift * 31) % count, 1 + shift)
    return timed(client, () => client.rules.put(`${tenantName}:${policyName}:${rule.ruleId}`, rule))
  }
  const series = async (one: (shift: number) => Promise<number>) => {
    // The first ones compile code.
    for (let shift = 0; shift < warmUp; shift++) await one(shift)
    const before = cpuMs(netplugin)
    const times: number[] = []
    for (let shift = 0; shift < changes; shift++) times.push(await one(warmUp + shift))
    return { times, cpu: (cpuMs(netplugin) - before) / changes }
  }
  await putAll(client, 'few', few)
  await putAll(client, 'many', rules)
  await give(['few'])
  await inForce(client)
  const ofFew = await series(change('few', few))
  const given: number[] = []
  const taken: number[] = []
  await give(['many'])
  await inForce(client)
  const before = cpuMs(netplugin)
  for (let round = 0; round < rounds; round++) {
    taken.push(await timed(client, () => give([])))
    given.push(await timed(client, () => give(['many'])))
  }
  const givenAndTaken = (cpuMs(netplugin) - before) / rounds
  const givenAlone: number[] = []
  await give([])
  for (let round = 0; round < rounds; round++) {
    givenAlone.push(await timed(client, () => give(['many'], alone)))
    await give([], alone)
    await inForce(client)
  }
  await give(['many'])
  await inForce(client)
  const ofMany = await series(change('many', rules))
  const cpu = { givenAndTaken, fewChanged: ofFew.cpu, manyChanged: ofMany.cpu }
  return { given, givenAlone, taken, fewChanged: ofFew.times, manyChanged: ofMany.times, cpu }
}

const client = createClient({
  baseUrl: process.env.NETMASTER ?? 'http://netmaster:9999',
  insecure: false,
  timeoutMs: patienceMs,
})
try {
  process.stdout.write(JSON.stringify(await measure(client)))
} finally {
  client.close()
}
