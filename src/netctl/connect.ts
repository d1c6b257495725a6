// The connection of one command to netmaster: the API's typed client with the patience of a person who waits.

import { type Client, createClient } from '../api/client.ts'

export interface ConnectOptions {
  readonly url: string
  /** Accept any TLS certificate. */
  readonly insecure: boolean
}

/** Deleting or listing thousands of objects takes a second; a server that needs longer is not well. */
const timeoutMs = 15_000

export async function connect({ url, insecure }: ConnectOptions): Promise<Client> {
  return createClient({ baseUrl: url, insecure, timeoutMs })
}
