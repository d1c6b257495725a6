// Stories of documents loaded through REST, for the tests beside this file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointState, IntentAnswer, NetworkState } from '../model/intent-answer.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

export interface Steps {
  readonly netmaster: TestNetmaster
  /** Loads a document; answers `action key` of each change. */
  load(path: string, document: unknown): Promise<string[]>
  answer(path: string, document: unknown): Promise<IntentAnswer>
  /** The code of a refusal, which must have changed nothing. */
  refused(path: string, document: unknown): Promise<string>
  /** `id address host` of every endpoint. */
  endpoints(): Promise<string[]>
  /** `id kind tag subnet gateway` of every network. */
  networks(): Promise<string[]>
}

export function story(title: string, body: (steps: Steps) => Promise<void>): void {
  test(title, async () => {
    const netmaster = await startTestNetmaster()
    // The types are those of the routes; their content is what the stories check.
    const answer = async (path: string, document: unknown) =>
      (await netmaster.ok('POST', path, document)) as IntentAnswer
    const endpoints = async () => {
      const states = (await netmaster.ok('GET', '/endpoints')) as EndpointState[]
      return states.map(({ endpointID, ipAddress, homingHost }) => `${endpointID} ${ipAddress} ${homingHost}`.trimEnd())
    }
    const networks = async () => {
      const states = (await netmaster.ok('GET', '/networks')) as NetworkState[]
      return states.map(({ id, pktTagType, pktTag, subnetIP, subnetLen, gateway }) =>
        `${id} ${pktTagType} ${pktTag} ${subnetIP}/${subnetLen} ${gateway}`.trimEnd(),
      )
    }
    try {
      await body({
        netmaster,
        answer,
        load: async (path, document) =>
          (await answer(path, document)).changes.map(({ action, key }) => `${action} ${key}`),
        refused: async (path, document) => {
          const before = [...(await endpoints()), ...(await networks())]
          const code = await netmaster.refused('POST', path, document)
          assert.deepEqual([...(await endpoints()), ...(await networks())], before)
          return code
        },
        endpoints,
        networks,
      })
    } finally {
      await netmaster.stop()
    }
  })
}

export const on = (...containers: readonly (string | object)[]) =>
  containers.map((each) => (typeof each === 'string' ? { Container: each } : each))
export const net = (Name: string, Endpoints: readonly object[] = [], more: object = {}) => ({
  Name,
  ...more,
  Endpoints,
})
export const blue = (Networks: readonly object[], more: object = {}) => ({
  Tenants: [{ Name: 'blue', DefaultNetType: 'vlan', SubnetPool: '11.1.0.0/16', Vlans: '11-28', ...more, Networks }],
})
export const two = blue([net('orange', on('web', 'db')), net('purple', on('mail'))])
export const none = { Tenants: [] }
