// A private Open vSwitch for tests: its own ovsdb-server and ovs-vswitchd, all files in one directory, the switch in a
// network namespace of its own. Needs root. The daemons end with stop(), or with the process that started them.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { asError, NetpluginError } from '../../src/lib/errors.ts'
import type { Log } from '../../src/lib/log.ts'

const schemaFile = '/usr/share/openvswitch/vswitch.ovsschema'
const startMs = 15_000
const commandMs = 20_000

export interface OpenVswitchOptions {
  readonly log: Log
  /** A namespace from `ip netns add` for the switch to live in; without it the switch gets a fresh, unnamed one. */
  readonly netns?: string
  /** More arguments for ovs-vswitchd, for example `-vconn:dbg`. */
  readonly switchArguments?: readonly string[]
}

export interface OpenVswitch {
  /** Where the bridges' sockets are: `<runDir>/<bridge>.mgmt`. */
  readonly runDir: string
  /** Path of the database's unix socket. */
  readonly dbSocket: string
  /** Path of ovs-vswitchd's control socket, for src/protocols/unixctl. */
  readonly switchControl: string
  /** The pid of ovs-vswitchd, for `nsenter --net=/proc/<pid>/ns/net`; changes with startSwitch(). */
  readonly switchPid: number
  /** `ovs-vsctl`, waiting for the switch to take the change unless `--no-wait` is given; resolves to its output. */
  vsctl(...args: readonly string[]): Promise<string>
  /** `ovs-appctl` to ovs-vswitchd. */
  appctl(...args: readonly string[]): Promise<string>
  /** `ovs-ofctl -O OpenFlow14`; name the bridge as usual, it is found in the run directory. */
  ofctl(...args: readonly string[]): Promise<string>
  /** Runs a command inside the network namespace of the switch. */
  inside(command: string, ...args: readonly string[]): Promise<string>
  /** Ends ovs-vswitchd (SIGKILL: as a crash would) and leaves the database running. */
  killSwitch(): Promise<void>
  /** Starts ovs-vswitchd after killSwitch(). Pass `netns` for bridges to keep their devices across the restart. */
  startSwitch(): Promise<void>
  /** Ends both daemons and removes the directory. Safe to call twice. */
  stop(): Promise<void>
}

/**
 * Starts a database and a switch with all their files in `dir`, which is emptied first (give it a directory of its own).
 * Rejects within 40 s; the directory with the logs is then left for reading.
 */
export async function startOpenVswitch(dir: string, options: OpenVswitchOptions): Promise<OpenVswitch> {
  const { log } = options
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  const env = { ...process.env, OVS_RUNDIR: dir, OVS_LOGDIR: dir, OVS_DBDIR: dir, OVS_SYSCONFDIR: dir }
  const dbSocket = join(dir, 'db.sock')
  const database = join(dir, 'conf.db')
  const switchControl = join(dir, 'vswitchd.ctl')
  const run = (command: string, args: readonly string[]) => execute(command, args, env)

  let db: ChildProcess | undefined
  let vswitchd: ChildProcess | undefined

  const vsctl = (...args: readonly string[]) => run('ovs-vsctl', [`--db=unix:${dbSocket}`, '--timeout=15', ...args])

  const startSwitch = async () => {
    const enter = options.netns === undefined ? ['unshare', '-n'] : ['nsenter', `--net=/run/netns/${options.netns}`]
    const daemon = ['ovs-vswitchd', `unix:${dbSocket}`, '--disable-system', `--unixctl=${switchControl}`]
    vswitchd = daemonize(
      [...enter, ...daemon, ...daemonFiles(dir, 'ovs-vswitchd'), ...(options.switchArguments ?? [])],
      env,
    )
    await untilListening(switchControl, vswitchd)
    // Any change makes ovs-vsctl wait until the switch has taken the whole configuration: then the bridges are up.
    await vsctl('set', 'Open_vSwitch', '.', 'external_ids:test-start=1')
    await vsctl('remove', 'Open_vSwitch', '.', 'external_ids', 'test-start')
    log.debug('test switch started', { dir, pid: vswitchd.pid })
  }

  const endBoth = async () => {
    await end(vswitchd, 'SIGTERM')
    await end(db, 'SIGTERM')
  }

  const stop = async () => {
    await endBoth()
    await rm(dir, { recursive: true, force: true })
  }

  try {
    await run('ovsdb-tool', ['create', database, schemaFile])
    db = daemonize(
      [
        'ovsdb-server',
        database,
        `--remote=punix:${dbSocket}`,
        `--unixctl=${join(dir, 'ovsdb.ctl')}`,
        ...daemonFiles(dir, 'ovsdb-server'),
      ],
      env,
    )
    await untilListening(dbSocket, db)
    await run('ovs-vsctl', [`--db=unix:${dbSocket}`, '--no-wait', 'init'])
    await startSwitch()
  } catch (error) {
    await endBoth()
    throw error
  }

  return {
    runDir: dir,
    dbSocket,
    switchControl,
    get switchPid() {
      return vswitchd?.pid ?? 0
    },
    vsctl,
    appctl: (...args) => run('ovs-appctl', ['-t', switchControl, ...args]),
    ofctl: (...args) => run('ovs-ofctl', ['-O', 'OpenFlow14', ...args]),
    inside: (command, ...args) => run('nsenter', [`--net=/proc/${vswitchd?.pid}/ns/net`, command, ...args]),
    killSwitch: () => end(vswitchd, 'SIGKILL'),
    startSwitch,
    stop,
  }
}

function daemonFiles(dir: string, name: string): string[] {
  return [
    `--pidfile=${join(dir, `${name}.pid`)}`,
    '--overwrite-pidfile',
    `--log-file=${join(dir, `${name}.log`)}`,
    '-vconsole:off',
  ]
}

/** A child that the kernel ends when we die: a crashed test leaves no daemons behind. */
function daemonize(argv: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], { env, stdio: 'ignore' })
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await exited
  clearTimeout(late)
}

async function untilListening(path: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startMs
  while (Date.now() < deadline) {
    if (hasEnded(child))
      throw failed('OVS_TEST_DAEMON_ENDED', `the daemon behind ${path} ended; read the logs beside it`)
    if (existsSync(path) && (await canConnect(path))) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw failed('OVS_TEST_DAEMON_LATE', `nothing listens on ${path} after ${startMs} ms; read the logs beside it`)
}

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function execute(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, timeout: commandMs, maxBuffer: 256 * 1024 * 1024 }
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else
        reject(failed('OVS_TEST_COMMAND', `${command} ${args.join(' ')}: ${stderr.trim() || asError(error).message}`))
    })
  })
}

function failed(code: string, message: string): NetpluginError {
  return new NetpluginError('internal', code, message)
}
