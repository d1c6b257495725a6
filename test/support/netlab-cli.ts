// netlab's command line and a ping, for the tests of the lab itself.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { type CommandResult, runCommand } from '../../src/lib/command.ts'
import type { TestLab } from './lab.ts'

export const netlab = fileURLToPath(new URL('../../bin/netlab', import.meta.url))

/** The command line, as a person uses it. */
export function cli(args: readonly string[], input = ''): Promise<CommandResult> {
  return runCommand([netlab, ...args], { input }, AbortSignal.timeout(60_000))
}

export async function cliOk(args: readonly string[]): Promise<string> {
  const result = await cli(args)
  assert.equal(result.code, 0, `netlab ${args.join(' ')}\n${result.stdout}${result.stderr}`)
  return result.stdout
}

export async function pings(lab: TestLab, from: string, address: string, ...more: readonly string[]): Promise<boolean> {
  return (await lab.exec(from, ['ping', '-c', '1', '-W', '0.5', ...more, address])).code === 0
}
