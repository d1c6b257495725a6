// R1: traffic within a host and between two, while what programs it is killed, and restarted in an orderly way. The same traffic for
// as long with nothing killed is what the switch and the machine lose by themselves.

import {
  betweenContainers,
  fullRate,
  startTraffic,
  type Traffic,
  type TrafficReport,
} from '../../support/traffic-stream.ts'
import { guard } from '../cluster.ts'
import { startAgain } from '../programs.ts'
import type { Measuring } from './measuring.ts'

/** An agent that was started has looked at everything by then. */
const packetsBetween = 2_000

export async function restarts({ lab, cluster, measured }: Measuring): Promise<void> {
  const guarded = `${guard.group}.${guard.network}`
  const client = await cluster.start('node1', guard.network)
  const pairs = [
    betweenContainers(lab, 'within a host', client, await cluster.start('node1', guarded)),
    betweenContainers(lab, 'between hosts', client, await cluster.start('node2', guarded)),
  ]
  const under = async (work: (traffic: Traffic) => Promise<void>): Promise<TrafficReport> => {
    const traffic = await startTraffic(lab, { pairs, ...fullRate })
    await work(traffic)
    return traffic.stop()
  }
  const killed = await under(async (traffic) => {
    for (const signal of ['KILL', 'TERM']) {
      for (const [host, program] of [
        ['node1', 'netplugin'],
        ['node2', 'netplugin'],
        ['node1', 'netmaster'],
      ] as const) {
        await lab.kill(host, program, signal)
        await traffic.more()
        await startAgain(lab, host, program)
        await traffic.more(packetsBetween)
      }
    }
    const masters = ['node1', 'node2', 'node3']
    for (const host of masters) await lab.kill(host, 'netmaster')
    await traffic.more(packetsBetween)
    await Promise.all(masters.map((host) => startAgain(lab, host, 'netmaster')))
    await traffic.more(packetsBetween)
  })
  const sent = Math.max(...killed.map((pair) => pair.sent))
  const calm = await under((traffic) => traffic.more(sent))
  measured.add('lost', lost(killed))
  measured.add('broken', broken(killed).length)
  measured.compare('lost', `${rate(killed)}; without faults ${lost(calm)} of ${sum(calm, 'sent')}`)
  measured.compare('broken', `without faults ${broken(calm).length} of ${sum(calm, 'tried')}`)
  for (const reason of new Set(broken(killed))) measured.compare('broken', reason)
}

/** The lab shares its processors with those who send. */
function rate(report: TrafficReport): string {
  return `${report.map(({ perSecond }) => perSecond.toFixed(0)).join(' and ')} sent a second`
}

function lost(report: TrafficReport): number {
  return report.reduce((count, pair) => count + pair.lost.length, 0)
}

function broken(report: TrafficReport): readonly string[] {
  return report.flatMap(({ refused, cut }) => [...refused, ...cut])
}

function sum(report: TrafficReport, of: 'sent' | 'tried'): number {
  return report.reduce((count, pair) => count + pair[of], 0)
}
