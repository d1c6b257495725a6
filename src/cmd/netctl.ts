// The netctl program: gives src/netctl the process's arguments, streams and environment, and ends with its exit status.
// Start-up counts here: nothing that only a server needs is imported, and the HTTP client only when it is used.

import { systemClock } from '../lib/clock.ts'
import { exitStatus, netctl } from '../netctl/main.ts'

let outputError: NodeJS.ErrnoException | undefined
process.stdout.on('error', (error) => {
  outputError ??= error
})

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
process.exit(await outcome(status))

/** Asks without opening the stream, which a command that reads nothing would pay for. */
function isTerminal(descriptor: number): boolean {
  return process.getBuiltinModule('node:tty').isatty(descriptor)
}

/** A reader that went away (`netctl net ls | head -1`) is no failure; a full disk is one. */
async function outcome(status: number): Promise<number> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  if (outputError === undefined || outputError.code === 'EPIPE') return status
  process.stderr.write(`netctl: standard output cannot be written: ${outputError.message}\n`)
  return exitStatus.localFile
}
