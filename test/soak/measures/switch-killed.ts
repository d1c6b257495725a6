// R2: ovs-vswitchd is killed with the flows of 10,000 rules in it. Beside it a bare switch with as many flows of its own, which are
// given to it from a file as soon as it is there again: what nobody can be faster than.

import { manyRule, putAll, tenantName } from '../../../bench/inside/policy-rules.ts'
import { makeBridge, plug } from '../../../bench/subjects/plain-switch.ts'
import { hostInventory } from '../../support/inventory.ts'
import { type TestLab, withLab } from '../../support/lab.ts'
import { LabNetmaster, namespaceOf } from '../../support/policy-lab.ts'
import { betweenContainers, type PairTraffic, startTraffic, type TrafficReport } from '../../support/traffic-stream.ts'
import { guard } from '../cluster.ts'
import { startAgain } from '../programs.ts'
import type { Measuring } from './measuring.ts'

const rules = 10_000
const rounds = 3
const policyName = 'many'

export async function switchKilled(measuring: Measuring): Promise<void> {
  const { lab, cluster, measured } = measuring
  const netmaster = await LabNetmaster.connect(lab)
  try {
    await putAll(netmaster.client, policyName, rules)
    const group = { tenantName, groupName: policyName, networkName: guard.network, policies: [policyName] }
    await netmaster.client.endpointGroups.put(`${tenantName}:${policyName}`, group)
    const network = `${policyName}.${guard.network}`
    await cluster.untilNetworks([network])
    const client = await cluster.start('node1', guard.network)
    const servers = [await cluster.start('node1', network), await cluster.start('node2', network)]
    const pairs = servers.map((server) => betweenContainers(lab, server.host, client, server))
    await netmaster.untilEnforced()
    const flows = async () => (await hostInventory(lab, 'node1')).flows
    const before = await flows()
    if (before.length < rules) throw new Error(`${rules} rules gave ${before.length} flows only`)
    for (let round = 0; round < rounds; round++) {
      const report = await killSwitch(lab, 'node1', pairs, async () => {
        const same = async () => difference(before, await flows()) === 0 || undefined
        await lab.until('the same flows', same, 30_000).catch(() => {})
      })
      measured.add('switchBack', longestSilence(report))
      measured.add('flowsDiffer', difference(before, await flows()))
    }
    for (const { name } of [client, ...servers]) await cluster.stop(name)
  } finally {
    await removeRules(netmaster)
    netmaster.close()
  }
  const bare = await bareSwitch(lab.name)
  measured.compare('switchBack', `bare switch with as many: ${bare.map((each) => each.toFixed(2)).join(', ')} s`)
}

/** Seconds of each round. */
async function bareSwitch(name: string): Promise<readonly number[]> {
  const without = ['docker', 'netmaster', 'netplugin', 'images']
  return withLab({ name: `${name}bare`, hosts: 1, without }, async (lab) => {
    const host = 'node1'
    await makeBridge(lab, host)
    await lab.execOk(host, 'ovs-vsctl set-fail-mode bench-plain secure')
    const file = '/tmp/flows'
    const lines = Array.from({ length: rules }, (_, index) => {
      const { fromIpAddress, port } = manyRule(policyName, index)
      return `priority=10,tcp,nw_src=${fromIpAddress},tp_dst=${port},actions=NORMAL`
    })
    await lab.execOk(host, ['sh', '-c', `cat > ${file}`], { input: ['priority=0,actions=NORMAL', ...lines].join('\n') })
    const give = () => lab.execOk(host, `ovs-ofctl --bundle replace-flows bench-plain ${file}`)
    await give()
    const seats = await Promise.all(
      ['20.2.0.1', '20.2.0.2'].map(async (address) => {
        const pid = Number(await lab.execOk(host, 'unshare -n sleep 1d >/dev/null 2>&1 & echo $!'))
        return { address, pid, namespace: namespaceOf(lab, { host, pid }) }
      }),
    )
    const [client, server] = seats
    if (client === undefined || server === undefined) throw new Error('a bare switch needs two namespaces')
    for (const { address, pid } of [client, server]) await plug(lab, host, { pid: String(pid), address, mtu: 1_400 })
    const pairs = [{ name: 'bare', client: client.namespace, server: server.namespace, address: server.address }]
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      times.push(longestSilence(await killSwitch(lab, host, pairs, give)))
    }
    return times
  })
}

/** `afterwards`: once it runs again. */
async function killSwitch(
  lab: TestLab,
  host: string,
  pairs: readonly PairTraffic[],
  afterwards: () => Promise<unknown>,
): Promise<TrafficReport> {
  const traffic = await startTraffic(lab, { pairs, packets: 1_000, connections: 0, kept: 0 })
  await lab.kill(host, 'ovs-vswitchd')
  await startAgain(lab, host, 'ovs-vswitchd')
  await afterwards()
  await traffic.more()
  return traffic.stop()
}

function longestSilence(report: TrafficReport): number {
  return Math.max(...report.map(({ silenceMs }) => silenceMs)) / 1_000
}

/** How many lines only one of them has. */
function difference(before: readonly string[], now: readonly string[]): number {
  const [old, found] = [new Set(before), new Set(now)]
  return before.filter((line) => !found.has(line)).length + now.filter((line) => !old.has(line)).length
}

async function removeRules({ client }: LabNetmaster): Promise<void> {
  await client.endpointGroups.remove(`${tenantName}:${policyName}`)
  const keys = (await client.rules.list()).filter((rule) => rule.policyName === policyName).map(({ key }) => key)
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) await client.rules.remove(key)
    }),
  )
  await client.policies.remove(`${tenantName}:${policyName}`)
}
