// Text lines of a stream, one after the other, with a bound on their length.

import type { Readable } from 'node:stream'
import { NetpluginError } from './errors.ts'

/** Lines without their ends. Errors: `protocol` LINE_TOO_LONG. What follows the last line end is dropped. */
export async function* linesOf(stream: Readable, maxChars: number): AsyncGenerator<string> {
  stream.setEncoding('utf8')
  let rest = ''
  for await (const chunk of stream) {
    rest += String(chunk)
    let start = 0
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      yield rest.slice(start, end)
      start = end + 1
    }
    rest = rest.slice(start)
    if (rest.length > maxChars)
      throw new NetpluginError('protocol', 'LINE_TOO_LONG', `a line has more than ${maxChars} characters`)
  }
}
