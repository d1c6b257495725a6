// The path of a unix socket that a daemon is about to listen on.

import { lstat, mkdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { NetpluginError } from './errors.ts'

/**
 * Makes the folder, and removes a socket file that nobody serves. Throws `conflict` PLUGIN_SOCKET_IN_USE when another process
 * serves the path, or the path is no socket.
 */
export async function prepareSocketPath(path: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await removeStaleSocket(path, signal)
}

async function removeStaleSocket(path: string, signal: AbortSignal): Promise<void> {
  const inUse = (why: string) =>
    new NetpluginError('conflict', 'PLUGIN_SOCKET_IN_USE', `${path} ${why}`, { details: { path } })
  const status = await lstat(path).catch(() => undefined)
  if (status === undefined) return
  if (!status.isSocket()) throw inUse('is there but is not a socket; remove it or choose another path')
  if (await isServed(path, signal)) throw inUse('is served by another process; stop that one first')
  await rm(path, { force: true })
}

/** Whether somebody listens there. */
export function isServed(path: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const onAbort = () => {
      socket.destroy()
      reject(signal.reason)
    }
    const settle = (served: boolean) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(served)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}
