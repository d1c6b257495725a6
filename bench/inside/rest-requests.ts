// The requests that load a netmaster.

import { randomBytes } from 'node:crypto'
import type { RawAnswer, RawClient } from './raw-client.ts'

const headers = { host: 'localhost', 'content-type': 'application/json' }

/** One request; throws unless it was served. */
export async function ask(client: RawClient, method: string, path: string, body = ''): Promise<RawAnswer> {
  const answer = await client.request(method, path, headers, body)
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`)
  return answer
}

/** Makes an endpoint in network `bench`, of an id such as Docker gives; answers how long it took, in ms. */
export async function createEndpoint(client: RawClient): Promise<number> {
  const EndpointID = randomBytes(32).toString('hex')
  const ConfigEP = { Container: EndpointID, Host: 'node1', IPAddress: '', IPv6Address: '', ServiceName: '' }
  const body = { Node: 'node1', TenantName: 'default', NetworkName: 'bench', EndpointID, ConfigEP }
  const text = JSON.stringify(body)
  const started = performance.now()
  await ask(client, 'POST', '/plugin/createEndpoint', text)
  return performance.now() - started
}
