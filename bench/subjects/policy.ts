// Policy: how soon a change of rules is in force on all hosts, and what rules cost the traffic that they judge.

import type { TestLab } from '../../test/support/lab.ts'
import { type Benchmark, interleaved, measureInside, network } from '../bench.ts'
import type { ConnectionTimes } from '../inside/connections.ts'
import type { Footprints } from '../inside/footprint.ts'
import type { PolicyTimes } from '../inside/policy-changes.ts'
import type { SwitchTimes } from '../inside/switch-changes.ts'
import { median, pairedRatio, quantile, type Row, spread } from '../result.ts'
import { open, type Pair, startPair, throughput } from './traffic.ts'

const rules = 10_000
const rounds = 5
const changes = 200
const streamRounds = 9
const openRounds = 6
/** Until garbage is collected. */
const restSeconds = 15
const group = 'guarded'
const alone = 'guarded-alone'
const hosts = ['node1', 'node2', 'node3'] as const

export const policy: Benchmark = {
  name: 'policy',
  about: `${rules / 1_000}k rules: how soon they are in force on ${hosts.length} hosts, and what they cost connections`,
  async run(lab) {
    for (const name of [group, alone]) await lab.execOk('node1', `netctl group create ${network.name} ${name}`)
    const net = `${group}.${network.name}`
    for (const host of hosts) {
      await lab.execOk(host, `docker run -d --name=guarded-member --net=${net} netlab/tools sleep 600`)
    }
    const lonely = `docker run -d --name=guarded-alone --net=${alone}.${network.name} netlab/tools sleep 600`
    await lab.execOk('node1', lonely)
    // All hosts at once, as a change comes to all.
    const bare = hosts.map((host) => measureInside<SwitchTimes>(lab, host, 'switch-changes', [changes]))
    const switches = (await Promise.all(bare)).flatMap(({ changed }) => changed)
    const sizes = [network.name, group, alone, rules, rounds, changes]
    const times = await measureInside<PolicyTimes>(lab, 'node1', 'policy-changes', sizes)
    const traffic = [
      ...(await compare(lab, 'node1', 'one host', net)),
      ...(await compare(lab, 'node2', 'two hosts, VXLAN', net)),
    ]
    const { netplugin } = await measureInside<Footprints>(lab, 'node1', 'footprint', [restSeconds])
    for (const host of hosts) await lab.execOk(host, 'docker rm -f guarded-member')
    await lab.execOk('node1', 'docker rm -f guarded-alone')
    const cpu = (what: string, ms: number): Row => ({
      what: `  processor time of a netplugin, ${what}`,
      unit: 'ms',
      ours: median([ms]),
    })
    const atMost = (ms: number) => ({ of: 'value', atMost: ms }) as const
    const thousands = `${rules / 1_000}k`
    return [
      {
        what: `${thousands} rules given to a group of one host`,
        unit: 'ms',
        ours: spread(times.givenAlone),
        goal: atMost(500),
      },
      // The hosts of the lab share the processors of one machine.
      { what: `${thousands} rules given to a group of ${hosts.length} hosts`, unit: 'ms', ours: spread(times.given) },
      { what: `${thousands} rules taken from it`, unit: 'ms', ours: spread(times.taken) },
      cpu('given and taken', times.cpu.givenAndTaken),
      {
        what: `two flows changed in ${hosts.length} switches at once, nothing else`,
        unit: 'ms',
        ours: spread(switches),
      },
      { what: 'one rule of 10 changed', unit: 'ms', ours: spread(times.fewChanged), goal: atMost(15) },
      cpu('each change', times.cpu.fewChanged),
      { what: `one rule of ${thousands} changed`, unit: 'ms', ours: spread(times.manyChanged), goal: atMost(15) },
      cpu('each change', times.cpu.manyChanged),
      {
        what: `netplugin with ${thousands} rules, resident memory at rest`,
        unit: 'MiB',
        ours: median([netplugin.residentMiB]),
        goal: atMost(250),
      },
      { what: '  at its largest, of all the above', unit: 'MiB', ours: median([netplugin.peakMiB]) },
      ...traffic,
    ]
  },
}

/** From node1 to a server of the group and to one of no group, on the given host. */
async function compare(lab: TestLab, serverHost: string, where: string, net: string): Promise<Row[]> {
  const guarded = await startPair(lab, serverHost, { client: network.name, server: net }, 'guarded')
  const free = await startPair(lab, serverHost, { client: network.name, server: network.name }, 'free')
  const each = <T>(of: (pair: Pair) => Promise<T>) => ({ guarded: () => of(guarded), free: () => of(free) })
  const streams = await interleaved(
    streamRounds,
    each((pair) => throughput(lab, pair)),
  )
  const opened = await interleaved(
    openRounds,
    each((pair) => open(lab, pair)),
  )
  await lab.execOk('node1', 'docker rm -f guarded-client free-client')
  await lab.execOk(serverHost, 'docker rm -f guarded-server free-server')
  const name = 'no policy'
  const medians = (times: readonly ConnectionTimes[]) => times.map(({ connect }) => quantile(connect, 0.5))
  const all = (times: readonly ConnectionTimes[]) => spread(times.flatMap(({ connect }) => connect))
  return [
    {
      what: `new TCP connection judged by ${rules / 1_000}k rules, ${where}`,
      unit: 'ms',
      ours: all(opened.guarded),
      peer: { name, ...all(opened.free), ratio: pairedRatio(medians(opened.guarded), medians(opened.free)) },
      goal: { of: 'ratio', atMost: 1.1 },
    },
    {
      what: `one TCP stream with policy, ${where}`,
      unit: 'Gbit/s',
      ours: median(streams.guarded),
      peer: { name, ...median(streams.free), ratio: pairedRatio(streams.guarded, streams.free) },
      goal: { of: 'ratio', atLeast: 0.95 },
    },
  ]
}
