// A netmaster of a test's own: the real program with an empty store in memory, on a free port of the loopback.

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../bin/netmaster', import.meta.url))
const startMs = 15_000

/** Starts it and resolves with its URL; it ends with the test. */
export async function startNetmaster(t: TestContext, flags: readonly string[] = []): Promise<string> {
  const args = ['--state-store', 'memory', '--listen-url', `127.0.0.1:${await freePort()}`, ...flags]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  t.after(async () => {
    child.kill('SIGKILL')
    await gone
  })
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr, signal: AbortSignal.timeout(startMs) })) {
    said.push(line)
    const address = /"address":"([^"]+)"/.exec(line)?.[1]
    if (address === undefined) continue
    child.stderr.resume()
    return `http://${address}`
  }
  throw new Error(`netmaster did not begin to listen: ${said.join('\n')}`)
}

/** A port that nobody listens on now; netmaster wants to be told one. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}
