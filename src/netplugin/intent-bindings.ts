// Which containers of this host the endpoints of intents belong to, and what netmaster and Docker must be asked for until
// that is so everywhere. Pure.

import type { RuntimeContainer } from '../drivers/runtime/runtime.ts'
import type { EndpointRecord } from '../model/state.ts'
import type { NetworkRef } from './network-ref.ts'

export type BindingStep =
  /** The container runs here: netmaster is to give it the endpoint. */
  | { readonly kind: 'claim'; readonly endpoint: EndpointRecord; readonly container: RuntimeContainer }
  /** The container that has the endpoint does not run here any more. */
  | { readonly kind: 'release'; readonly endpoint: EndpointRecord }
  /**
   * Docker gave the container an address of its own choice in the network of the endpoint. A driver is not told for which
   * container Docker asks, so that it cannot give the intended address: the endpoint takes the place of Docker's.
   */
  | {
      readonly kind: 'disconnect'
      readonly endpoint: EndpointRecord
      readonly container: RuntimeContainer
      readonly dockerNetwork: string
    }

interface Host {
  readonly node: string
  /** By id. */
  readonly running: ReadonlyMap<string, RuntimeContainer>
  /** Which network of ours a Docker network stands for. */
  readonly refOf: (dockerNetwork: string) => NetworkRef | undefined
}

/** One step at most for each endpoint; none when all is as it must be. `endpoints` are those of intents. */
export function planBindings(endpoints: readonly EndpointRecord[], { node, running, refOf }: Host): BindingStep[] {
  const steps: BindingStep[] = []
  const byName = new Map([...running.values()].map((container) => [container.name, container]))
  for (const endpoint of endpoints) {
    if (endpoint.node !== node && endpoint.node !== '') continue
    const container = containerFor(endpoint, running, byName)
    const bound = endpoint.node === node && endpoint.containerId !== ''
    if (bound && endpoint.containerId !== container?.id) steps.push({ kind: 'release', endpoint })
    else if (container !== undefined) {
      const dockerNetwork = container.attachments.find(
        ({ networkId, endpointId }) => endpointId !== '' && isNetworkOf(endpoint, refOf(networkId)),
      )?.networkId
      if (dockerNetwork !== undefined) steps.push({ kind: 'disconnect', endpoint, container, dockerNetwork })
      else if (!bound) steps.push({ kind: 'claim', endpoint, container })
    }
  }
  return steps
}

/** By its id where the intent names that, else by its name. */
function containerFor(
  { binding, containerName }: EndpointRecord,
  running: ReadonlyMap<string, RuntimeContainer>,
  byName: ReadonlyMap<string, RuntimeContainer>,
): RuntimeContainer | undefined {
  const attachUuid = binding?.attachUuid ?? ''
  if (attachUuid === '') return byName.get(containerName)
  return running.get(attachUuid) ?? [...running.values()].find(({ id }) => id.startsWith(attachUuid))
}

function isNetworkOf(endpoint: EndpointRecord, ref: NetworkRef | undefined): boolean {
  return ref?.tenant === endpoint.tenantName && ref.network === endpoint.networkName
}
