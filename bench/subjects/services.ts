// Services: how soon many of them are in the switch, and what a connection through one costs.

import type { TestLab } from '../../test/support/lab.ts'
import { type Benchmark, interleaved, measureInside, network } from '../bench.ts'
import type { ConnectionTimes } from '../inside/connections.ts'
import type { ServiceTimes } from '../inside/services.ts'
import { median, pairedRatio, quantile, type Row, spread } from '../result.ts'
import { echoPort, open, type Pair, startPair, throughput } from './traffic.ts'

const count = 1_000
const providers = 10
const rounds = 5
const openRounds = 8
const streamRounds = 7
const label = 'bench=service'

export const services: Benchmark = {
  name: 'services',
  about: `${count} services of ${providers} providers set up in one bundle; a connection through a service, against a direct one`,
  async run(lab) {
    const times = await measureInside<ServiceTimes>(lab, 'node1', 'services', [count, providers, rounds])
    const size = `${count} services x ${providers} providers`
    return [
      { what: `${size}: worked out from nothing`, unit: 'ms', ours: spread(times.worked) },
      { what: `  flows and groups`, unit: '', ours: median([times.modifications]) },
      {
        what: `${size}: into the switch, one bundle`,
        unit: 'ms',
        ours: spread(times.set),
        goal: { of: 'value', atMost: 1_000 },
      },
      { what: `${size}: one provider gone, worked out`, unit: 'ms', ours: spread(times.changed) },
      { what: `  into the switch`, unit: 'ms', ours: spread(times.reset), goal: { of: 'value', atMost: 100 } },
      ...(await compare(lab, 'node1', 'one host')),
      ...(await compare(lab, 'node2', 'two hosts, VXLAN')),
    ]
  },
}

/** From node1 to a server on the given host: by its own address, and another such server by that of a service. */
async function compare(lab: TestLab, serverHost: string, where: string): Promise<Row[]> {
  const nets = { client: network.name, server: network.name }
  const direct = await startPair(lab, serverHost, nets, 'direct')
  const { clientPid } = await startPair(lab, serverHost, nets, 'served', `--label ${label}`)
  const ports = [echoPort, 5201].map((port) => `--port ${port}:${port}:tcp`).join(' ')
  await lab.execOk('node1', `netctl service create bench --network ${network.name} --selector ${label} ${ports}`)
  const { Oper } = JSON.parse(await lab.execOk('node1', 'netctl service inspect bench'))
  const served: Pair = { clientPid, address: Oper.serviceVip }
  const each = <T>(of: (pair: Pair) => Promise<T>) => ({ served: () => of(served), direct: () => of(direct) })
  const opened = await interleaved(
    openRounds,
    each((pair) => open(lab, pair)),
  )
  const streams = await interleaved(
    streamRounds,
    each((pair) => throughput(lab, pair)),
  )
  await lab.execOk('node1', 'netctl service rm bench; docker rm -f direct-client served-client')
  await lab.execOk(serverHost, 'docker rm -f direct-server served-server')
  const name = 'direct'
  const medians = (times: readonly ConnectionTimes[]) => times.map(({ connect }) => quantile(connect, 0.5))
  const all = (times: readonly ConnectionTimes[]) => spread(times.flatMap(({ connect }) => connect))
  return [
    {
      what: `new TCP connection through a service, ${where}`,
      unit: 'ms',
      ours: all(opened.served),
      peer: { name, ...all(opened.direct), ratio: pairedRatio(medians(opened.served), medians(opened.direct)) },
      goal: { of: 'ratio', atMost: 1.15 },
    },
    {
      what: `one TCP stream through a service, ${where}`,
      unit: 'Gbit/s',
      ours: median(streams.served),
      peer: { name, ...median(streams.direct), ratio: pairedRatio(streams.served, streams.direct) },
    },
  ]
}
