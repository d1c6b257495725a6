// The servers of the lab's store: which hosts run one, their command lines, and what netmaster is told. Pure.

import type { LabOptions } from './options.ts'
import type { HostPlan, LabPlan } from './plan.ts'

const clientPort = 2379
const peerPort = 2380

/** How many of the first hosts run a server of the store: one, or three for several netmasters, as two are no better than one. */
export function storeMembers({ store, masters, hosts }: LabOptions): number {
  if (store === 'sqlite') return 0
  return masters > 1 && hosts >= 3 ? 3 : 1
}

/** The address of a member for its clients. */
export function etcdUrl({ controlAddress }: Pick<HostPlan, 'controlAddress'>): string {
  return `https://${controlAddress}:${clientPort}`
}

/** The address of a server of Consul for its clients. */
export function consulUrl({ controlAddress }: Pick<HostPlan, 'controlAddress'>): string {
  return `http://${controlAddress}:8500`
}

export interface CertificateFiles {
  readonly ca: string
  readonly serverCert: string
  readonly serverKey: string
  readonly clientCert: string
  readonly clientKey: string
}

/** In the lab's folder; see `makeCertificates`. */
export function certificateFiles(folder: string): CertificateFiles {
  return {
    ca: `${folder}/ca.pem`,
    serverCert: `${folder}/server.pem`,
    serverKey: `${folder}/server.key`,
    clientCert: `${folder}/client.pem`,
    clientKey: `${folder}/client.key`,
  }
}

export function etcdCommand(
  host: Pick<HostPlan, 'name' | 'controlAddress'>,
  plan: LabPlan,
  { dataDirectory, files }: { readonly dataDirectory: string; readonly files: CertificateFiles },
): readonly string[] {
  const peerUrl = ({ controlAddress }: Pick<HostPlan, 'controlAddress'>) => `https://${controlAddress}:${peerPort}`
  const members = membersOf(plan).map((member) => `${member.name}=${peerUrl(member)}`)
  return [
    'etcd',
    // What a lab needs to survive are killed processes, not power loss.
    ...['--name', host.name, '--data-dir', dataDirectory, '--unsafe-no-fsync'],
    ...['--listen-client-urls', etcdUrl(host), '--advertise-client-urls', etcdUrl(host)],
    ...['--listen-peer-urls', peerUrl(host), '--initial-advertise-peer-urls', peerUrl(host)],
    ...['--initial-cluster', members.join(',')],
    ...[
      '--cert-file',
      files.serverCert,
      '--key-file',
      files.serverKey,
      '--trusted-ca-file',
      files.ca,
      '--client-cert-auth',
    ],
    ...['--peer-cert-file', files.serverCert, '--peer-key-file', files.serverKey],
    ...['--peer-trusted-ca-file', files.ca, '--peer-client-cert-auth'],
    // Many programs share the machine's processors.
    ...['--heartbeat-interval', '200', '--election-timeout', '2000'],
    // One that was cut off does not unseat the leader when it is back.
    '--pre-vote',
  ]
}

export function consulCommand(
  host: Pick<HostPlan, 'name' | 'controlAddress'>,
  plan: LabPlan,
  { program = 'consul', dataDirectory }: { readonly program: string | undefined; readonly dataDirectory: string },
): readonly string[] {
  const members = membersOf(plan)
  return [
    ...[program, 'agent', '-server', `-bootstrap-expect=${members.length}`, `-node=${host.name}`],
    ...[`-bind=${host.controlAddress}`, `-client=${host.controlAddress}`, `-data-dir=${dataDirectory}`],
    ...members.filter(({ name }) => name !== host.name).map(({ controlAddress }) => `-retry-join=${controlAddress}`),
    ...[
      '-retry-interval=1s',
      '-dns-port=-1',
      '-hcl=performance { raft_multiplier = 2 }',
      '-hcl=disable_update_check = true',
    ],
  ]
}

/** The flags of netmaster that name the store. */
export function storeFlags(plan: LabPlan, files: CertificateFiles): readonly string[] {
  const { store } = plan.options
  if (store === 'sqlite') return []
  if (store === 'consul')
    return ['--state-store', 'consul', '--consul-endpoints', membersOf(plan).map(consulUrl).join(',')]
  const tls = ['--store-ca', files.ca, '--store-cert', files.clientCert, '--store-key', files.clientKey]
  return ['--state-store', 'etcd', '--etcd-endpoints', membersOf(plan).map(etcdUrl).join(','), ...tls]
}

function membersOf({ hosts, options }: LabPlan): readonly HostPlan[] {
  return hosts.slice(0, storeMembers(options))
}
