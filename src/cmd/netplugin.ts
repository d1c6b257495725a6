// The netplugin program: flags, wiring, signals, exit status (22: a flag is wrong; 1: it cannot run).

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FarNamespace, farNamespacePath } from '../drivers/host/far-namespace.ts'
import { LinuxHost } from '../drivers/host/linux.ts'
import { LinuxContainers } from '../drivers/host/linux-containers.ts'
import { LinuxFirewall } from '../drivers/host/linux-firewall.ts'
import { probePath } from '../drivers/host/path-probe.ts'
import { DockerRuntime } from '../drivers/runtime/docker.ts'
import { readBuildInfo } from '../lib/build-info.ts'
import { systemClock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import { usage } from '../lib/flags.ts'
import { IdleCollector, ownCpuMs, ownHeap, usualCollector } from '../lib/idle-collector.ts'
import { createLog, type LogLevel } from '../lib/log.ts'
import { replaceFile } from '../lib/replace-file.ts'
import { attachByHand, detachByHand } from '../netplugin/by-hand.ts'
import { installCni } from '../netplugin/cni-install.ts'
import { configPath, type NodeConfig } from '../netplugin/config.ts'
import { runDoctor } from '../netplugin/doctor.ts'
import { readFlags } from '../netplugin/flags.ts'
import { namesProcesses } from '../netplugin/names-program.ts'
import { runNode } from '../netplugin/node.ts'
import { hasTxChecksum } from '../protocols/netlink/index.ts'

const invalidFlags = 22
const doctorMs = 120_000
const programFolders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin']

/** As a source, or as a bundle in dist/. */
const executables = ['./netplugin-cni', '../../dist/netplugin-cni', '../../native/netplugin-cni.sh'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

async function main(args: readonly string[]): Promise<number> {
  const [word, ...rest] = args
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  if (word === 'cni') return cniCommand(rest, say)
  if (word === 'attach' || word === 'detach') {
    await (word === 'attach' ? attachByHand(rest, say) : detachByHand(rest, say))
    return 0
  }
  if (word === 'doctor') return doctorCommand(rest)
  const { version, gitCommit } = readBuildInfo()
  const answer = readFlags(args, process.env, { hostname: hostname(), version })
  switch (answer.kind) {
    case 'help':
      process.stdout.write(answer.text)
      return 0
    case 'version':
      process.stdout.write(`netplugin ${version} (${gitCommit})\n`)
      return 0
    case 'run':
      await run(answer.config, answer.logLevel)
      return 0
  }
}

function cniCommand([word, ...rest]: readonly string[], say: (line: string) => void): number {
  if (word !== 'install') throw usage(`netplugin cni knows 'install'${word === undefined ? '' : `, not '${word}'`}`)
  installCni(rest, { executables, say })
  return 0
}

async function doctorCommand(args: readonly string[]): Promise<number> {
  const log = createLog({ level: 'error', name: 'netplugin' })
  const host = LinuxHost.open({}, { log })
  try {
    return await runDoctor(
      args,
      {
        host,
        // Asked with the socket of the configuration, which is not known yet.
        docker: (socketPath) => new DockerRuntime({ socketPath }),
        probePath,
        hasTxChecksum,
        hasProgram: (name) => programFolders.some((folder) => existsSync(`${folder}/${name}`)),
        clock: systemClock,
        log,
        say: (line) => process.stdout.write(`${line}\n`),
      },
      AbortSignal.timeout(doctorMs),
    )
  } finally {
    await host.close()
  }
}

async function run(config: NodeConfig, logLevel: LogLevel): Promise<void> {
  const log = createLog({ level: logLevel, name: 'netplugin' })
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort())
  const path = configPath(config)
  mkdirSync(dirname(path), { recursive: true })
  await replaceFile(path, (file) => file.writeFile(JSON.stringify(config)))
  const far = FarNamespace.open({ path: farNamespacePath }, { log })
  const host = LinuxHost.open({ far }, { log })
  // Node would write what it compiled only at the end, and a daemon's end is often a kill: the next start is quicker and
  // takes 30 MiB less when nothing is left to compile.
  flushCompileCache()
  const collector = new IdleCollector(usualCollector, { clock: systemClock, heap: ownHeap(), cpuMs: ownCpuMs })
  const collecting = collector.run(stop.signal)
  try {
    await runNode(
      config,
      {
        host,
        containers: new LinuxContainers({ far }),
        firewall: new LinuxFirewall(),
        namesProcesses: namesProcesses(namesProgram(config, logLevel), { log: log.with({ part: 'names' }) }),
        runtime: new DockerRuntime({ socketPath: config.dockerSocket }),
        clock: systemClock,
        log,
        random: Math.random,
        bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      },
      stop.signal,
    )
  } finally {
    stop.abort()
    await collecting
    await host.close()
    far?.close()
  }
}

/** netnames is beside this file, as a source or as a bundle; it runs in another folder. */
function namesProgram({ namesSocket, resolvConf, dnsRate }: NodeConfig, logLevel: LogLevel) {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'
  return {
    entry: fileURLToPath(new URL(`./netnames.${extension}`, import.meta.url)),
    socket: namesSocket,
    flags: ['--resolv-conf', resolve(resolvConf), '--rate', String(dnsRate), '--log-level', logLevel],
  }
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  const { code, message } = asNetpluginError(error)
  process.stderr.write(`netplugin: ${message}\n`)
  if (code === 'USAGE') process.stderr.write('Try netplugin --help.\n')
  process.exit(code === 'USAGE' ? invalidFlags : 1)
}
