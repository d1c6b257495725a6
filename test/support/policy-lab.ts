// A lab whose policies are changed as a whole: containers in groups that stay, and the difference between one set of
// policies and the next sent to netmaster at once.

import assert from 'node:assert/strict'
import { createServer, type Server, Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { type Client, createClient } from '../../src/api/client.ts'
import { progressOf, whenApplied } from '../../src/api/when-applied.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { policyKey } from '../../src/model/policy.ts'
import type { ClusterState, GroupRecord, PolicyRecord } from '../../src/model/state.ts'
import { netmasterPort } from '../../src/netlab/plan.ts'
import { patient } from '../../src/netlab/wait.ts'
import { inNamespace } from '../../src/protocols/netlink/index.ts'
import type { Container } from './containers.ts'
import type { TestLab } from './lab.ts'
import { connect, openSocket } from './native-sockets.ts'

/** Netmaster of a lab, for a program outside. */
export class LabNetmaster {
  readonly client: Client
  /** Of a relay to it, on this machine's loopback. */
  readonly url: string
  readonly #relay: Server
  readonly #policies = new Set<string>()
  #state: ClusterState | undefined

  private constructor(url: string, relay: Server) {
    this.url = url
    this.client = createClient({ baseUrl: url, timeoutMs: patient(10_000) })
    this.#relay = relay
  }

  static async connect(lab: TestLab): Promise<LabNetmaster> {
    const address = (await lab.execOk('node1', ['getent', 'hosts', 'netmaster'])).split(/\s/)[0] ?? ''
    const namespace = `/proc/${lab.pid('node1')}/ns/net`
    const relay = createServer((client) => {
      const fd = inNamespace(namespace, () => {
        const socket = openSocket('tcp', false)
        connect(socket, { address, port: netmasterPort })
        return socket
      })
      const server = new Socket({ fd, readable: true, writable: true })
      const end = () => [client, server].map((both) => both.destroy())
      for (const one of [client, server]) one.on('error', end).on('close', end)
      client.pipe(server).pipe(client)
    })
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
    const bound = relay.address()
    assert.ok(bound !== null && typeof bound === 'object')
    return new LabNetmaster(`http://127.0.0.1:${bound.port}`, relay)
  }

  close(): void {
    this.client.close()
    this.#relay.close()
  }

  /** Makes groups, policies and rules those of the state, and waits until every host enforces them. */
  async enforce(state: ClusterState): Promise<void> {
    const before = this.#state
    this.#state = state
    // Policies stay; without rules they say nothing.
    const policies = [...policiesOf(state)].filter(([key]) => !this.#policies.has(key))
    await Promise.all(policies.map(([key, policy]) => this.client.policies.put(key, policy)))
    for (const [key] of policies) this.#policies.add(key)
    const tenants = changed(before?.tenants, state.tenants)
    await Promise.all(
      tenants.map(([key, { tenantName, defaultNetwork, defaultAction }]) =>
        this.client.tenants.put(key, { tenantName, defaultNetwork, defaultAction: defaultAction ?? 'allow' }),
      ),
    )
    const groups = changed(before?.groups, state.groups)
    // Rules name groups, and what some may say depends on which groups have their policy.
    await Promise.all(groups.map(([key, record]) => this.client.endpointGroups.put(key, groupInput(record))))
    const gone = [...(before?.objects.rule.keys() ?? [])].filter((key) => !state.objects.rule.has(key))
    await Promise.all([
      ...changed(before?.objects.rule, state.objects.rule).map(([key, record]) => this.client.rules.put(key, record)),
      ...gone.map((key) => this.client.rules.remove(key)),
    ])
    await this.untilEnforced()
  }

  /** Waits until every host enforces what was asked for so far. */
  async untilEnforced(): Promise<void> {
    const lagging = await whenApplied(
      progressOf(this.client),
      { patienceMs: patient(20_000), onLag: () => {} },
      { clock: systemClock },
    )
    assert.deepEqual(lagging, [], 'hosts that do not enforce the policies yet')
  }
}

/** Those that groups have and those that rules are of. */
function policiesOf({ groups, objects }: ClusterState): ReadonlyMap<string, PolicyRecord> {
  const had = [...groups.values()].flatMap(({ tenantName, policies }) =>
    policies.map((policyName) => ({ tenantName, policyName })),
  )
  const all = [...had, ...objects.policy.values()]
  return new Map(all.map((policy) => [policyKey(policy.tenantName, policy.policyName), policy]))
}

function changed<T>(before: ReadonlyMap<string, T> | undefined, now: ReadonlyMap<string, T>): [string, T][] {
  return [...now].filter(([key, record]) => !isDeepStrictEqual(before?.get(key), record))
}

function groupInput({ groupId: _id, ...record }: GroupRecord) {
  return { ...record, policies: [...record.policies], extContractsGrps: [...record.extContractsGrps] }
}

/** The network namespace of a container, seen from this machine. */
export function namespaceOf(lab: TestLab, { host, pid }: Pick<Container, 'host' | 'pid'>): string {
  return `/proc/${lab.pid(host)}/root/proc/${pid}/ns/net`
}
