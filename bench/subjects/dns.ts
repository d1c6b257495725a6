// Names: how many answers a host gives to its containers, and how long one takes; through the switch, against Docker's
// own resolver for a bridge network.

import { type Container, startContainers } from '../../test/support/containers.ts'
import type { TestLab } from '../../test/support/lab.ts'
import { type Benchmark, interleaved, measureInside, network } from '../bench.ts'
import type { DnsTimes } from '../inside/dns.ts'
import { median, pairedRatio, quantile } from '../result.ts'

/** Together they ask more than the goal, each less than the limit of one container (5,000 a second). */
const askers = 6
const rateEach = 4_700
const seconds = 3
const rounds = 3
const calmRate = 2_000
const bridge = 'bench-bridge'
const dockersOwn = '127.0.0.11'

export const dns: Benchmark = {
  name: 'dns',
  about: `names of containers: answers of one host to ${askers} containers, and the time to one answer`,
  async run(lab) {
    await lab.execOk('node1', `docker network create ${bridge}`)
    const command = ['sleep', '600']
    const on = (name: string, host: string, net: string) => ({ name, host, network: net, command }) as const
    const all = await startContainers(lab, [
      ...Array.from({ length: askers }, (_, index) => on(`asker${index}`, 'node1', network.name)),
      on('asked', 'node2', network.name),
      on('bridge-asker', 'node1', bridge),
      on('bridge-asked', 'node1', bridge),
    ])
    const ours = all.slice(0, askers)
    const [first, bridged] = [ours[0], all[askers + 1]]
    if (first === undefined || bridged === undefined) throw new RangeError('there are no containers')
    await lab.until('the name to be known', async () => {
      return (await ask(lab, first, network.gateway, 'asked', 10, 1, 'one')).answered > 0 || undefined
    })
    const loads: DnsTimes[][] = []
    for (let round = 0; round < rounds; round++) {
      const asking = ours.map((from) => ask(lab, from, network.gateway, 'asked', rateEach, seconds, 'one'))
      loads.push(await Promise.all(asking))
    }
    const calm = (from: Container, server: string, name: string) => () =>
      ask(lab, from, server, name, calmRate, seconds, 'each')
    const calmly = await interleaved(rounds, {
      ours: calm(first, network.gateway, 'asked'),
      docker: calm(bridged, dockersOwn, 'bridge-asked'),
    })
    await lab.execOk('node1', `docker rm -f ${[...ours, bridged].map(({ name }) => name).join(' ')} bridge-asked`)
    await lab.execOk('node2', 'docker rm -f asked')
    await lab.execOk('node1', `docker network rm ${bridge}`)
    const totals = loads.map((round) => round.reduce((sum, { answered }) => sum + answered, 0))
    const lost = loads.map((round) => round.reduce((sum, times) => sum + times.lost / round.length, 0) * 100)
    const at = (share: number, times: readonly DnsTimes[]) => times.map(({ waits }) => quantile(waits, share))
    const name = "Docker's resolver"
    const asMany = `at ${calmRate / 1_000}k/s`
    return [
      {
        what: `answers, ${(askers * rateEach) / 1_000}k/s asked by ${askers} containers`,
        unit: '1/s',
        ours: median(totals),
        goal: { of: 'value', atLeast: 20_000 },
      },
      { what: 'of these questions not answered', unit: '%', ours: median(lost) },
      {
        what: `one answer ${asMany}, median`,
        unit: 'ms',
        ours: median(at(0.5, calmly.ours)),
        peer: {
          name,
          ...median(at(0.5, calmly.docker)),
          ratio: pairedRatio(at(0.5, calmly.ours), at(0.5, calmly.docker)),
        },
      },
      {
        what: `one answer ${asMany}, 99th percentile`,
        unit: 'ms',
        ours: median(at(0.99, calmly.ours)),
        peer: {
          name,
          ...median(at(0.99, calmly.docker)),
          ratio: pairedRatio(at(0.99, calmly.ours), at(0.99, calmly.docker)),
        },
        goal: { of: 'value', atMost: 2 },
      },
    ]
  },
}

function ask(
  lab: TestLab,
  from: Container,
  server: string,
  name: string,
  rate: number,
  forSeconds: number,
  ports: 'one' | 'each',
): Promise<DnsTimes> {
  const inside = ['nsenter', '-t', String(from.pid), '-n']
  return measureInside<DnsTimes>(lab, from.host, 'dns', [server, name, rate, forSeconds, ports], inside)
}
