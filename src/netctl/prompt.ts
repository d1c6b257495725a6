// Asks the user for one line, on the terminal or from whatever standard input is. Secrets are not echoed.

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Lines of an input that is no terminal: kept between questions, because what was read is gone from it. */
let lines: AsyncIterator<string> | undefined

/** Undefined when the input ends before a line does. */
export async function ask(
  question: string,
  { secret = false }: { readonly secret?: boolean } = {},
): Promise<string | undefined> {
  if (!process.stdin.isTTY) {
    lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]()
    const { value, done } = await lines.next()
    return done === true ? undefined : value
  }
  // Questions go to standard error: standard output may be a file.
  const output = secret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr
  const reader = createInterface({ input: process.stdin, output, terminal: true })
  try {
    return await new Promise<string | undefined>((resolve) => {
      reader.once('close', () => resolve(undefined))
      reader.once('SIGINT', () => reader.close())
      // The terminal echoes nothing from here on, so that an answer typed at once stays unseen too.
      if (secret) process.stderr.write(question)
      reader.question(question, resolve)
    })
  } finally {
    reader.close()
    if (secret) process.stderr.write('\n')
  }
}
