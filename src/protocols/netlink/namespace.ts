// Work in another network namespace, from the main thread: enter, work, return, without a chance for anything else to
// run in between (setns(2), network_namespaces(7)). Sockets opened inside stay in that namespace.

import { closeSync, constants, mkdirSync, openSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { asError, NetpluginError } from '../../lib/errors.ts'
import { libc } from '../../lib/libc.ts'
import { cloneNewNetwork, mountFlag } from './constants.ts'
import { systemError } from './errno.ts'

const ownNamespace = '/proc/thread-self/ns/net'

/** Opens a descriptor of a network namespace; the caller closes it. */
export function openNamespace(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY)
  } catch (error) {
    throw new NetpluginError(
      'not-found',
      'NAMESPACE_MISSING',
      `cannot open the network namespace ${path}: ${asError(error).message}`,
      {
        cause: error,
        details: { path },
      },
    )
  }
}

/**
 * Runs `work` inside the namespace (a path or a descriptor) and returns its result. `work` must be synchronous: an await
 * or a child process inside would strand other code there. May be nested. If the way back fails, the process aborts,
 * because everything after would happen on the wrong network.
 */
export function inNamespace<T>(namespace: number | string, work: () => T): T {
  const home = openNamespace(ownNamespace)
  try {
    const target = typeof namespace === 'string' ? openNamespace(namespace) : namespace
    try {
      return visit(home, target, work)
    } finally {
      if (typeof namespace === 'string') closeSync(target)
    }
  } finally {
    closeSync(home)
  }
}

function visit<T>(home: number, target: number, work: () => T): T {
  const entered = libc.setNamespace(target, cloneNewNetwork)
  if (entered < 0) throw systemError('enter the network namespace', -entered)
  let value: T
  try {
    value = work()
  } finally {
    if (libc.setNamespace(home, cloneNewNetwork) < 0) process.abort()
  }
  if (value instanceof Promise) {
    value.catch(() => {})
    throw new NetpluginError('internal', 'NAMESPACE_ASYNC', 'work inside a network namespace must be synchronous')
  }
  return value
}

/** Puts this thread into a new, empty network namespace that goes when its last user goes. */
export function leaveToNewNamespace(): void {
  const status = libc.unshare(cloneNewNetwork)
  if (status < 0) throw systemError('make a network namespace', -status)
}

/** A new, empty network namespace as a descriptor; it goes when the descriptor and all its sockets are closed. */
export function createNamespace(): number {
  return inNamespace(ownNamespace, () => {
    leaveToNewNamespace()
    return openNamespace(ownNamespace)
  })
}

/**
 * Gives a namespace a name that keeps it alive without us, as `ip netns add` does: the path, whose folder becomes a shared mount so
 * that the name is seen wherever the folder is, gets the namespace mounted on it. What was mounted there is hidden.
 */
export function nameNamespace(fd: number, path: string): void {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true })
  const { bind, recursive, shared } = mountFlag
  if (libc.mount('', folder, shared | recursive) < 0) {
    // It is no mount yet.
    mount(folder, folder, bind | recursive)
    mount('', folder, shared | recursive)
  }
  closeSync(openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o444))
  mount(`/proc/self/fd/${fd}`, path, bind)
}

/** Takes the name from a namespace. */
export function unnameNamespace(path: string): void {
  const status = libc.unmountLazily(path)
  if (status < 0) throw systemError(`unmount ${path}`, -status)
}

function mount(source: string, target: string, flags: number): void {
  const status = libc.mount(source, target, flags)
  if (status < 0) throw systemError(`mount ${target}`, -status)
}

/** Whether two paths lead to one namespace; false where there is none. */
export function isSameNamespace(path: string, other: string): boolean {
  const [there, here] = [path, other].map((each): Stats | undefined => statSync(each, { throwIfNoEntry: false }))
  return there !== undefined && here !== undefined && there.ino === here.ino && there.dev === here.dev
}
