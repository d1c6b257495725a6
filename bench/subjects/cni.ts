// A container attached by CNI, from the start of the executable to its end, in turn with Debian's bridge plugin.

import { shim } from '../../test/support/cni.ts'
import type { TestLab } from '../../test/support/lab.ts'
import { type Benchmark, measureInside, network } from '../bench.ts'
import type { CniTimes } from '../inside/cni.ts'
import { type Figures, median, pairedRatio, quantile, type Row, spread } from '../result.ts'

const rounds = 60
const atOnce = 100
const group = 'cni-bench'
const ruleCount = 1_000
const member = 'cni-bench-member'

export const cni: Benchmark = {
  name: 'cni',
  about: `ADD and DEL of CNI into a group of ${ruleCount} rules, in turn with Debian's bridge and host-local`,
  async run(lab) {
    await makePolicy(lab)
    const executable = await shim()
    const measure = (count: number, mode: string) =>
      measureInside<CniTimes>(lab, 'node1', 'cni', [executable, network.name, group, count, mode])
    // As in a daemon that has run for a while. Each time the rules come to the host with its only member, and go with it.
    const alone = await measure(15, 'turns')
    await lab.execOk('node1', `docker run -d --name=${member} --net=${group}.${network.name} netlab/tools sleep 600`)
    const { add, del } = await measure(rounds, 'turns')
    const four = await measure(atOnce, 'four')
    const bridges = await measure(atOnce, 'four-bridge')
    await lab.execOk('node1', `docker rm -f ${member}`)
    await removePolicy(lab)
    const against = (calls: CniTimes['add'], subject: 'bridge' | 'masquerade', name: string) => ({
      name,
      ...spread(calls[subject]),
      ratio: pairedRatio(calls.ours, calls[subject]),
    })
    const perSecond = (ms: number) => median([(atOnce * 1000) / ms])
    return [
      {
        what: 'ADD',
        unit: 'ms',
        ours: spread(add.ours),
        peer: against(add, 'bridge', 'bridge + host-local'),
        goal: { of: 'ratio', atMost: 1 },
      },
      worst(add),
      {
        what: 'ADD',
        unit: 'ms',
        ours: spread(add.ours),
        peer: against(add, 'masquerade', 'the same with ipMasq'),
        goal: { of: 'ratio', atMost: 0.5 },
      },
      {
        what: 'DEL',
        unit: 'ms',
        ours: spread(del.ours),
        peer: against(del, 'bridge', 'bridge + host-local'),
        goal: { of: 'ratio', atMost: 0.6 },
      },
      {
        what: 'ADD, 4 in parallel',
        unit: '1/s',
        ours: perSecond(four.addTotal),
        peer: { name: 'bridge + host-local', ...perSecond(bridges.addTotal) },
        goal: { of: 'value', atLeast: 100 },
      },
      {
        what: 'DEL, 4 in parallel',
        unit: '1/s',
        ours: perSecond(four.delTotal),
        peer: { name: 'bridge + host-local', ...perSecond(bridges.delTotal) },
      },
      { what: `ADD of the group's first member on the host`, unit: 'ms', ours: spread(alone.add.ours) },
    ]
  },
}

function worst({ ours, bridge }: CniTimes['add']): Row {
  const p99 = (samples: readonly number[]): Figures => ({ p50: quantile(samples, 0.99) })
  return {
    what: 'ADD, 99th percentile',
    unit: 'ms',
    ours: p99(ours),
    peer: { name: 'bridge + host-local', ...p99(bridge) },
    goal: { of: 'ratio', atMost: 1.5 },
  }
}

async function makePolicy(lab: TestLab): Promise<void> {
  await measureInside(lab, 'node1', 'cni', ['', network.name, group, ruleCount, 'rules'])
  await lab.execOk('node1', `netctl group create -p ${group} ${network.name} ${group}`)
}

async function removePolicy(lab: TestLab): Promise<void> {
  await lab.execOk('node1', `netctl group rm ${group} && netctl policy rm ${group}`)
}
