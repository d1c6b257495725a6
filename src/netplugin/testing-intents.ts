// Endpoints of intents and containers for them, for tests.

import { endpointRecord } from '../../test/support/cluster.ts'
import type { RuntimeAttachment, RuntimeContainer } from '../drivers/runtime/runtime.ts'
import type { ClusterState, EndpointRecord } from '../model/state.ts'
import { small } from './testing.ts'

const endpointId = 'net.default-web'

/** An endpoint that waits for the container `web`, on any node. */
export function intended(more: Partial<EndpointRecord> = {}): EndpointRecord {
  const { endpointId: id = endpointId } = more
  return {
    ...endpointRecord({ id, network: 'default:net', node: '', ipv4: '10.1.0.7' }),
    containerId: '',
    containerName: 'web',
    origin: 'intent',
    binding: { alias: '', host: '', attachUuid: '' },
    ...more,
  }
}

export function withIntended(...endpoints: readonly EndpointRecord[]): ClusterState {
  return small({ endpoints: new Map(endpoints.map((endpoint) => [endpoint.endpointId, endpoint])) })
}

export function runningContainer(id: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer {
  return { id, name: 'web', labels: {}, running: true, namespace: `/proc/${id}/ns/net`, attachments: [], ...more }
}

export function attachedTo(networkId: string): RuntimeAttachment {
  return { networkId, networkName: networkId, endpointId: 'e', ipv4: '', ipv6: '', mac: '', aliases: [] }
}
