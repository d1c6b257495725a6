// Calls on a host's Docker plugin socket, as Docker makes them, without Docker.

import { request } from 'node:http'
import type { TestLab } from './lab.ts'

export interface PluginAnswer {
  readonly status: number
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Posts a body, text as it is and anything else as JSON. Bounded: 40 s. */
export function callPlugin(lab: TestLab, host: string, call: string, body: unknown): Promise<PluginAnswer> {
  const socketPath = `/proc/${lab.pid(host)}/root/run/docker/plugins/netplugin.sock`
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, method: 'POST', path: `/${call}`, signal: AbortSignal.timeout(40_000) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ status: response.statusCode ?? 0, text, body: parsed(text) })
        })
      },
    )
    sent.once('error', reject)
    sent.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

export interface DockerNetwork {
  readonly dockerId: string
  readonly pool: string
}

export interface Attached {
  readonly address: string
  /** Resolves to the name of the interface that is to be moved into the container, in the host until then. */
  join(): Promise<string>
  detach(): Promise<void>
}

/**
 * What Docker does to attach a container: an address, a certain one if `wanted` says so, then an endpoint. Throws what the
 * plugin says is wrong.
 */
export async function attach(
  lab: TestLab,
  host: string,
  network: DockerNetwork,
  endpointId: string,
  wanted = '',
): Promise<Attached> {
  const ok = async (call: string, body: unknown) => {
    const answer = await callPlugin(lab, host, call, body)
    if (answer.status !== 200) throw new Error(`${call}: ${answer.status} ${answer.text}`)
    return answer.body
  }
  const both = { NetworkID: network.dockerId, EndpointID: endpointId }
  const given = await ok('IpamDriver.RequestAddress', { PoolID: network.pool, Address: wanted, Options: {} })
  const address = String(given.Address)
  await ok('NetworkDriver.CreateEndpoint', {
    ...both,
    Interface: { Address: address, AddressIPv6: '', MacAddress: '' },
    Options: {},
  })
  const join = async () => {
    const { InterfaceName } = await ok('NetworkDriver.Join', { ...both, SandboxKey: `/run/${endpointId}`, Options: {} })
    return String(Object(InterfaceName).SrcName)
  }
  const detach = async () => {
    await ok('NetworkDriver.DeleteEndpoint', both)
    await ok('IpamDriver.ReleaseAddress', { PoolID: network.pool, Address: address.replace(/\/.*/, '') })
  }
  return { address: address.replace(/\/.*/, ''), join, detach }
}
