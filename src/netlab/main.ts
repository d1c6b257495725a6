// netlab's command line: what each command does with a lab. Flags and their help are here, the work is elsewhere.

import { readdirSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import { killProgram, startProgram } from './daemon.ts'
import { labRoot } from './directory.ts'
import { loadImage } from './engine.ts'
import { execAttached } from './exec.ts'
import { bringDown, bringUp, findMachine, findPlace, openLab } from './lab.ts'
import { showLogs } from './logs.ts'
import { defaultLabName, parseLabName, parseLabOptions, type RawLabOptions } from './options.ts'
import { setPartitions } from './partition.ts'
import { type ProgramName, programNames, resolveHostName } from './plan.ts'
import type { Partition } from './state.ts'
import { everythingRuns, labStatus, printStatus } from './status.ts'

export interface MainDeps {
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly isRoot: boolean
  readonly out: (text: string) => void
  readonly error: (text: string) => void
}

interface NameOption {
  readonly name: string
}

const exitFault = 1
const exitUsage = 2

/** Runs one command line (without program names) and resolves with the exit status: 0, 1 fault, 2 usage, or that of `exec`. */
export async function main(argv: readonly string[], deps: MainDeps, signal: AbortSignal): Promise<number> {
  const result = { code: 0 }
  const program = buildProgram(deps, result, signal)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return result.code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitUsage
    if (signal.aborted) {
      deps.error('netlab: interrupted\n')
      return 130
    }
    const problem = asNetpluginError(error)
    deps.error(`netlab: ${problem.message}\n`)
    return problem.code === 'OPTION_INVALID' || problem.code === 'PROGRAM_UNKNOWN' ? exitUsage : exitFault
  }
}

function buildProgram(deps: MainDeps, result: { code: number }, signal: AbortSignal): Command {
  const root = labRoot(deps.environment)
  const labDeps = { clock: deps.clock, progress: (line: string) => deps.error(`${line}\n`) }
  const open = (options: NameOption) => openLab(root, parseLabName(options.name), deps)
  const program = new Command('netlab')
    .description('several hosts on one Linux machine, each with its own Open vSwitch, Docker and netplugin')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: deps.out,
      writeErr: deps.error,
      outputError: (text, write) => write(`netlab: ${text.replace(/^error: /, '')}Try netlab --help.\n`),
    })
    .hook('preAction', () => requireRoot(deps))
    .addHelpText('after', helpText)

  const command = (usage: string, description: string) =>
    program.command(usage).description(description).option('-n, --name <lab>', 'name of the lab', defaultLabName)

  command('up', 'bring a lab up')
    .argument('[hosts]', 'number of hosts', '2')
    .option(
      '--store <kind>',
      'where netmaster keeps its state: sqlite; etcd or consul on the first host, or three',
      'sqlite',
    )
    .option('--masters <count>', 'how many of the first hosts run netmaster', '1')
    .option('--net-mode <mode>', 'vxlan, vlan, or both: tunnels on eth1, VLANs on the others', 'vxlan')
    .option('--fwd-mode <mode>', 'bridge or routing (default: routing with vxlan, bridge with vlan)')
    .option('--uplinks <count>', 'links to the data network per host: eth1 … (default: 1, with both 2)')
    .option('--mtu <bytes>', 'MTU of the data network', '1600')
    .option('--datapath <kind>', 'auto, system (kernel) or netdev (userspace)', 'auto')
    .option('--without <parts>', 'leave out, comma separated: ovs, docker, netmaster, netplugin, images')
    .option(
      '--with <parts>',
      "have besides: cni (podman, and ctr for Docker's containerd, ready for netplugin cni install)",
    )
    .option('--no-docker', 'the same as --without docker')
    .option('--log-level <level>', 'of netmaster and netplugin: debug, info, warn or error', 'info')
    .action(async (hosts: string, options: RawLabOptions) => {
      const began = deps.clock.now()
      const lab = await bringUp(root, parseLabOptions({ ...options, hosts }), labDeps, signal)
      const seconds = ((deps.clock.now() - began) / 1000).toFixed(1)
      const { name } = lab.state.options
      const count = lab.context.plan.hosts.length
      deps.out(`lab ${name} is up: ${count} host${count === 1 ? '' : 's'} in ${seconds} s\n`)
    })

  command('exec', 'run a command in a host (netplugin-node1, node1 or 1) or in the underlay; without one, a shell')
    .argument('<host>')
    .argument('[command...]')
    .passThroughOptions()
    .action(async (host: string, argv: string[], options: NameOption) => {
      const lab = open(options)
      const machine = findMachine(lab, resolveHostName(lab.context.plan, host))
      const rest = argv[0] === '--' ? argv.slice(1) : argv
      result.code = await execAttached(machine, lab.context.environment, {
        argv: rest.length > 0 ? rest : ['bash'],
        cwd: process.cwd(),
        terminal: deps.environment.TERM,
      })
    })

  command('status', 'show the hosts and programs of a lab; exit status 1 unless all are running')
    .option('--json', 'as JSON')
    .action((options: NameOption & { readonly json?: boolean }) => {
      const status = labStatus(open(options))
      deps.out(options.json === true ? `${JSON.stringify(status, null, 2)}\n` : printStatus(status))
      if (!everythingRuns(status)) result.code = exitFault
    })

  command('logs', 'print the logs of a host, or of one program on it')
    .argument('<host>')
    .argument('[program]')
    .option('-f, --follow', 'go on printing what is added')
    .option('--lines <count>', 'begin with the last lines only')
    .action(
      async (host: string, name: string | undefined, options: NameOption & { follow?: boolean; lines?: string }) => {
        const { context } = open(options)
        const machine = resolveHostName(context.plan, host)
        const only = name === undefined ? undefined : programName(name)
        result.code = await showLogs(context.directory, machine, {
          only,
          follow: options.follow === true,
          lines: options.lines,
        })
      },
    )

  const kill = (usage: string, description: string, defaultSignal: string) =>
    command(usage, description)
      .argument('<host>')
      .argument('<program>', programNames.join(', '))
      .option('-s, --signal <name>', 'signal to send', defaultSignal)
      .action(async (host: string, name: string, options: NameOption & { readonly signal: string }) => {
        const lab = open(options)
        const machine = findMachine(lab, resolveHostName(lab.context.plan, host))
        await killProgram(lab.context, machine, programName(name), signalName(options.signal), signal)
      })
  kill('kill', 'end a program of a host at once', 'KILL')
  kill('stop', 'ask a program of a host to end', 'TERM')

  command('start', 'start a program of a host again')
    .argument('<host>')
    .argument('<program>', programNames.join(', '))
    .action(async (host: string, name: string, options: NameOption) => {
      const lab = open(options)
      await startProgram(
        lab.context,
        findPlace(lab, resolveHostName(lab.context.plan, host)),
        programName(name),
        signal,
      )
    })

  command('partition', 'drop all frames between two hosts (or a host and the underlay)')
    .argument('<a>')
    .argument('<b>')
    .option('--only <network>', 'part them on the control or the data network alone')
    .action(async (a: string, b: string, options: NameOption & { readonly only?: string }) => {
      const lab = open(options)
      const { plan } = lab.context
      const added: Partition = {
        a: resolveHostName(plan, a),
        b: resolveHostName(plan, b),
        links: partitionLinks(options.only),
      }
      await setPartitions(lab, [...lab.state.partitions, added], signal)
    })

  command('heal', 'end all partitions').action(async (options: NameOption) => {
    await setPartitions(open(options), [], signal)
  })

  const image = program.command('image').description('container images of the hosts')
  image
    .command('load')
    .description('load a docker save archive into every host')
    .argument('<tar>')
    .option('-n, --name <lab>', 'name of the lab', defaultLabName)
    .action(async (archive: string, options: NameOption) => {
      const lab = open(options)
      await Promise.all(lab.context.plan.hosts.map((host) => loadImage(findMachine(lab, host.name), archive, signal)))
    })

  command('down', 'end a lab and remove everything it made')
    .option('-a, --all', 'all labs')
    .action(async (options: NameOption & { readonly all?: boolean }) => {
      const names = options.all === true ? labNames(root) : [parseLabName(options.name)]
      for (const name of names) {
        const was = await bringDown(root, name, labDeps, AbortSignal.any([signal, AbortSignal.timeout(60_000)]))
        deps.out(was ? `lab ${name} is down\n` : `lab ${name} was not up\n`)
      }
    })
  return program
}

const helpText = `
Files are kept under /var/tmp/netlab, or $NETLAB_DIR. The hosts share the machine's files except /run, /etc, /opt,
/var/lib and /var/log, which are their own.

  netlab up 3                                three hosts, netmaster on the first
  netlab exec node2 -- docker ps             exit status and streams are those of the command
  netlab kill node1 netplugin                then: netlab start node1 netplugin
  netlab partition node1 node2               then: netlab heal
`

function requireRoot({ isRoot }: MainDeps): void {
  if (!isRoot) {
    throw new NetpluginError('forbidden', 'NOT_ROOT', 'namespaces and links need root: run netlab as root')
  }
}

function programName(text: string): ProgramName {
  const found = programNames.find((name) => name === text)
  if (found === undefined) {
    throw new NetpluginError(
      'invalid',
      'PROGRAM_UNKNOWN',
      `no program is called "${text}"; there are ${programNames.join(', ')}`,
    )
  }
  return found
}

function signalName(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (!/^([A-Z0-9]{1,10})$/.test(name))
    throw new NetpluginError('invalid', 'OPTION_INVALID', `--signal: "${text}" is no signal`)
  return name
}

function partitionLinks(text: string | undefined): Partition['links'] {
  if (text === undefined) return 'both'
  if (text === 'control' || text === 'data') return text
  throw new NetpluginError('invalid', 'OPTION_INVALID', `--only: "${text}" is not one of control, data`)
}

function labNames(root: string): readonly string[] {
  try {
    return readdirSync(root)
      .filter((name) => /^[a-z]/.test(name))
      .sort()
  } catch {
    // No folder: no lab was ever up.
    return []
  }
}
