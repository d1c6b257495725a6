// The connection of one command to netmaster: the API's typed client with the patience of a person who waits.

import { type Client, createClient } from '../api/client.ts'

export interface Server {
  readonly url: string
  /** Accept any TLS certificate. */
  readonly insecure: boolean
}

export interface ConnectOptions extends Server {
  /** What a login gave. */
  readonly token?: string | undefined
  /** For each request; 15 s when left out. */
  readonly timeoutMs?: number
}

/** Deleting or listing thousands of objects takes a second; a server that needs longer is not well. */
export const patienceMs = 15_000

export async function connect({ url, insecure, token, timeoutMs = patienceMs }: ConnectOptions): Promise<Client> {
  const headers = token === undefined ? {} : { 'x-auth-token': token }
  return createClient({ baseUrl: url, insecure, timeoutMs, headers })
}
