// The Docker engine as a runtime, over its unix socket (Docker Engine API 1.41 and later: engines from 20.10 on).

import { asError, NetpluginError } from '../../lib/errors.ts'
import { type DockerRequest, fetchJson, openAnswer, parseJson } from './docker-connection.ts'
import {
  networkBody,
  parseContainer,
  parseContainerIds,
  parseCreatedId,
  parseEvent,
  parseNetworks,
  parseVersion,
} from './docker-records.ts'
import type {
  NetworkSpec,
  Runtime,
  RuntimeContainer,
  RuntimeEvent,
  RuntimeNetwork,
  RuntimeVersion,
  WatchDeps,
} from './runtime.ts'

export interface DockerRuntimeOptions {
  /** Usually `/var/run/docker.sock`. */
  readonly socketPath: string
}

const oldestApi = 41
/** The newest minor version whose answers the parsers were written for; newer engines still speak it. */
const newestApi = 48
const maxEventBytes = 1024 * 1024
const inspectionsAtOnce = 8

export class DockerRuntime implements Runtime {
  readonly #socketPath: string
  #minor: number | undefined

  constructor(options: DockerRuntimeOptions) {
    this.#socketPath = options.socketPath
  }

  async version(signal: AbortSignal): Promise<RuntimeVersion> {
    const answer = await fetchJson(this.#socketPath, { method: 'GET', path: '/version' }, signal)
    const { version, apiVersion } = parseVersion(answer)
    const [major, minor] = apiVersion.split('.').map(Number)
    if (major !== 1 || minor === undefined || !(minor >= oldestApi)) {
      throw new NetpluginError(
        'invalid',
        'DOCKER_TOO_OLD',
        `Docker ${version} speaks API ${apiVersion}; 1.${oldestApi} is needed: upgrade Docker to 20.10 or later`,
        { details: { version, apiVersion } },
      )
    }
    this.#minor = Math.min(minor, newestApi)
    return { version, apiVersion: `1.${this.#minor}` }
  }

  async networks(filter: { readonly driver?: string }, signal: AbortSignal): Promise<readonly RuntimeNetwork[]> {
    const query = filter.driver === undefined ? '' : filters({ driver: [filter.driver] })
    return parseNetworks(await this.#call({ method: 'GET', path: `/networks${query}` }, signal))
  }

  async createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<string> {
    try {
      const body = networkBody(spec)
      return parseCreatedId(await this.#call({ method: 'POST', path: '/networks/create', body }, signal))
    } catch (error) {
      if (isOfKind(error, 'conflict')) throw renamed(error, 'conflict', 'NETWORK_EXISTS')
      throw error
    }
  }

  async removeNetwork(idOrName: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#call({ method: 'DELETE', path: `/networks/${encodeURIComponent(idOrName)}` }, signal)
    } catch (error) {
      // The engine says 403 for "has active endpoints"; newer ones say 409.
      if (isOfKind(error, 'forbidden') || isOfKind(error, 'conflict')) {
        throw renamed(error, 'conflict', 'NETWORK_IN_USE')
      }
      throw error
    }
  }

  async containers(signal: AbortSignal): Promise<readonly RuntimeContainer[]> {
    const ids = parseContainerIds(await this.#call({ method: 'GET', path: '/containers/json?all=1' }, signal))
    const found: RuntimeContainer[] = []
    const waiting = [...ids]
    const inspect = async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const container = await this.container(id, signal)
        if (container !== undefined) found.push(container)
      }
    }
    await Promise.all(Array.from({ length: inspectionsAtOnce }, inspect))
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async container(id: string, signal: AbortSignal): Promise<RuntimeContainer | undefined> {
    try {
      const path = `/containers/${encodeURIComponent(id)}/json`
      return parseContainer(await this.#call({ method: 'GET', path }, signal))
    } catch (error) {
      if (isOfKind(error, 'not-found')) return undefined
      throw error
    }
  }

  async disconnect(networkId: string, containerId: string, signal: AbortSignal): Promise<void> {
    const path = `/networks/${encodeURIComponent(networkId)}/disconnect`
    try {
      await this.#call({ method: 'POST', path, body: { Container: containerId, Force: false } }, signal)
    } catch (error) {
      if (isOfKind(error, 'not-found')) return
      // The engine has no word of its own for a container that is not on the network, so it is looked at.
      const container = await this.container(containerId, signal)
      if (container?.attachments.some((attachment) => attachment.networkId === networkId)) throw error
    }
  }

  async watch(listener: (event: RuntimeEvent) => void, { opened }: WatchDeps, signal: AbortSignal): Promise<void> {
    try {
      const path = await this.#versioned(`/events${filters({ type: ['container', 'network'] })}`, signal)
      const stream = await openAnswer(this.#socketPath, { method: 'GET', path }, signal)
      opened()
      stream.setEncoding('utf8')
      let rest = ''
      for await (const chunk of stream) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > maxEventBytes) {
          throw new NetpluginError('protocol', 'DOCKER_BAD_ANSWER', `Docker sent an event over ${maxEventBytes} bytes`)
        }
        for (const line of lines) {
          const event = line.trim() === '' ? undefined : parseEvent(parseJson(line))
          if (event !== undefined) listener(event)
        }
      }
    } catch (error) {
      // An engine that is stopped cuts the stream: the same as ending it. What could not be opened is an error.
      if (signal.aborted || (asError(error) as NodeJS.ErrnoException).code === 'ECONNRESET') return
      throw error
    }
  }

  async #call(request: DockerRequest, signal: AbortSignal): Promise<unknown> {
    const path = await this.#versioned(request.path, signal)
    try {
      return await fetchJson(this.#socketPath, { ...request, path }, signal)
    } catch (error) {
      // The engine may be another one by now, of another version.
      if (isOfKind(error, 'unavailable') || isOfKind(error, 'invalid')) this.#minor = undefined
      throw error
    }
  }

  async #versioned(path: string, signal: AbortSignal): Promise<string> {
    if (this.#minor === undefined) await this.version(signal)
    return `/v1.${this.#minor}${path}`
  }
}

function filters(wanted: Readonly<Record<string, readonly string[]>>): string {
  return `?filters=${encodeURIComponent(JSON.stringify(wanted))}`
}

function isOfKind(error: unknown, kind: NetpluginError['kind']): error is NetpluginError {
  return error instanceof NetpluginError && error.kind === kind
}

function renamed(error: NetpluginError, kind: NetpluginError['kind'], code: string): NetpluginError {
  return new NetpluginError(kind, code, error.message, { cause: error, details: error.details })
}
