// Times short commands, in turn.
//
//   node bench/inside/commands.ts ROUNDS COMMAND…         one JSON document: command -> milliseconds of each run

import { spawnSync } from 'node:child_process'

const [rounds = '1', ...commands] = process.argv.slice(2)
const times = new Map<string, number[]>(commands.map((command) => [command, []]))
for (let round = 0; round <= Number(rounds); round++) {
  for (const command of commands) {
    const [file = '', ...args] = command.split(' ')
    const start = performance.now()
    const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' })
    const took = performance.now() - start
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
    // The first round loads what later ones find in memory.
    if (round > 0) times.get(command)?.push(took)
  }
}
process.stdout.write(JSON.stringify(Object.fromEntries(times)))
