// The netctl program: gives src/netctl the process's arguments, streams and environment, and ends with its exit status.
// Start-up counts here: nothing that only a server needs is imported, and the HTTP client only when it is used.

import { systemClock } from '../lib/clock.ts'
import { exitStatus, netctl } from '../netctl/main.ts'
import { statusAtEnd, watchOutput } from './finish.ts'

watchOutput()
const status = await netctl(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  terminals: { in: isTerminal(0), out: process.stdout.isTTY === true, err: process.stderr.isTTY === true },
  ask: async (question, options) => {
    const { ask } = await import('../netctl/prompt.ts')
    return ask(question, options)
  },
  clock: systemClock,
  connect: async (options) => {
    const { connect } = await import('../netctl/connect.ts')
    return connect(options)
  },
})
process.exit(await statusAtEnd('netctl', status, exitStatus.localFile))

/** Asks without opening the stream, which a command that reads nothing would pay for. */
function isTerminal(descriptor: number): boolean {
  return process.getBuiltinModule('node:tty').isatty(descriptor)
}
