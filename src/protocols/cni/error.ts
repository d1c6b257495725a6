// Errors as CNI has them: a number that the specification fixes, a sentence, and more of it.

/** Well-known numbers (CNI specification, "Errors"); from 100 on they are a plugin's own. */
export const cniCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  containerUnknown: 3,
  invalidEnvironment: 4,
  inputOutput: 5,
  undecodable: 6,
  invalidConfiguration: 7,
  tryAgainLater: 11,
  /** Of STATUS: no container can be added now. */
  notAvailable: 50,
  /** Of STATUS: and those that are there may not reach everything. */
  limitedConnectivity: 51,
  /** The first that is a plugin's own. */
  own: 100,
  internal: 999,
} as const

export class CniError extends Error {
  readonly code: number
  readonly details: string

  constructor(code: number, message: string, details = '') {
    super(message)
    this.name = 'CniError'
    this.code = code
    this.details = details
  }
}

/** The document that a plugin prints. */
export function encodeError({ code, message, details }: CniError, cniVersion: string): object {
  return { cniVersion, code, msg: message, ...(details === '' ? {} : { details }) }
}
