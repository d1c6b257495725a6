// Intent files from disk or standard input.

import { readFile } from 'node:fs/promises'
import { asError, NetpluginError } from '../lib/errors.ts'

/** Above what netmaster takes as one request. */
const maxBytes = 64 * 1024 * 1024

/** The text of a file, of standard input when it is `-`. Throws code LOCAL_FILE. */
export async function readText(file: string): Promise<string> {
  try {
    return file === '-' ? await readStream(process.stdin) : await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof NetpluginError) throw cause
    const shown = file === '-' ? 'standard input' : file
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const known: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'you may not read it',
      EISDIR: 'it is a directory',
    }
    const why = known[code] ?? asError(cause).message
    throw new NetpluginError('invalid', 'LOCAL_FILE', `${shown} cannot be read: ${why}`, { cause })
  }
}

async function readStream(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > maxBytes) throw new NetpluginError('invalid', 'LOCAL_FILE', 'standard input is too long for an intent')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
