// The far namespace: a network namespace of netplugin's own, in which the far ends of CNI's veth pairs lie. What happens to links
// there is no event of the host's namespace, and nobody listens there to what they receive.
//
// It must outlive us, since containers are connected through it: it has a name, as those of `ip netns` have.

import { closeSync, rmSync } from 'node:fs'
import { asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import {
  createNamespace,
  inNamespace,
  isSameNamespace,
  Netlink,
  nameNamespace,
  openNamespace,
  unnameNamespace,
} from '../../protocols/netlink/index.ts'
import { setKernel } from './kernel-settings.ts'

export const farNamespacePath = '/run/netns/netplugin'

interface Options {
  /** What it is called in the file system; below a folder that only this host has. */
  readonly path: string
}

interface Deps {
  readonly log: Log
}

/** As who works with its links needs it. */
export interface OpenFarNamespace {
  readonly fd: number
  /** A connection in it. */
  readonly netlink: Netlink
  /** Gives it its name again, when somebody took that away. While we run it is there without a name, too. */
  keep(): void
}

/** Nobody asks or answers there, whatever the links are told. */
const silent = {
  'ipv6/conf/all/disable_ipv6': '1',
  'ipv6/conf/default/disable_ipv6': '1',
  // What has a source that is not reached by its device, which is any, is dropped.
  'ipv4/conf/all/rp_filter': '1',
  'ipv4/conf/all/forwarding': '0',
} as const

export class FarNamespace implements OpenFarNamespace {
  readonly #options: Options
  readonly #log: Log
  readonly fd: number
  readonly netlink: Netlink

  private constructor(fd: number, options: Options, { log }: Deps) {
    this.#options = options
    this.#log = log
    this.fd = fd
    this.netlink = inNamespace(fd, () => {
      for (const [name, value] of Object.entries(silent)) setKernel(name, value)
      return Netlink.open()
    })
  }

  /** The one that is there, or else a new one. Undefined, with a word in the log, where none can be had that would outlive us. */
  static open(options: Options, deps: Deps): FarNamespace | undefined {
    try {
      return new FarNamespace(find(options.path) ?? make(options.path), options, deps)
    } catch (error) {
      const { code, message: reason } = asNetpluginError(error)
      deps.log.warn('no namespace for far ends, they stay in that of the host', { path: options.path, code, reason })
      return undefined
    }
  }

  keep(): void {
    const { path } = this.#options
    if (isSameNamespace(path, ownPath(this.fd))) return
    try {
      nameNamespace(this.fd, path)
      this.#log.warn('namespace for far ends had lost its name, and has it again', { path })
    } catch (error) {
      const { code, message: reason } = asNetpluginError(error)
      this.#log.error('namespace for far ends has no name: it would go with netplugin', { path, code, reason })
    }
  }

  close(): void {
    this.netlink.close()
    closeSync(this.fd)
  }
}

function find(path: string): number | undefined {
  let fd: number
  try {
    fd = openNamespace(path)
  } catch {
    return undefined
  }
  try {
    // The file may be left without a namespace on it.
    inNamespace(fd, () => {})
    if (isSameNamespace(ownPath(fd), '/proc/thread-self/ns/net')) throw new Error('it is that of the host')
    return fd
  } catch {
    closeSync(fd)
    return undefined
  }
}

function make(path: string): number {
  const fd = createNamespace()
  try {
    nameNamespace(fd, path)
    // In a mount namespace of our own the name would go with us, and containers would be cut off.
    if (!isSameNamespace(`/proc/1/root${path}`, ownPath(fd))) {
      unnameNamespace(path)
      rmSync(path, { force: true })
      const message = `the host does not see what netplugin mounts at ${path}; let netplugin run without mounts of its own (systemd: PrivateMounts=no, and nothing that implies it)`
      throw new NetpluginError('unavailable', 'MOUNT_NOT_SHARED', message)
    }
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function ownPath(fd: number): string {
  return `/proc/self/fd/${fd}`
}
