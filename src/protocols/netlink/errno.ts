// Error numbers of the system as errors of the project: code `NETLINK_EEXIST` and the like, and a kind that says whether
// trying again can help.

import { getSystemErrorMap } from 'node:util'
import { type ErrorDetails, type ErrorKind, NetpluginError } from '../../lib/errors.ts'

/** Names and explanations by negative error number. Node makes the map anew for each caller, 0.3 ms. */
const known = getSystemErrorMap()

const kinds: Readonly<Record<string, ErrorKind>> = {
  EEXIST: 'conflict',
  EADDRINUSE: 'conflict',
  ENODEV: 'not-found',
  ENXIO: 'not-found',
  ENOENT: 'not-found',
  ESRCH: 'not-found',
  EADDRNOTAVAIL: 'not-found',
  EPERM: 'forbidden',
  EACCES: 'forbidden',
  EINVAL: 'invalid',
  ERANGE: 'invalid',
  ENETUNREACH: 'invalid',
  EHOSTUNREACH: 'invalid',
  ENETDOWN: 'unavailable',
  EBUSY: 'unavailable',
  EAGAIN: 'timeout',
  ENOBUFS: 'unavailable',
  ENOMEM: 'unavailable',
  EMFILE: 'unavailable',
  ENFILE: 'unavailable',
}

const nextSteps: Readonly<Record<string, string>> = {
  EPERM: 'run as root or with CAP_NET_ADMIN and CAP_SYS_ADMIN',
  EACCES: 'run as root or with CAP_NET_ADMIN and CAP_SYS_ADMIN',
  ENOTSUP: 'this kernel lacks the feature',
  EAFNOSUPPORT: 'this kernel lacks the protocol family; is IPv6 switched off?',
  EMFILE: 'raise the limit of open files',
}

/** `EEXIST` for 17. */
export function errnoName(errno: number): string {
  return known.get(-errno)?.[0] ?? `ERRNO_${errno}`
}

/**
 * The error of a failed call. `action` completes the sentence "cannot …"; `text` is the kernel's own explanation.
 */
export function systemError(action: string, errno: number, text = '', details: ErrorDetails = {}): NetpluginError {
  const name = errnoName(errno)
  const reason = known.get(-errno)?.[1] ?? `error ${errno}`
  const said = text === '' ? reason : `${reason}: ${text.replace(/\.$/, '')}`
  const next = nextSteps[name] === undefined ? '' : `; ${nextSteps[name]}`
  return new NetpluginError(
    kinds[name] ?? 'internal',
    `NETLINK_${name}`,
    `cannot ${action}: ${said} (${name})${next}`,
    {
      details: { ...details, errno },
    },
  )
}
