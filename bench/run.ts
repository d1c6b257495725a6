// `make bench`: brings up a lab of its own, measures, prints one table and takes the lab down again.
//
//   node bench/run.ts [NAME…]        all benchmarks, or those named; results also as JSON in bench/results.json
//   node bench/run.ts --list         their names

import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../src/lib/clock.ts'
import { asError, NetpluginError } from '../src/lib/errors.ts'
import { labRoot } from '../src/netlab/directory.ts'
import { bringDown } from '../src/netlab/lab.ts'
import { withLab } from '../test/support/lab.ts'
import { type Benchmark, network } from './bench.ts'
import { meetsGoal, type Row, ratio } from './result.ts'
import { attach } from './subjects/attach.ts'
import { cni } from './subjects/cni.ts'
import { dns } from './subjects/dns.ts'
import { dockerRun } from './subjects/docker-run.ts'
import { flowMods } from './subjects/flow-mods.ts'
import { footprint } from './subjects/footprint.ts'
import { policy } from './subjects/policy.ts'
import { policyCore } from './subjects/policy-core.ts'
import { rest } from './subjects/rest.ts'
import { services } from './subjects/services.ts'
import { traffic } from './subjects/traffic.ts'
import { resultTable } from './table.ts'

/** In this order: memory is measured before others fill it. */
const benchmarks: readonly Benchmark[] = [
  footprint,
  rest,
  attach,
  cni,
  dockerRun,
  traffic,
  dns,
  flowMods,
  policyCore,
  policy,
  services,
]
const labName = 'bm-bench'
const resultFile = fileURLToPath(new URL('results.json', import.meta.url))

function chosen(names: readonly string[]): readonly Benchmark[] {
  for (const name of names) {
    if (benchmarks.some((benchmark) => benchmark.name === name)) continue
    const known = benchmarks.map((benchmark) => benchmark.name).join(', ')
    throw new NetpluginError('invalid', 'NO_SUCH_BENCHMARK', `there is no benchmark ${name}; there are: ${known}`)
  }
  return names.length === 0 ? benchmarks : benchmarks.filter((benchmark) => names.includes(benchmark.name))
}

async function measure(wanted: readonly Benchmark[]): Promise<Row[]> {
  if (process.getuid?.() !== 0)
    throw new NetpluginError('forbidden', 'NOT_ROOT', 'benchmarks need root: sudo make bench')
  const started = performance.now()
  const say = (text: string) =>
    process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)
  say('bringing up a lab of three hosts')
  return withLab({ name: labName, hosts: 3 }, async (lab) => {
    const { name, subnet, gateway } = network
    await lab.execOk('node1', `netctl network create ${name} --subnet=${subnet} --gateway=${gateway}`)
    const rows: Row[] = []
    for (const benchmark of wanted) {
      say(`${benchmark.name}: ${benchmark.about}`)
      try {
        rows.push(...(await benchmark.run(lab)))
      } catch (error) {
        say(`${benchmark.name} FAILED: ${asError(error).message}`)
        process.exitCode = 1
      }
    }
    say('taking the lab down')
    return rows
  })
}

function report(rows: readonly Row[], load: number): void {
  process.stdout.write(`\n${resultTable(rows)}\n`)
  process.stdout.write('Figures are "median / 99th percentile"; the ratio is ours divided by theirs.\n')
  if (load > 0.5) {
    const busy = `${load.toFixed(1)} processes for each processor`
    process.stdout.write(`The machine was busy before (${busy}): believe the ratios rather than the times.\n`)
  }
  const document = {
    load,
    processors: cpus().map(({ model }) => model),
    node: process.version,
    results: rows.map((row) => ({ ...row, ratio: ratio(row), ok: meetsGoal(row) })),
  }
  writeFileSync(resultFile, `${JSON.stringify(document, null, 2)}\n`)
}

/** Interrupted: the lab goes all the same. */
async function giveUp(): Promise<never> {
  process.stderr.write('interrupted: taking the lab down\n')
  const deps = { clock: systemClock, progress: () => {} }
  await bringDown(labRoot(process.env), labName, deps, AbortSignal.timeout(60_000)).catch((error: unknown) => {
    process.stderr.write(`${asError(error).message}\n`)
  })
  process.exit(130)
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void giveUp())
try {
  const words = process.argv.slice(2)
  if (words.includes('--list')) {
    for (const { name, about } of benchmarks) process.stdout.write(`${name.padEnd(12)}${about}\n`)
  } else {
    const load = (loadavg()[0] ?? 0) / cpus().length
    report(await measure(chosen(words)), load)
  }
} catch (error) {
  process.stderr.write(`${asError(error).message}\n`)
  process.exitCode = 1
}
