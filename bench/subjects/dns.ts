// Names: how many answers a host gives to its containers, what one costs, and how long one takes; through the switch,
// against Docker's own resolver for a bridge network, and against a program in a container that only sends back.

import { fileURLToPath } from 'node:url'
import { pidFileOf } from '../../src/netnames/control.ts'
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
/** Time for the programs that ask to start. */
const aheadMs = 4_000
const echoProgram = fileURLToPath(new URL('../inside/echo.ts', import.meta.url))
const pidFile = pidFileOf('/run/netplugin/netplugin-names.sock')

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
      on('echo', 'node1', network.name),
      on('bridge-asker', 'node1', bridge),
      on('bridge-asked', 'node1', bridge),
    ])
    const ours = all.slice(0, askers)
    const [first, echo, bridged] = [ours[0], all[askers + 1], all[askers + 2]]
    if (first === undefined || echo === undefined || bridged === undefined)
      throw new RangeError('there are no containers')
    const echoing = lab.spawn('node1', ['nsenter', '-t', `${echo.pid}`, '-n', process.execPath, echoProgram, echo.ipv4])
    await lab.until('the echo to answer', async () => {
      return (await ask(lab, first, echo.ipv4, 'asked', 10, 1, 'one')).answered > 0 || undefined
    })
    await lab.until('the name to be known', async () => {
      return (await ask(lab, first, network.gateway, 'asked', 10, 1, 'one')).answered > 0 || undefined
    })
    const loads: DnsTimes[][] = []
    const costs: number[] = []
    for (let round = 0; round < rounds; round++) {
      const [before, at] = [await namesCpuMs(lab), Date.now() + aheadMs]
      const asking = ours.map((from) => ask(lab, from, network.gateway, 'asked', rateEach, seconds, 'one', at))
      const times = await Promise.all(asking)
      loads.push(times)
      // They ask for half a second more than they count.
      const answers = total(times) * (seconds + 0.5)
      costs.push((((await namesCpuMs(lab)) - before) * 1000) / answers)
    }
    const calm = (from: Container, server: string, name: string) => () =>
      ask(lab, from, server, name, calmRate, seconds, 'each')
    const calmly = await interleaved(rounds, {
      ours: calm(first, network.gateway, 'asked'),
      docker: calm(bridged, dockersOwn, 'bridge-asked'),
      echo: calm(first, echo.ipv4, 'asked'),
    })
    echoing.kill()
    await lab.execOk('node1', `docker rm -f ${[...ours, echo, bridged].map(({ name }) => name).join(' ')} bridge-asked`)
    await lab.execOk('node2', 'docker rm -f asked')
    await lab.execOk('node1', `docker network rm ${bridge}`)
    const lost = loads.map((round) => round.reduce((sum, times) => sum + times.lost / round.length, 0) * 100)
    const at = (share: number, times: readonly DnsTimes[]) => times.map(({ waits }) => quantile(waits, share))
    const against = (name: string, share: number, theirs: readonly DnsTimes[]) => {
      const [mine, other] = [at(share, calmly.ours), at(share, theirs)]
      return { unit: 'ms', ours: median(mine), peer: { name, ...median(other), ratio: pairedRatio(mine, other) } }
    }
    const asMany = `at ${calmRate / 1_000}k/s`
    return [
      {
        what: `answers, ${askers} containers ask ${(askers * rateEach) / 1_000}k/s at most`,
        unit: '1/s',
        ours: median(loads.map(total)),
        goal: { of: 'value', atLeast: 20_000 },
      },
      { what: 'of these questions not answered', unit: '%', ours: median(lost) },
      { what: 'processor time of netnames for one of these answers', unit: 'µs', ours: median(costs) },
      { ...against("Docker's resolver", 0.5, calmly.docker), what: `one answer ${asMany}, median` },
      {
        ...against("Docker's resolver", 0.99, calmly.docker),
        what: `one answer ${asMany}, 99th percentile`,
        goal: { of: 'value', atMost: 2 },
      },
      { ...against('an echo', 0.5, calmly.echo), what: 'one answer, median, and the way alone' },
      { ...against('an echo', 0.99, calmly.echo), what: 'one answer, 99th percentile, and the way alone' },
    ]
  },
}

function total(times: readonly DnsTimes[]): number {
  return times.reduce((sum, { answered }) => sum + answered, 0)
}

async function namesCpuMs(lab: TestLab): Promise<number> {
  // User and system time, in hundredths of a second; no spaces in the name before them.
  const [user, system] = (await lab.execOk('node1', `cut -d' ' -f14,15 /proc/$(cat ${pidFile})/stat`)).split(' ')
  return (Number(user) + Number(system)) * 10
}

function ask(
  lab: TestLab,
  from: Container,
  server: string,
  name: string,
  rate: number,
  forSeconds: number,
  ports: 'one' | 'each',
  at = 0,
): Promise<DnsTimes> {
  const inside = ['nsenter', '-t', String(from.pid), '-n']
  return measureInside<DnsTimes>(lab, from.host, 'dns', [server, name, rate, forSeconds, ports, at], inside)
}
