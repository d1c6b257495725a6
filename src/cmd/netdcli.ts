// The netdcli program: gives src/netdcli the process's arguments, streams and environment, and ends with its exit status.

import { systemClock } from '../lib/clock.ts'
import { readText } from '../netdcli/files.ts'
import { exitStatus, netdcli } from '../netdcli/main.ts'
import { statusAtEnd, watchOutput } from './finish.ts'

/** A document of thousands of networks takes netmaster a second or two. */
const timeoutMs = 60_000

watchOutput()
const status = await netdcli(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  readText,
  clock: systemClock,
  connect: async ({ url, insecure }) => {
    const { Transport } = await import('../api/transport.ts')
    return new Transport({ baseUrl: url, timeoutMs, insecure })
  },
})
process.exit(await statusAtEnd('netdcli', status, exitStatus.localFile))
