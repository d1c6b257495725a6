// Where a lab keeps its files: one folder per lab, a shared cache of images.
//
//   /var/tmp/netlab/.images/…         (cache, kept)
//   /var/tmp/netlab/<lab>/lab.json    (its state)
//   /var/tmp/netlab/<lab>/tls         (certificates of the store)
//   /var/tmp/netlab/<lab>/<host>/{log,docker,netplugin,openvswitch,cni}

import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NetpluginError } from '../lib/errors.ts'

export interface LabDirectory {
  readonly root: string
  readonly images: string
  readonly lab: string
  readonly stateFile: string
}

export function labDirectory(root: string, name: string): LabDirectory {
  const lab = join(root, name)
  return { root, images: join(root, '.images'), lab, stateFile: join(lab, 'lab.json') }
}

export function labRoot(environment: Readonly<Record<string, string | undefined>>): string {
  const chosen = environment.NETLAB_DIR
  return chosen === undefined || chosen === '' ? '/var/tmp/netlab' : chosen
}

export function hostDirectory(directory: LabDirectory, host: string): string {
  return join(directory.lab, host)
}

export function certificateDirectory(directory: LabDirectory): string {
  return join(directory.lab, 'tls')
}

export function logFile(directory: LabDirectory, host: string, file: string): string {
  return join(hostDirectory(directory, host), 'log', file)
}

/**
 * Makes the root folder. It lies in a folder anybody may write to and root runs what is found there, so one that
 * somebody else made or can change is refused.
 */
export function prepareRoot(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o755 })
  const status = statSync(root)
  // Of a symbolic link, both ends count.
  if ([status, lstatSync(root)].some(({ uid }) => uid !== process.getuid?.())) {
    throw new NetpluginError(
      'forbidden',
      'LAB_ROOT_FOREIGN',
      `${root} belongs to another user; set NETLAB_DIR to a folder of yours`,
    )
  }
  if ((status.mode & 0o022) !== 0) chmodSync(root, 0o755)
}
