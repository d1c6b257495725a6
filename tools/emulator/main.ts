// Runs a command as root under Debian's own kernel, in an emulated machine that sees this one's files and changes none:
// for what the kernel of this machine lacks, Open vSwitch's datapath first of all.
//
//   node tools/emulator/main.ts [--minutes N] [--memory MB] [--env NAME=VALUE]… -- COMMAND…
//
// The command starts in the folder of the caller. Ends with its exit status, 124 when the time was over, 125 when the
// machine did not get as far. `tools/setup.sh kernel` fetches what it needs.

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { asError, NetpluginError } from '../../src/lib/errors.ts'
import { type CpioEntry, cpioArchive } from './cpio.ts'

const cache = fileURLToPath(new URL('../../.cache/kernel', import.meta.url))
const kernelRoot = join(cache, 'root')
/** For the files of the host, and what writes above them. */
const firstModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay']
const status = { timeOver: 124, notStarted: 125 }

interface Options {
  readonly minutes: number
  readonly memoryMb: number
  readonly environment: readonly string[]
  readonly command: readonly string[]
}

function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '10' },
      memory: { type: 'string', default: '3072' },
      env: { type: 'string', multiple: true, default: [] },
    },
    allowPositionals: true,
  })
  const [minutes, memoryMb] = [Number(values.minutes), Number(values.memory)]
  if (positionals.length === 0 || !(minutes > 0) || !(memoryMb > 0)) {
    const usage = 'usage: node tools/emulator/main.ts [--minutes N] [--memory MB] [--env NAME=VALUE]… -- COMMAND…'
    throw new NetpluginError('invalid', 'OPTION_INVALID', usage)
  }
  return { minutes, memoryMb, environment: values.env, command: positionals }
}

function kernelRelease(): string {
  const [release] = existsSync(join(kernelRoot, '.complete')) ? readdirSync(join(kernelRoot, 'lib/modules')) : []
  if (release !== undefined) return release
  throw new NetpluginError('unavailable', 'KERNEL_MISSING', 'no kernel to emulate yet; run: tools/setup.sh kernel')
}

function firstFiles(release: string, { command, environment }: Options): Buffer {
  const script = (name: string) => readFileSync(new URL(name, import.meta.url))
  const file = (path: string, content: Uint8Array): CpioEntry => ({ kind: 'file', path, mode: 0o755, content })
  const folders = ['bin', 'dev', 'proc', 'sys', 'below', 'above', 'root', 'modules']
  return cpioArchive([
    ...folders.map((path): CpioEntry => ({ kind: 'directory', path, mode: 0o755 })),
    file('bin/busybox', readFileSync('/bin/busybox')),
    ...modulePaths(release).map((path, index) => {
      const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.xz$/, '')
      const content = path.endsWith('.xz')
        ? execFileSync('xz', ['-dc', path], { maxBuffer: 2 ** 26 })
        : readFileSync(path)
      return file(`modules/${String(index).padStart(2, '0')}-${name}`, content)
    }),
    file('init', script('init.sh')),
    file('start.sh', script('start.sh')),
    file('command.sh', Buffer.from(commandScript(command, environment))),
  ])
}

/** Each after those that it needs. */
function modulePaths(release: string): readonly string[] {
  const shown = firstModules.map((name) => {
    const argv = ['-d', kernelRoot, '-S', release, '--show-depends', name]
    return execFileSync('modprobe', argv, { encoding: 'utf8' })
  })
  return [...new Set([...shown.join('\n').matchAll(/^insmod (\S+)/gm)].map(([, path]) => path ?? ''))]
}

function commandScript(command: readonly string[], environment: readonly string[]): string {
  const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
  const inherited = `PATH=${process.env.PATH}`
  const exports = [inherited, ...environment].map((pair) => `export ${quoted(pair)}\n`).join('')
  return `${exports}cd ${quoted(process.cwd())} && exec ${command.map(quoted).join(' ')}\n`
}

/** Ends with the machine. */
async function runMachine(options: Options, folder: string): Promise<number> {
  const release = kernelRelease()
  const [firstFilesPath, consolePath, statusPath] = [
    join(folder, 'initrd'),
    join(folder, 'console'),
    join(folder, 'status'),
  ]
  writeFileSync(firstFilesPath, firstFiles(release, options))
  const share = 'security_model=none,readonly=on,multidevs=remap'
  const kernelArguments = `console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off EMULATOR_KERNEL=${kernelRoot}`
  const argv = [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(options.memoryMb)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${consolePath}`, '-serial', 'stdio', '-serial', `file:${statusPath}`],
    ...['-kernel', join(kernelRoot, `boot/vmlinuz-${release}`), '-initrd', firstFilesPath, '-append', kernelArguments],
    ...['-fsdev', `local,id=host,path=/,${share}`, '-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
    ...['-device', 'virtio-rng-pci'],
  ]
  // pdeathsig: the machine must not outlive this program.
  const dies = ['--pdeathsig', 'KILL', 'qemu-system-x86_64']
  const machine = spawn('setpriv', [...dies, ...argv], { stdio: ['ignore', 'inherit', 'pipe'] })
  const complaints: Buffer[] = []
  machine.stderr.on('data', (part: Buffer) => complaints.push(part))
  let timeOver = false
  const end = () => void machine.kill('SIGKILL')
  const timer = setTimeout(() => {
    timeOver = true
    end()
  }, options.minutes * 60_000)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)
  await new Promise<void>((resolve, reject) => {
    machine.once('error', reject)
    machine.once('close', () => resolve())
  })
  clearTimeout(timer)
  if (timeOver) {
    process.stderr.write(`emulator: not done after ${options.minutes} minutes\n`)
    return status.timeOver
  }
  const said = existsSync(statusPath) ? readFileSync(statusPath, 'utf8').trim() : ''
  if (/^\d+$/.test(said)) return Number(said)
  const last = existsSync(consolePath)
    ? readFileSync(consolePath, 'utf8').trimEnd().split('\n').slice(-15).join('\n')
    : ''
  process.stderr.write(`emulator: the machine ended before the command did\n${Buffer.concat(complaints)}${last}\n`)
  return status.notStarted
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  kernelRelease()
  const folder = mkdtempSync(join(cache, 'run-'))
  try {
    return await runMachine(options, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`emulator: ${asError(error).message}\n`)
  process.exitCode = status.notStarted
}
