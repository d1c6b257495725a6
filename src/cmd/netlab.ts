// Entry point of netlab: streams, signals and the exit status.

import { systemClock } from '../lib/clock.ts'
import { main } from '../netlab/main.ts'

const stop = new AbortController()
const interrupted = () => stop.abort(new Error('interrupted'))
process.once('SIGINT', interrupted).once('SIGTERM', interrupted)

const code = await main(
  process.argv.slice(2),
  {
    clock: systemClock,
    environment: process.env,
    isRoot: process.getuid?.() === 0,
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
  },
  stop.signal,
)
process.exit(code)
