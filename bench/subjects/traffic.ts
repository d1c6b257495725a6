// Packets: throughput, latency and connection set-up between two containers on our network, against two containers on a
// plain bridge of the same Open vSwitch; on one host, and between two.

import type { TestLab } from '../../test/support/lab.ts'
import { type Benchmark, interleaved, measureInside, network } from '../bench.ts'
import type { ConnectionTimes } from '../inside/connections.ts'
import { median, pairedRatio, type Row, spread } from '../result.ts'
import { makeBridge, plug, removeBridge } from './plain-switch.ts'

/** A client on node1 and the server that it talks to. */
export interface Pair {
  readonly clientPid: string
  readonly address: string
}

const rounds = 9
const streamSeconds = 1
const pings = 150
const connections = 200
export const echoPort = 7000
const serverCommand = `sh -c "iperf3 -s & exec socat TCP-LISTEN:${echoPort},fork,reuseaddr PIPE"`

export const traffic: Benchmark = {
  name: 'traffic',
  about: 'throughput, latency and connection set-up, against a plain Open vSwitch bridge',
  async run(lab) {
    return [...(await compare(lab, 'node1', 'one host')), ...(await compare(lab, 'node2', 'two hosts, VXLAN'))]
  },
}

/** Measures from node1 to a server on the given host. */
async function compare(lab: TestLab, serverHost: string, where: string): Promise<Row[]> {
  const ours = await startPair(lab, serverHost, { client: network.name, server: network.name }, 'ours')
  const mtu = Number(await lab.execOk('node1', `nsenter -t ${ours.clientPid} -n cat /sys/class/net/eth0/mtu`))
  const plain = await startPlainPair(lab, serverHost, mtu)
  const streams = await interleaved(rounds, {
    ours: () => throughput(lab, ours),
    plain: () => throughput(lab, plain),
  })
  const echoes = await interleaved(2, { ours: () => latencies(lab, ours), plain: () => latencies(lab, plain) })
  const opened = await interleaved(2, { ours: () => open(lab, ours), plain: () => open(lab, plain) })
  await lab.execOk('node1', 'docker rm -f ours-client plain-client')
  await lab.execOk(serverHost, 'docker rm -f ours-server plain-server')
  for (const host of new Set(['node1', serverHost])) await removeBridge(lab, host)

  const name = 'plain Open vSwitch bridge'
  const connects = (times: readonly ConnectionTimes[]) => spread(times.flatMap(({ connect }) => connect))
  return [
    {
      what: `one TCP stream, ${where}`,
      unit: 'Gbit/s',
      ours: median(streams.ours),
      peer: { name, ...median(streams.plain), ratio: pairedRatio(streams.ours, streams.plain) },
      goal: { of: 'ratio', atLeast: 0.95 },
    },
    {
      what: `ping, ${where}`,
      unit: 'ms',
      ours: spread(echoes.ours.flat()),
      peer: { name, ...spread(echoes.plain.flat()) },
    },
    {
      what: `new TCP connection, ${where}`,
      unit: 'ms',
      ours: connects(opened.ours),
      peer: { name, ...connects(opened.plain) },
    },
  ]
}

/** `nets`: Docker networks; `serverOptions`: of its `docker run`. */
export async function startPair(
  lab: TestLab,
  serverHost: string,
  nets: { readonly client: string; readonly server: string },
  name: string,
  serverOptions = '',
): Promise<Pair> {
  await lab.execOk('node1', `docker run -d --name=${name}-client --net=${nets.client} netlab/tools sleep 600`)
  await lab.execOk(
    serverHost,
    `docker run -d --name=${name}-server ${serverOptions} --net=${nets.server} netlab/tools ${serverCommand}`,
  )
  const clientPid = await inspect(lab, 'node1', `${name}-client`, '{{.State.Pid}}')
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  return { clientPid, address: await inspect(lab, serverHost, `${name}-server`, format) }
}

async function startPlainPair(lab: TestLab, serverHost: string, mtu: number): Promise<Pair> {
  const { clientPid } = await startPair(lab, serverHost, { client: 'none', server: 'none' }, 'plain')
  const serverPid = await inspect(lab, serverHost, 'plain-server', '{{.State.Pid}}')
  if (serverHost === 'node1') await makeBridge(lab, 'node1')
  else {
    await makeBridge(lab, 'node1', await tunnelEnd(lab, serverHost))
    await makeBridge(lab, serverHost, await tunnelEnd(lab, 'node1'))
  }
  const server = { pid: serverPid, address: '20.2.0.2', mtu }
  await plug(lab, 'node1', { pid: clientPid, address: '20.2.0.1', mtu })
  await plug(lab, serverHost, server)
  return { clientPid, address: server.address }
}

async function inspect(lab: TestLab, host: string, container: string, format: string): Promise<string> {
  return (await lab.execOk(host, ['docker', 'inspect', '-f', format, container])).trim()
}

/** The host's address on the data network, as the switch routes to it. */
async function tunnelEnd(lab: TestLab, host: string): Promise<string> {
  const found = await lab.execOk(host, 'ip -4 -o address show to 10.78.0.0/24')
  return /inet ([\d.]+)/.exec(found)?.[1] ?? ''
}

/** Gbit/s that arrived. */
export async function throughput(lab: TestLab, { clientPid, address }: Pair): Promise<number> {
  const command = `nsenter -t ${clientPid} -n iperf3 -c ${address} -t ${streamSeconds} -J`
  const report: { end: { sum_received: { bits_per_second: number } } } = JSON.parse(await lab.execOk('node1', command))
  return report.end.sum_received.bits_per_second / 1e9
}

/** Milliseconds of each echo. */
async function latencies(lab: TestLab, { clientPid, address }: Pair): Promise<number[]> {
  const output = await lab.execOk('node1', `nsenter -t ${clientPid} -n ping -i 0.01 -c ${pings} ${address}`)
  return [...output.matchAll(/time=([\d.]+)/g)].map(([, ms]) => Number(ms))
}

export function open(lab: TestLab, { clientPid, address }: Pair): Promise<ConnectionTimes> {
  const prefix = ['nsenter', '-t', clientPid, '-n']
  return measureInside<ConnectionTimes>(lab, 'node1', 'connections', [address, echoPort, connections], prefix)
}
