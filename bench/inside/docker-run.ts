// Times `docker run --rm busybox true` on each of the networks named, in turn.
//
//   node bench/inside/docker-run.ts NETWORK,… ROUNDS       one JSON document: network -> milliseconds of each run

import { spawn } from 'node:child_process'

const [names = '', rounds = '1'] = process.argv.slice(2)

function run(network: string): Promise<number> {
  const start = performance.now()
  const child = spawn('docker', ['run', '--rm', `--net=${network}`, 'busybox', 'true'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      if (code === 0) resolve(performance.now() - start)
      else reject(new Error(`docker run on ${network} ended with ${code}`))
    })
  })
}

const networks = names.split(',')
const times = new Map<string, number[]>(networks.map((network) => [network, []]))
// The first of each loads what later ones find in memory.
for (const network of networks) await run(network)
for (let round = 0; round < Number(rounds); round++) {
  for (let turn = 0; turn < networks.length; turn++) {
    const network = networks[(round + turn) % networks.length] ?? ''
    times.get(network)?.push(await run(network))
  }
}
process.stdout.write(JSON.stringify(Object.fromEntries(times)))
