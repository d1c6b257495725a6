// `make demo`: brings up the lab `netplugin` with two hosts, types the quick start into them, and leaves it up.

import { spawn } from 'node:child_process'
import { systemClock } from '../src/lib/clock.ts'
import { exitCode } from '../src/lib/command.ts'
import { asError, NetpluginError } from '../src/lib/errors.ts'
import { labRoot } from '../src/netlab/directory.ts'
import { bringDown, bringUp, findMachine, type Lab } from '../src/netlab/lab.ts'
import { enterArguments, insideEnvironment } from '../src/netlab/namespace.ts'
import { defaultLabName, parseLabOptions } from '../src/netlab/options.ts'

interface Step {
  readonly host: string
  readonly command: string
}

const quickStart: readonly Step[] = [
  {
    host: 'netplugin-node1',
    command: 'netctl net create contiv-net --subnet=20.1.1.0/24 --gateway=20.1.1.254 --pkt-tag=1001',
  },
  { host: 'netplugin-node1', command: 'docker run -itd --name=web --net=contiv-net busybox sh' },
  { host: 'netplugin-node2', command: 'docker run -itd --name=db  --net=contiv-net busybox sh' },
  { host: 'netplugin-node1', command: 'docker exec web ping -c 3 db' },
]

const say = (text: string) => process.stdout.write(`${text}\n`)

/** Types one command into a host: its output is shown as it comes. */
async function type(lab: Lab, step: Step, signal: AbortSignal): Promise<void> {
  say(`\n${step.host}$ ${step.command}`)
  const machine = findMachine(lab, step.host)
  const [file = '', ...rest] = [...enterArguments(machine.pid), 'sh', '-c', step.command]
  const environment = insideEnvironment(lab.context.environment, step.host)
  const child = spawn(file, rest, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...environment }, signal })
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (status, ended) => resolve(exitCode(status, ended)))
  })
  if (code !== 0) {
    throw new NetpluginError('internal', 'DEMO_FAILED', `"${step.command}" ended with ${code} on ${step.host}`)
  }
}

async function demo(signal: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0) throw new NetpluginError('forbidden', 'NOT_ROOT', 'the demo needs root: sudo make demo')
  const root = labRoot(process.env)
  const deps = { clock: systemClock, progress: say }
  if (await bringDown(root, defaultLabName, deps, signal)) say('the lab that was up is down')
  say('bringing up two hosts, each with its own Open vSwitch and Docker')
  const lab = await bringUp(root, parseLabOptions({ hosts: '2' }), deps, signal)
  for (const step of quickStart) await type(lab, step, AbortSignal.any([signal, AbortSignal.timeout(60_000)]))
  say(`
Two containers on two hosts talk by name. The lab stays up; go on with

  bin/netlab exec netplugin-node1 -- bash     a shell in a host: netctl, docker and ovs-vsctl are there
  bin/netlab status                           what runs where
  make demo-down                              end it`)
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Error('interrupted'))).once('SIGTERM', () => stop.abort(new Error('ended')))
try {
  await demo(stop.signal)
} catch (error) {
  const inside = error instanceof NetpluginError && error.code === 'DEMO_FAILED'
  const next =
    '\nWhat our programs logged: bin/netlab logs netplugin-node1 netplugin (or netmaster). End the lab: make demo-down'
  process.stderr.write(`\nmake demo FAILED: ${asError(error).message}${inside ? next : ''}\n`)
  process.exit(1)
}
