// Logs in at the proxy in front of netmaster, which answers with a token for later requests.

import { Transport } from '../api/transport.ts'
import { NetpluginError } from '../lib/errors.ts'
import { patienceMs, type Server } from './connect.ts'

export interface Credentials {
  readonly username: string
  readonly password: string
}

const path = '/api/v1/auth_proxy/login/'

/** Resolves with the token; rejects as any request does. */
export async function login({ url, insecure }: Server, { username, password }: Credentials): Promise<string> {
  const transport = new Transport({ baseUrl: url, insecure, timeoutMs: patienceMs })
  try {
    const answer = await transport.request('POST', path, { username, password })
    if (typeof answer === 'object' && answer !== null && 'token' in answer && typeof answer.token === 'string') {
      return answer.token
    }
    throw new NetpluginError('protocol', 'BAD_ANSWER', `${url} answered a login without a token; is it an auth proxy?`)
  } finally {
    transport.close()
  }
}
