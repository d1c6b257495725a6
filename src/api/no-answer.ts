// Telling "nobody answered" from "the answer was no". By itself, so that a command line need not load the transport for it.

import type { NetpluginError } from '../lib/errors.ts'

/** Codes of the transport for answers that did not come or cannot be read. A server may use the same ones in an answer. */
const codes: ReadonlySet<string> = new Set([
  'NETMASTER_UNREACHABLE',
  'NETMASTER_TIMEOUT',
  'BAD_ANSWER',
  'ANSWER_TOO_LONG',
])

/** Whether the request got no answer; one that was answered carries its status. */
export function gotNoAnswer({ code, details }: NetpluginError): boolean {
  return codes.has(code) && details.status === undefined
}
