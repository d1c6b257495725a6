// Attaches and detaches endpoints as dockerd would, by calls on the plugin's socket, and prints how long each call took.
//
//   node bench/inside/attach.ts NETWORK SUBNET COUNT PARALLEL MODE
//
// MODE `churn`: each endpoint is detached before the next is attached. `fill`: all are attached, then all detached. `hand`:
// as fill, and after each a veth is made and put on a bridge of the same switch with ip and ovs-vsctl.

import { randomBytes } from 'node:crypto'
import { DockerRuntime } from '../../src/drivers/runtime/docker.ts'
import { LibnetworkClient } from '../../src/protocols/libnetwork/client.ts'
import { noEndpointOptions } from '../../src/protocols/libnetwork/options.ts'
import { HandMadePorts } from './hand-made-ports.ts'

export interface AttachTimes {
  /** Milliseconds of RequestAddress, of CreateEndpoint + Join, and of Leave + DeleteEndpoint + ReleaseAddress. */
  readonly address: readonly number[]
  readonly attach: readonly number[]
  readonly detach: readonly number[]
  /** Of the same work by hand, one for each `attach`; in mode `hand` only. */
  readonly byHand: readonly number[]
  /** Wall time of attaching (in churn: of everything), and of detaching, ms. */
  readonly attachTotal: number
  readonly detachTotal: number
}

interface Attached {
  readonly endpointId: string
  readonly address: string
}

const [name = '', subnet = '', count = '0', parallel = '1', mode = 'churn'] = process.argv.slice(2)
const signal = AbortSignal.timeout(110_000)
const client = new LibnetworkClient({ socketPath: '/run/docker/plugins/netplugin.sock' })

async function timed<T>(into: number[], work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await work()
  into.push(performance.now() - start)
  return result
}

/** Wall time of the work done `parallel` at a time until `next` has nothing more. */
async function inParallel(work: () => Promise<boolean>): Promise<number> {
  const start = performance.now()
  const worker = async () => {
    while (await work());
  }
  await Promise.all(Array.from({ length: Number(parallel) }, worker))
  return performance.now() - start
}

async function measure(): Promise<AttachTimes> {
  const runtime = new DockerRuntime({ socketPath: '/run/docker.sock' })
  const network = (await runtime.networks({}, signal)).find((found) => found.name === name)
  if (network === undefined) throw new Error(`Docker has no network ${name}`)
  const pool = { addressSpace: '', pool: subnet, subPool: '', options: { network: name }, v6: false }
  const { poolId } = await client.call('IpamDriver.RequestPool', pool, signal)
  const times = { address: [] as number[], attach: [] as number[], detach: [] as number[], byHand: [] as number[] }

  const attach = async (): Promise<Attached> => {
    const endpointId = randomBytes(32).toString('hex')
    const both = { networkId: network.id, endpointId }
    const { address } = await timed(times.address, () =>
      client.call('IpamDriver.RequestAddress', { poolId, address: '', options: {} }, signal),
    )
    const wanted = { address, addressIpv6: '', macAddress: '' }
    await timed(times.attach, async () => {
      const creating = { ...both, interface: wanted, options: noEndpointOptions }
      await client.call('NetworkDriver.CreateEndpoint', creating, signal)
      const sandboxKey = `/var/run/docker/netns/${endpointId.slice(0, 12)}`
      await client.call('NetworkDriver.Join', { ...both, sandboxKey, options: noEndpointOptions }, signal)
    })
    return { endpointId, address: address.replace(/\/.*/, '') }
  }
  const detach = ({ endpointId, address }: Attached) =>
    timed(times.detach, async () => {
      const both = { networkId: network.id, endpointId }
      await client.call('NetworkDriver.Leave', both, signal)
      await client.call('NetworkDriver.DeleteEndpoint', both, signal)
      await client.call('IpamDriver.ReleaseAddress', { poolId, address }, signal)
    })

  let left = Number(count)
  if (mode === 'churn') {
    const attachTotal = await inParallel(async () => {
      if (left-- <= 0) return false
      await detach(await attach())
      return true
    })
    return { ...times, attachTotal, detachTotal: 0 }
  }
  const attached: Attached[] = []
  const hand = mode === 'hand' ? await HandMadePorts.open() : undefined
  const attachTotal = await inParallel(async () => {
    if (left-- <= 0) return false
    attached.push(await attach())
    if (hand !== undefined) await timed(times.byHand, () => hand.add())
    return true
  })
  await hand?.close()
  const detachTotal = await inParallel(async () => {
    const next = attached.pop()
    if (next !== undefined) await detach(next)
    return next !== undefined
  })
  return { ...times, attachTotal, detachTotal }
}

process.stdout.write(JSON.stringify(await measure()))
client.close()
