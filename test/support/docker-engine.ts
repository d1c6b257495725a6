// A real Docker engine for tests, in namespaces of its own: nothing of it appears on the host, and it is gone with one
// kill. Its sockets lie in a folder that the test can reach: unix sockets do not belong to a network namespace.

import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../src/lib/clock.ts'

const run = promisify(execFile)

export interface DockerEngine {
  readonly socketPath: string
  /** What the engine sees as /run/docker/plugins. */
  readonly pluginFolder: string
  /** The standard output of `docker ARGS`. */
  docker(args: readonly string[], signal: AbortSignal): Promise<string>
  /** Standard output of a program run in the engine's network namespace. */
  inNetwork(command: readonly string[], signal: AbortSignal): Promise<string>
  stop(): Promise<void>
}

/** Why no engine can be started here; undefined when one can. */
export function whyNoDockerEngine(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of ['/usr/sbin/dockerd', '/usr/bin/docker', '/bin/busybox']) {
    if (!existsSync(program)) return `needs ${program}`
  }
  return undefined
}

const host = `
set -e
d=$1; cgroup=$2
mount --rbind /sys/fs/cgroup $d/cgroups
mount -t sysfs sysfs /sys
mount --rbind $d/cgroups /sys/fs/cgroup
umount -l $d/cgroups
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/docker/plugins
mount --bind $d/plugins /run/docker/plugins
mount -t overlay overlay -o lowerdir=/etc,upperdir=$d/etc,workdir=$d/work /etc
ip link set lo up
cd /
dockerd --data-root $d/data --exec-root /run/docker -p /run/docker.pid -H unix://$d/docker.sock \
  --bridge none --iptables=false --ip6tables=false --cgroup-parent $cgroup >$d/dockerd.log 2>&1 &
wait $!
`

/** Starts an engine with the image `busybox:latest` loaded; takes one to two seconds. */
export async function startDockerEngine(signal: AbortSignal): Promise<DockerEngine> {
  const folder = await mkdtemp('/var/tmp/engine-')
  for (const name of ['cgroups', 'plugins', 'etc', 'work', 'data']) await mkdir(join(folder, name))
  const cgroup = `/${folder.slice('/var/tmp/'.length)}`
  const socketPath = join(folder, 'docker.sock')
  const isolation = ['-m', '-n', '-u', '-i', '-p', '--fork', '--mount-proc', '--kill-child']
  const child = spawn('unshare', [...isolation, 'bash', '-c', host, 'engine', folder, cgroup], { stdio: 'ignore' })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGKILL')
    await gone
    await removeCgroups(cgroup)
    await rm(folder, { recursive: true, force: true })
  }
  const docker = async (args: readonly string[], callSignal: AbortSignal) => {
    const { stdout } = await run('/usr/bin/docker', ['-H', `unix://${socketPath}`, ...args], { signal: callSignal })
    return stdout.trim()
  }
  const inNetwork = async (command: readonly string[], callSignal: AbortSignal) => {
    const [inner] = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' ')
    const { stdout } = await run('nsenter', ['-t', inner ?? '', '-n', ...command], { signal: callSignal })
    return stdout.trim()
  }
  try {
    await untilServed(socketPath, signal)
    await loadBusybox(folder, docker, signal)
  } catch (cause) {
    const log = await readFile(join(folder, 'dockerd.log'), 'utf8').catch(() => '')
    await stop()
    throw new Error(`dockerd did not start: ${log.slice(-2_000)}`, { cause })
  }
  return { socketPath, pluginFolder: join(folder, 'plugins'), docker, inNetwork, stop }
}

/** An engine opens its socket when it is ready to serve. */
async function untilServed(socketPath: string, signal: AbortSignal): Promise<void> {
  const served = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(socketPath)
      const settle = (result: boolean) => {
        socket.destroy()
        resolve(result)
      }
      socket.once('connect', () => settle(true))
      socket.once('error', () => settle(false))
    })
  while (!(await served())) await systemClock.after(50, signal)
}

async function loadBusybox(folder: string, docker: DockerEngine['docker'], signal: AbortSignal): Promise<void> {
  const root = join(folder, 'image')
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp']) await mkdir(join(root, name), { recursive: true })
  await run('cp', ['/bin/busybox', join(root, 'bin/busybox')], { signal })
  for (const applet of ['sh', 'sleep', 'ip', 'ping', 'cat', 'nslookup'])
    await symlink('busybox', join(root, 'bin', applet))
  await run('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.'], { signal })
  await docker(['import', join(folder, 'image.tar'), 'busybox:latest'], signal)
}

/** Cgroups of containers that died with their namespace stay behind, empty. */
async function removeCgroups(cgroup: string): Promise<void> {
  const removeTree = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) if (entry.isDirectory()) await removeTree(join(path, entry.name))
    await rmdir(path).catch(() => {})
  }
  for (const hierarchy of [cgroup, ...(await readdir('/sys/fs/cgroup')).map((name) => `/${name}${cgroup}`)]) {
    const path = `/sys/fs/cgroup${hierarchy}`
    if (existsSync(path)) await removeTree(path)
  }
}
