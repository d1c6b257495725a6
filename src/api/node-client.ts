// The agent's side of netmaster: registration, heartbeats, the stream of cluster state, and requests for addresses and
// endpoints on behalf of the node's runtime.

import { NetpluginError } from '../lib/errors.ts'
import type { CountsAnswer, CountsBody } from '../model/counts.ts'
import type { HostMembers, MembersAnswer, MembersBody } from '../model/multicast.ts'
import type { HeartbeatAnswer, HeartbeatInput, NodeView, RegisterAnswer, RegisterInput } from '../model/node.ts'
import type {
  AllocAddressAnswer,
  AllocAddressInput,
  CreateEndpointInput,
  DeleteEndpointInput,
  EndpointAnswer,
  ReleaseAddressAnswer,
  ReleaseAddressInput,
  UpdateEndpointInput,
} from '../model/plugin.ts'
import type { Change, StreamMessage } from '../model/state.ts'
import { isUnderstood, stateVersion } from '../model/versions.ts'
import type { NodeSession } from './node-session.ts'
import { fillPath, type Route } from './route.ts'
import { nodeRoutes, streamPath } from './routes/nodes.ts'
import { pluginRoutes } from './routes/plugin.ts'
import { Transport, type TransportOptions } from './transport.ts'

/** Netmaster speaks at least each 5 s; after this silence the stream is taken for dead. */
export const streamIdleMs = 15_000

export interface NodeClientOptions extends TransportOptions {
  /** Name of this node; goes into every request. */
  readonly node: string
  /** In which its requests are numbered; left out: they are not, and late ones are not refused. */
  readonly session?: NodeSession
}

/** Where an agent left off: the epoch and revision of its state. */
export interface StreamPosition {
  readonly epoch: string
  readonly revision: number
}

/** Several netmasters may be given, and each tells of the others: who does not serve is left for the next. */
export interface NodeClient {
  register(body: RegisterInput, signal?: AbortSignal): Promise<RegisterAnswer>
  heartbeat(body: HeartbeatInput, signal?: AbortSignal): Promise<HeartbeatAnswer>
  nodes(signal?: AbortSignal): Promise<readonly NodeView[]>
  /**
   * The cluster's state: resumes after `since` when netmaster still has the changes, else a snapshot, then deltas without
   * end. Throws when the connection breaks or is silent for 15 s: open it again from the last revision.
   */
  openStream(since: StreamPosition | undefined, signal: AbortSignal): AsyncIterable<StreamMessage>
  /** Reserves an address for this node; a reservation that is not used within 60 s is freed. */
  allocAddress(body: AllocAddressInput, signal?: AbortSignal): Promise<AllocAddressAnswer>
  /** Frees a reservation; never the address of an endpoint. An unknown address is no error. */
  releaseAddress(body: ReleaseAddressInput, signal?: AbortSignal): Promise<ReleaseAddressAnswer>
  /** Idempotent by endpoint id. */
  createEndpoint(body: CreateEndpointInput, signal?: AbortSignal): Promise<EndpointAnswer>
  /** An unknown endpoint is no error; its addresses go back to being reserved for this node. */
  deleteEndpoint(body: DeleteEndpointInput, signal?: AbortSignal): Promise<EndpointAnswer>
  updateEndpoint(body: UpdateEndpointInput, signal?: AbortSignal): Promise<EndpointAnswer>
  /** Answers a question of the stream. */
  counts(body: CountsBody, signal?: AbortSignal): Promise<CountsAnswer>
  /** Says which multicast groups have members here. */
  members(body: MembersBody, signal?: AbortSignal): Promise<MembersAnswer>
  /** URLs of the netmasters that were given or told of. */
  servers(): readonly string[]
  close(): void
}

export function createNodeClient(options: NodeClientOptions): NodeClient {
  const transport = new Transport(options)
  const { node, session } = options
  /** What every request on behalf of the runtime has. */
  const plugin = <Input extends object, Body, Answer>(
    route: Route<Input, Body, Answer>,
    body: Input,
    signal: AbortSignal | undefined,
  ): Promise<Answer> => {
    if (session === undefined) return transport.call(route, {}, { Node: node, ...body }, signal)
    const tries = {
      body: () => ({ Node: node, ...body, Session: session.number }),
      unanswered: () => session.unanswered(),
    }
    return session.request(() => transport.callNumbered(route, {}, tries, signal), signal)
  }
  const register = (body: RegisterInput, signal: AbortSignal | undefined): Promise<RegisterAnswer> => {
    if (session === undefined) return transport.call(nodeRoutes.register, { node }, body, signal)
    const tries = { body: () => ({ ...body, session: session.number }), unanswered: () => session.unanswered() }
    return session.register(() => transport.callNumbered(nodeRoutes.register, { node }, tries, signal))
  }
  const learned = <A extends { readonly masters?: string[] | undefined }>(answer: A): A => {
    if (answer.masters !== undefined) transport.learn(answer.masters)
    return answer
  }
  return {
    register: async (body, signal) => learned(await register(body, signal)),
    heartbeat: async (body, signal) => learned(await transport.call(nodeRoutes.heartbeat, { node }, body, signal)),
    nodes: (signal) => transport.call(nodeRoutes.list, {}, undefined, signal),
    openStream: (since, signal) => readStream(transport, node, since, signal),
    allocAddress: (body, signal) => {
      // Sent again to another netmaster, it is still the same request.
      return plugin(pluginRoutes.allocAddress, { Request: crypto.randomUUID(), ...body }, signal)
    },
    releaseAddress: (body, signal) => plugin(pluginRoutes.releaseAddress, body, signal),
    createEndpoint: (body, signal) => plugin(pluginRoutes.createEndpoint, body, signal),
    deleteEndpoint: (body, signal) => plugin(pluginRoutes.deleteEndpoint, body, signal),
    updateEndpoint: (body, signal) => plugin(pluginRoutes.updateEndpoint, body, signal),
    counts: (body, signal) => transport.call(nodeRoutes.counts, { node }, body, signal),
    members: (body, signal) => transport.call(nodeRoutes.members, { node }, body, signal),
    servers: () => transport.servers(),
    close: () => transport.close(),
  }
}

/** The stream alone, without a client that lives longer. */
export async function* openStream(
  options: { readonly baseUrl: string; readonly node: string; readonly epoch?: string; readonly since?: number },
  signal: AbortSignal,
): AsyncIterable<StreamMessage> {
  const transport = new Transport({ baseUrl: options.baseUrl, timeoutMs: streamIdleMs })
  const { epoch, since } = options
  const position = epoch === undefined || since === undefined ? undefined : { epoch, revision: since }
  try {
    yield* readStream(transport, options.node, position, signal)
  } finally {
    transport.close()
  }
}

async function* readStream(
  transport: Transport,
  node: string,
  since: StreamPosition | undefined,
  signal: AbortSignal,
): AsyncIterable<StreamMessage> {
  const position = since === undefined ? '' : `&epoch=${encodeURIComponent(since.epoch)}&since=${since.revision}`
  const query = `?members=1${position}`
  for await (const document of transport.stream(
    fillPath(streamPath, { node }) + query,
    { idleMs: streamIdleMs },
    signal,
  )) {
    const message = parseStreamMessage(document)
    if (message !== undefined) yield message
  }
}

/**
 * Checks the frame of a message; the records in it are taken as netmaster made them. Undefined: one that only the next version knows.
 * Throws `protocol` BAD_STREAM_MESSAGE and STATE_VERSION.
 */
export function parseStreamMessage(value: unknown): StreamMessage | undefined {
  if (typeof value === 'object' && value !== null && 'type' in value) {
    const revision = 'revision' in value && Number.isSafeInteger(value.revision)
    const changes = 'changes' in value && Array.isArray(value.changes) && value.changes.every(isChange)
    const start = revision && 'epoch' in value && typeof value.epoch === 'string'
    switch (value.type) {
      case 'begin':
      case 'resume':
        if (start && 'version' in value && typeof value.version === 'number') {
          if (!isUnderstood(value.version, stateVersion)) throw notUnderstood(value.version)
          return value as StreamMessage
        }
        break
      case 'records':
        if (changes) return value as StreamMessage
        break
      case 'delta':
        if (revision && changes) return value as StreamMessage
        break
      case 'end':
      case 'ping':
        if (revision) return value as StreamMessage
        break
      case 'members-begin':
        return { type: 'members-begin' }
      case 'members':
        if ('network' in value && 'host' in value && 'members' in value) {
          const { network, host, members } = value
          const isTold = members === null || isHostMembers(members)
          if (typeof network === 'string' && typeof host === 'string' && isTold) {
            return { type: 'members', network, host, members }
          }
        }
        break
      case 'ask': {
        const asks = 'id' in value && Number.isSafeInteger(value.id) && 'about' in value && 'key' in value
        if (asks && typeof value.about === 'string' && typeof value.key === 'string') return value as StreamMessage
        break
      }
      default:
        if (typeof value.type === 'string') return undefined
    }
  }
  const shown = JSON.stringify(value)?.slice(0, 100)
  throw new NetpluginError(
    'protocol',
    'BAD_STREAM_MESSAGE',
    `netmaster sent a message this agent cannot read: ${shown}`,
  )
}

function notUnderstood(version: number): NetpluginError {
  const message = `this is a state of version ${version}, and this netplugin understands ${stateVersion - 1} to ${stateVersion + 1}; upgrade the older program`
  return new NetpluginError('protocol', 'STATE_VERSION', message)
}

function isHostMembers(value: unknown): value is HostMembers {
  if (typeof value !== 'object' || value === null) return false
  if (!('everything' in value) || !('groups' in value) || !Array.isArray(value.groups)) return false
  return typeof value.everything === 'boolean' && value.groups.every((group) => typeof group === 'string')
}

/** Whether this has the frame of a change; the record in it is not looked at. */
export function isChange(value: unknown): value is Change {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    'key' in value &&
    typeof value.key === 'string' &&
    'value' in value &&
    typeof value.value === 'object'
  )
}
