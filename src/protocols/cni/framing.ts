// What passes between the executable and the daemon behind it, on a unix socket:
//
//   request   "CNI1" NUL, "KEY=VALUE" NUL for each variable, NUL, standard input, NUL; an end before the answer takes it back
//   answer    "0" or "1" (the exit status), newline, standard output, end
//
// native/netplugin-cni.c is the other side.

import { CniError, cniCode } from './error.ts'

export interface CniRequest {
  readonly environment: Readonly<Record<string, string>>
  readonly input: string
}

const magic = 'CNI1'
export const maxRequestBytes = 2 * 1024 * 1024

export function encodeRequest({ environment, input }: CniRequest): Buffer {
  const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}\0`)
  return Buffer.from(`${magic}\0${variables.join('')}\0${input}\0`)
}

/** Whether all of it has come: after the variables, which end with an empty one, comes a last NUL. */
export function isWhole(bytes: Buffer): boolean {
  const input = bytes.indexOf('\0\0')
  return input >= 0 && bytes.indexOf(0, input + 2) >= 0
}

/** Throws error 5 for what no executable of ours sends. */
export function decodeRequest(bytes: Buffer): CniRequest {
  const fields: string[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf(0, at)
    if (end < 0) throw new CniError(cniCode.inputOutput, 'the call ends too early: is netplugin-cni of this version?')
    const field = bytes.toString('utf8', at, end)
    at = end + 1
    if (field === '') break
    fields.push(field)
  }
  if (fields[0] !== magic) {
    throw new CniError(cniCode.inputOutput, 'the call is not as netplugin-cni writes it: install that of this version')
  }
  const environment: Record<string, string> = {}
  for (const field of fields.slice(1)) {
    const equals = field.indexOf('=')
    if (equals > 0) environment[field.slice(0, equals)] = field.slice(equals + 1)
  }
  const end = bytes.indexOf(0, at)
  return { environment, input: bytes.toString('utf8', at, end < 0 ? bytes.length : end) }
}

export interface CniAnswer {
  readonly status: 0 | 1
  /** Undefined: nothing is printed. */
  readonly document: object | undefined
}

export function encodeAnswer({ status, document }: CniAnswer): string {
  return `${status}\n${document === undefined ? '' : `${JSON.stringify(document)}\n`}`
}
