// Runs one netctl command line in a test, and checks tables of them against a fake netmaster.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '../lib/clock.ts'
import { connect } from './connect.ts'
import { type Answer, type Asked, isText, startFakeNetmaster } from './fake-netmaster.ts'
import { netctl } from './main.ts'

export interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Somebody at a terminal: what they type, question by question. */
export interface Typist {
  readonly answers: readonly string[]
}

export interface RunOptions {
  readonly clock?: Clock
  /** Nobody, and no terminal, unless given. */
  readonly typist?: Typist
}

export async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { clock = systemClock, typist }: RunOptions = {},
): Promise<Outcome> {
  const typed = [...(typist?.answers ?? [])]
  const isTerminal = typist !== undefined
  let out = ''
  let err = ''
  const status = await netctl(argv, {
    env,
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    terminals: { in: isTerminal, out: isTerminal, err: isTerminal },
    ask: async (question) => {
      err += question
      return typed.shift()
    },
    clock,
    connect,
  })
  return { status, out, err }
}

export interface Case {
  readonly line: string
  readonly answers?: Readonly<Record<string, Answer>>
  readonly asked?: readonly Asked[]
  readonly out?: string
  /** 0 unless told. */
  readonly status?: number
  readonly err?: RegExp
}

export const defaultTenant = { key: 'default', tenantName: 'default', 'link-sets': {} }
export const getTenant = { 'GET /api/v1/tenants/default/': defaultTenant }

/** A cluster without nodes. */
export const quiet = {
  'GET /healthz': { status: 'ok', revision: 7, epoch: 'e' },
  'GET /internal/v1/nodes/applied/7': [],
}
/** What every change of the hosts' networks ends with. */
export const settled = Object.keys(quiet)
export const askedList = (plural: string) => ['GET /api/v1/tenants/default/', `GET /api/v1/${plural}/`]

/** One test for each line: what was asked of netmaster, what was printed, the status. */
export function testLines(cases: readonly Case[]): void {
  for (const { line, answers = {}, asked, out, status = 0, err } of cases) {
    const refused = Object.values(answers).some(isText)
    test(`netctl ${line}${refused ? ' (refused)' : ''}`, async (t) => {
      const server = await startFakeNetmaster({ ...quiet, ...answers })
      t.after(() => server.close())
      const words = line.split(' ').filter((word) => word !== '')
      const outcome = await run(words, { NETMASTER: server.url })
      assert.equal(outcome.status, status, outcome.err)
      if (out !== undefined) assert.equal(outcome.out, out)
      if (asked !== undefined) assert.deepEqual(server.requests, asked)
      if (err === undefined && status === 0) assert.equal(outcome.err, '')
      if (err !== undefined) assert.match(outcome.err, err)
    })
  }
}
