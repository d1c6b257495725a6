// A netmaster for tests: memory store, a clock the test moves, requests without sockets.

import { MemoryStore, type Store } from '../drivers/store/index.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { silentLog } from '../lib/log.ts'
import type { FlowLimits } from '../model/policy-cost.ts'
import type { ServerOptions } from './http.ts'
import type { LossTimes } from './lost-nodes.ts'
import { createNetmaster, type Netmaster } from './netmaster.ts'

export interface Answer {
  readonly status: number
  /** Parsed when the answer is JSON, else the text. */
  readonly body: unknown
  readonly type: string
}

export interface TestNetmaster {
  readonly netmaster: Netmaster
  readonly clock: FakeClock
  readonly store: Store
  /** A body that is a string is sent as it is. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** The body of a 2xx answer; throws with the server's message otherwise. */
  ok(method: string, path: string, body?: unknown): Promise<unknown>
  /** The code of a refusal; throws when it was none. */
  refused(method: string, path: string, body?: unknown): Promise<string>
  stop(): Promise<void>
}

export async function startTestNetmaster(
  options: {
    readonly store?: Store
    readonly fwdMode?: 'bridge' | 'routing'
    readonly netMode?: 'vlan' | 'vxlan'
    readonly historyLimit?: number
    readonly server?: ServerOptions
    readonly flows?: FlowLimits
    readonly instance?: string
    readonly loss?: LossTimes
    /** There are others on the store. */
    readonly isShared?: boolean
  } = {},
): Promise<TestNetmaster> {
  const clock = new FakeClock()
  const store = options.store ?? new MemoryStore({ historyLimit: 100_000 }, { newEpoch: () => 'epoch-of-a-test' })
  const netmaster = await createNetmaster(
    {
      clusterMode: 'docker',
      netMode: options.netMode ?? 'vxlan',
      fwdMode: options.fwdMode ?? 'routing',
      version: { GitCommit: 'abcdef01', Version: '1.2.3', BuildTime: 'from source' },
      historyLimit: options.historyLimit ?? 10_000,
      instance: options.instance ?? 'netmaster-of-a-test',
      isShared: options.isShared ?? false,
      ...(options.loss === undefined ? {} : { loss: options.loss }),
      ...(options.server === undefined ? {} : { server: options.server }),
      ...(options.flows === undefined ? {} : { flows: options.flows }),
    },
    { store, clock, log: silentLog },
  )
  const request: TestNetmaster['request'] = async (method, path, body, headers = {}) => {
    const known = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const
    const payload = body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }
    const response = await netmaster.app.inject({
      method: known.find((each) => each === method) ?? 'GET',
      url: path,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...payload,
    })
    const type = String(response.headers['content-type'] ?? '')
    return { status: response.statusCode, type, body: type.includes('json') ? response.json() : response.body }
  }
  return {
    netmaster,
    clock,
    store,
    request,
    ok: async (method, path, body) => {
      const answer = await request(method, path, body)
      if (answer.status === 200) return answer.body
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    },
    refused: async (method, path, body) => {
      const { status, body: said } = await request(method, path, body)
      if (status >= 400 && typeof said === 'object' && said !== null && 'code' in said) return String(said.code)
      throw new Error(`${method} ${path} was not refused: ${status} ${JSON.stringify(said)}`)
    },
    stop: () => netmaster.stop(),
  }
}
