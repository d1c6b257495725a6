// The image archive a lab loads into its hosts, built from the machine's own programs and kept until one of them changes.

import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { mustRun } from '../../lib/command.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { imageArchive } from './archive.ts'
import { busyboxLayer, librariesIn, type SourceFile, toolsLayer } from './layer.ts'
import { type TarEntry, tarArchive } from './tar.ts'

/** Raised when the way images are built changes, so that old ones are not used. */
const builderVersion = 2
const tools = ['ip', 'ss', 'bridge', 'tc', 'ping', 'iperf3', 'dig', 'socat', 'tcpdump', 'ethtool', 'curl', 'nft']
const searchPath = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']

interface Sources {
  readonly busybox: string
  readonly shell: string
  readonly tools: readonly string[]
  readonly libraries: readonly string[]
}

/** Path of an archive with busybox:latest and netlab/tools:latest; made first when the cache has no current one. */
export async function cachedImages(folder: string, signal: AbortSignal): Promise<string> {
  const sources = await findSources(signal)
  const archive = join(folder, `images-${contentVersion(sources)}.tar`)
  if (existsSync(archive)) return archive
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const applets = (await mustRun([sources.busybox, '--list'], {}, signal)).stdout
    .split('\n')
    .filter((line) => line !== '')
  const unfinished = join(folder, `.new-${randomBytes(6).toString('hex')}`)
  try {
    writeChunks(unfinished, buildImages(sources, applets))
    // Several labs may build at once: each finishes its own file, and the last name wins.
    renameSync(unfinished, archive)
  } finally {
    rmSync(unfinished, { force: true })
  }
  for (const name of readdirSync(folder)) {
    if (/^images-.*\.tar$/.test(name) && join(folder, name) !== archive) rmSync(join(folder, name), { force: true })
  }
  return archive
}

async function findSources(signal: AbortSignal): Promise<Sources> {
  const programs = tools.map(findProgram)
  const linked = await mustRun(['ldd', ...programs, findProgram('dash')], {}, signal)
  const libraries = [...librariesIn(linked.stdout)]
  // Names are resolved by modules that are loaded at run time and so appear in no list.
  const libc = libraries.find((path) => path.includes('/libc.so'))
  if (libc !== undefined) {
    for (const module of ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2']) {
      const path = join(dirname(libc), module)
      if (existsSync(path) && !libraries.includes(path)) libraries.push(path)
    }
  }
  return { busybox: findProgram('busybox'), shell: findProgram('dash'), tools: programs, libraries: libraries.sort() }
}

function findProgram(name: string): string {
  for (const folder of searchPath) {
    const path = join(folder, name)
    try {
      accessSync(path)
      return path
    } catch {
      // The next folder may have it.
    }
  }
  throw new NetpluginError(
    'unavailable',
    'TOOL_MISSING',
    `${name} is not installed and the test image needs it; run: make setup`,
  )
}

/** Changes when any file that goes into the images does. */
function contentVersion(sources: Sources): string {
  const hash = createHash('sha256').update(`${builderVersion} ${process.arch}\n`)
  for (const path of [sources.busybox, sources.shell, ...sources.tools, ...sources.libraries]) {
    const status = statSync(path)
    hash.update(`${path} ${status.size} ${status.mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

function buildImages(sources: Sources, applets: readonly string[]): Iterable<Uint8Array> {
  const toolFiles = sources.tools.map((path, index): SourceFile => ({ ...read(path), path: `usr/bin/${tools[index]}` }))
  const libraryFiles = sources.libraries.map(read)
  const base = layer(busyboxLayer(readFileSync(sources.busybox), applets))
  const upper = layer(toolsLayer([...toolFiles, ...libraryFiles], readFileSync(sources.shell)))
  return imageArchive(
    [
      { tag: 'busybox:latest', layers: [base], command: ['sh'] },
      { tag: 'netlab/tools:latest', layers: [base, upper], command: ['sh'] },
    ],
    { architecture: process.arch === 'x64' ? 'amd64' : process.arch },
  )
}

function read(path: string): SourceFile {
  return { path: path.slice(1), content: readFileSync(realpathSync(path)), mode: 0o755 }
}

function layer(entries: readonly TarEntry[]): Uint8Array {
  return Buffer.concat([...tarArchive(entries)])
}

function writeChunks(file: string, chunks: Iterable<Uint8Array>): void {
  const descriptor = openSync(file, 'wx', 0o644)
  try {
    for (const chunk of chunks) {
      for (let written = 0; written < chunk.length; ) written += writeSync(descriptor, chunk, written)
    }
  } finally {
    closeSync(descriptor)
  }
}
