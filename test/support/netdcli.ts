// netdcli against netmaster, both in this process and over a real socket.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Transport } from '../../src/api/transport.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { readText } from '../../src/netdcli/files.ts'
import { netdcli } from '../../src/netdcli/main.ts'

export const examples = fileURLToPath(new URL('../../examples', import.meta.url))

export interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs one line; words are apart by one space, and `input` is what standard input holds. */
export async function runNetdcli(url: string, line: string, input = ''): Promise<Outcome> {
  let out = ''
  let err = ''
  const status = await netdcli(
    line.split(' ').filter((word) => word !== ''),
    {
      env: { NETMASTER: url },
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      clock: systemClock,
      readText: async (file) => (file === '-' ? input : readText(file)),
      connect: async (options) => new Transport({ baseUrl: options.url, timeoutMs: 15_000 }),
    },
  )
  return { status, out, err }
}

/** Loads an example, which must be accepted; answers what was printed. */
export async function loadExample(url: string, flag: string, name: string): Promise<string> {
  const { status, out, err } = await runNetdcli(url, `${flag} ${join(examples, name)}`)
  assert.equal(status, 0, `${flag} ${name}: ${err}`)
  return out
}
