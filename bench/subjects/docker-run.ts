// What a container costs its user: `docker run` on our network against Docker's own.

import { type Benchmark, measureInside, network } from '../bench.ts'
import { pairedRatio, spread } from '../result.ts'

const rounds = 15
const ownBridge = 'bench-bridge'

export const dockerRun: Benchmark = {
  name: 'docker-run',
  about: "docker run --rm busybox true, against Docker's bridge networks",
  async run(lab) {
    await lab.execOk('node1', `docker network create ${ownBridge}`)
    const networks = [network.name, 'bridge', ownBridge, 'none']
    const times = await measureInside<Readonly<Record<string, readonly number[]>>>(lab, 'node1', 'docker-run', [
      networks.join(','),
      rounds,
    ])
    await lab.execOk('node1', `docker network rm ${ownBridge}`)
    const samples = (name: string) => times[name] ?? []
    const ours = spread(samples(network.name))
    const against = (net: string, name: string) => ({
      ...spread(samples(net)),
      name,
      ratio: pairedRatio(samples(network.name), samples(net)),
    })
    const what = 'docker run --rm, start to end'
    return [
      {
        what,
        unit: 'ms',
        ours,
        peer: against('bridge', "Docker's default bridge (no names)"),
        goal: { of: 'ratio', atMost: 1 },
      },
      {
        what,
        unit: 'ms',
        ours,
        peer: against(ownBridge, 'bridge network made by hand (names)'),
        goal: { of: 'ratio', atMost: 1 },
      },
      { what, unit: 'ms', ours, peer: against('none', 'no network at all') },
    ]
  },
}
