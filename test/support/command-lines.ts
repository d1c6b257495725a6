// netctl against netmaster, both in this process and over a real socket: command lines in order, with the outcomes that
// scripts written for the original command line count on.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { run } from '../../src/netctl/test-lines.ts'
import { startTestNetmaster, type TestNetmaster } from '../../src/netmaster/testing.ts'

export interface Step {
  readonly line: string
  /** 0 unless told. */
  readonly status?: number
  readonly out?: string | RegExp
  readonly err?: RegExp
}

/** A netmaster with an empty store, for the length of a test. */
export async function startCluster(t: TestContext): Promise<{ readonly url: string; readonly cluster: TestNetmaster }> {
  const cluster = await startTestNetmaster()
  t.after(() => cluster.stop())
  return { url: `http://${await cluster.netmaster.start({ host: '127.0.0.1', port: 0 })}`, cluster }
}

export async function runInOrder(url: string, steps: readonly Step[]): Promise<void> {
  for (const { line, status = 0, out, err } of steps) {
    const outcome = await run(wordsOf(line), { NETMASTER: url })
    const told = `${line}\n${outcome.err}${outcome.out}`
    assert.equal(outcome.status, status, told)
    if (typeof out === 'string') assert.equal(outcome.out, out, told)
    if (out instanceof RegExp) assert.match(outcome.out, out, told)
    if (err !== undefined) assert.match(outcome.err, err, told)
    if (status === 0) assert.equal(outcome.err, '', told)
    else assert.doesNotMatch(outcome.err, /\.ts\b| {4}at /, 'no stack traces')
  }
}

/** Words are apart by one space; one in single quotes may hold spaces. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|([^ ]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
