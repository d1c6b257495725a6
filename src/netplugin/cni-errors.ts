// Which of CNI's numbers stands for an error of ours.

import { asNetpluginError, type ErrorKind } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { CniError, cniCode } from '../protocols/cni/index.ts'

/** Our own numbers, from 100 on. */
export const ownCode = {
  /** The address pool of the network or group is empty. */
  exhausted: 100,
  forbidden: 101,
  /** CHECK: the container is not as it was added. */
  notAsAdded: 102,
} as const

const byKind: Readonly<Record<ErrorKind, number>> = {
  invalid: cniCode.invalidConfiguration,
  // What the configuration names: a tenant, a network, a group.
  'not-found': cniCode.invalidConfiguration,
  conflict: cniCode.tryAgainLater,
  exhausted: ownCode.exhausted,
  unauthorized: ownCode.forbidden,
  forbidden: ownCode.forbidden,
  unavailable: cniCode.tryAgainLater,
  timeout: cniCode.tryAgainLater,
  protocol: cniCode.inputOutput,
  internal: cniCode.internal,
}

const byCode: Readonly<Record<string, number>> = {
  NAMESPACE_MISSING: cniCode.containerUnknown,
  NAMESPACE_OF_HOST: cniCode.invalidEnvironment,
  INTERFACE_TAKEN: cniCode.invalidEnvironment,
  // Another choice is asked for, not patience.
  NAT_OFF: cniCode.invalidConfiguration,
}

export function cniErrorOf(thrown: unknown, log: Log): CniError {
  if (thrown instanceof CniError) return thrown
  const { kind, code, message, stack } = asNetpluginError(thrown)
  if (kind === 'internal') log.error('cni call failed', { code, error: message, stack })
  return new CniError(byCode[code] ?? byKind[kind], message, code)
}
