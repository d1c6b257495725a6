// Which store, from flags (specification 1.3 and older spellings) or from a word like `etcd://10.0.0.1:2379/netplugin`.
//
// The password of a store comes from a file: command lines and environments are read by others.

import { readFileSync } from 'node:fs'
import {
  defaultPorts,
  defaultPrefix,
  type ServerOptions,
  type StoreKind,
  type StoreTarget,
  storeKinds,
} from '../drivers/store/index.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import { type FlagValues, usage } from '../lib/flags.ts'

export const storeFlags = {
  stateDir: {
    kind: 'text',
    names: ['state-dir'],
    value: 'DIRECTORY',
    help: 'where the embedded store keeps its file (/var/lib/netplugin/netmaster)',
  },
  stateStore: {
    kind: 'text',
    names: ['state-store'],
    value: 'STORE',
    help: `${storeKinds.join(', ')}; memory forgets everything at the end (sqlite)`,
  },
  storeUrl: {
    kind: 'text',
    names: ['store-url', 'cluster-store'],
    value: 'URL',
    help: 'the store in one word: etcd://HOST:PORT[,HOST:PORT]...[/PREFIX], consul://…, sqlite:DIRECTORY',
  },
  etcd: {
    kind: 'text',
    names: ['etcd-endpoints', 'etcd'],
    value: 'URLS',
    help: 'etcd: http://HOST:PORT or https://HOST:PORT of its members, with commas between',
  },
  consul: {
    kind: 'text',
    names: ['consul-endpoints', 'consul'],
    value: 'URLS',
    help: 'Consul: http://HOST:PORT or https://HOST:PORT of an agent or servers, with commas between',
  },
  storePrefix: {
    kind: 'text',
    names: ['store-prefix'],
    value: 'PREFIX',
    help: `what all keys in the store begin with (${defaultPrefix})`,
  },
  storeCa: { kind: 'text', names: ['store-ca'], value: 'FILE', help: "authority of the store's certificates (PEM)" },
  storeCert: { kind: 'text', names: ['store-cert'], value: 'FILE', help: 'certificate shown to the store (PEM)' },
  storeKey: { kind: 'text', names: ['store-key'], value: 'FILE', help: 'its private key (PEM)' },
  storeUser: { kind: 'text', names: ['store-user'], value: 'NAME', help: 'user of etcd' },
  storePasswordFile: {
    kind: 'text',
    names: ['store-password-file'],
    value: 'FILE',
    help: 'file with the password of that user, or with the token for Consul',
  },
} as const

/** Their environment variables, under CONTIV_NETMASTER_. */
export const storeEnvironment = {
  stateDir: 'STATE_DIR',
  stateStore: 'STATE_STORE',
  storeUrl: 'STORE_URL',
  etcd: 'ETCD_ENDPOINTS',
  consul: 'CONSUL_ENDPOINTS',
  storePrefix: 'STORE_PREFIX',
  storeCa: 'STORE_CA',
  storeCert: 'STORE_CERT',
  storeKey: 'STORE_KEY',
  storeUser: 'STORE_USER',
  storePasswordFile: 'STORE_PASSWORD_FILE',
} as const

/** What the environment says about them. */
export function storeFlagsOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [key, suffix] of Object.entries(storeEnvironment)) {
    const value = env[`CONTIV_NETMASTER_${suffix}`]
    if (value !== undefined && value !== '') found[key] = value
  }
  return found
}

export type StoreFlagValues = FlagValues<typeof storeFlags>

/** A store that was asked for; files are not read yet. */
export type StoreChoice =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly directory: string }
  | {
      readonly kind: ServerKind
      readonly endpoints: readonly string[]
      readonly secured: boolean
      readonly prefix: string
      readonly ca: string | undefined
      readonly cert: string | undefined
      readonly key: string | undefined
      readonly user: string | undefined
      readonly passwordFile: string | undefined
    }

type ServerKind = Exclude<StoreKind, 'memory' | 'sqlite'>

const defaultDirectory = '/var/lib/netplugin/netmaster'

/** Throws USAGE for flags that contradict each other or cannot be used. */
export function chooseStore(values: StoreFlagValues): StoreChoice {
  const kind = kindOf(values)
  const { storeUrl } = values
  if (kind === 'memory' || kind === 'sqlite') {
    const flag = serverOnly.find((key) => values[key] !== undefined)
    if (flag !== undefined)
      throw usage(`--${storeFlags[flag].names[0]} is for etcd or consul, and the store is ${kind}`)
    if (kind === 'memory') return { kind }
    return { kind, directory: pathOf(storeUrl, 'sqlite') ?? values.stateDir ?? defaultDirectory }
  }
  const listed = kind === 'etcd' ? values.etcd : values.consul
  const { endpoints, secured, prefix } = parseServers(
    kind,
    listed ?? storeUrl ?? `http://127.0.0.1:${defaultPorts[kind]}`,
  )
  const tlsFlag = (['storeCa', 'storeCert', 'storeKey'] as const).find((key) => values[key] !== undefined)
  if (tlsFlag !== undefined && secured === false) {
    throw usage(`--${storeFlags[tlsFlag].names[0]} is given and the store is asked over http; write https`)
  }
  if ((values.storeCert === undefined) !== (values.storeKey === undefined)) {
    throw usage('--store-cert and --store-key go together; give both')
  }
  if (kind === 'consul' && values.storeUser !== undefined) {
    throw usage('--store-user is given and Consul has no users; give a file with a token: --store-password-file')
  }
  if (kind === 'etcd' && (values.storeUser === undefined) !== (values.storePasswordFile === undefined)) {
    throw usage('--store-user and --store-password-file go together; give both')
  }
  return {
    kind,
    endpoints,
    secured: secured ?? tlsFlag !== undefined,
    prefix: withSlash(values.storePrefix ?? prefix ?? defaultPrefix),
    ca: values.storeCa,
    cert: values.storeCert,
    key: values.storeKey,
    // What Consul calls a token has no user.
    user: kind === 'consul' && values.storePasswordFile !== undefined ? '' : values.storeUser,
    passwordFile: values.storePasswordFile,
  }
}

const serverOnly = ['storePrefix', 'storeCa', 'storeCert', 'storeKey', 'storeUser', 'storePasswordFile'] as const

/** What all flags that name a store agree on. */
function kindOf(values: StoreFlagValues): StoreKind {
  const { etcd, consul, stateStore, storeUrl } = values
  if (etcd !== undefined && consul !== undefined) {
    throw usage('--etcd-endpoints and --consul-endpoints are both given; a cluster has one store')
  }
  const said: { flag: string; kind: StoreKind }[] = []
  if (stateStore !== undefined)
    said.push({ flag: `--state-store ${stateStore}`, kind: known(stateStore, '--state-store') })
  if (etcd !== undefined) said.push({ flag: '--etcd-endpoints', kind: known('etcd', '--etcd-endpoints') })
  if (consul !== undefined) said.push({ flag: '--consul-endpoints', kind: known('consul', '--consul-endpoints') })
  const scheme = storeUrl === undefined ? undefined : /^([a-z]+):/i.exec(storeUrl)?.[1]?.toLowerCase()
  if (storeUrl !== undefined && scheme !== 'http' && scheme !== 'https') {
    if (scheme === undefined)
      throw usage(`--store-url ${JSON.stringify(storeUrl)} has no scheme; write etcd://HOST:PORT`)
    said.push({ flag: '--store-url', kind: known(scheme, '--store-url') })
  } else if (storeUrl !== undefined && said.length === 0) {
    throw usage(
      `--store-url ${JSON.stringify(storeUrl)} does not say which store; add --state-store etcd, or write etcd://…`,
    )
  }
  if (storeUrl !== undefined && (etcd ?? consul) !== undefined) {
    throw usage(
      `--store-url and ${etcd === undefined ? '--consul-endpoints' : '--etcd-endpoints'} say the same; give one`,
    )
  }
  const [first, ...others] = said
  const other = others.find(({ kind }) => kind !== first?.kind)
  if (first !== undefined && other !== undefined) {
    throw usage(`${first.flag} and ${other.flag} name different stores; a cluster has one`)
  }
  return first?.kind ?? 'sqlite'
}

function known(text: string, flag: string): StoreKind {
  const kind = storeKinds.find((candidate) => candidate === text)
  if (kind !== undefined) return kind
  throw usage(`${flag} ${JSON.stringify(text)} is not one of ${storeKinds.join(', ')}`)
}

/** `KIND://a:1,b:2/prefix`, or URLs with commas between. `secured` undefined: the URL does not say. */
export function parseServers(
  kind: ServerKind,
  text: string,
): { readonly endpoints: string[]; readonly secured: boolean | undefined; readonly prefix: string | undefined } {
  const schemes = new Set<string>()
  let prefix: string | undefined
  const endpoints = text.split(',').map((each) => {
    const match = /^(?:([a-z]+):\/\/)?(\[[^\]]+\]|[^:/@]+)(?::(\d{1,5}))?(\/.*)?$/.exec(each.trim())
    const bad = (why: string) =>
      usage(`the store's address ${JSON.stringify(each)} ${why}; write ${kind}://10.0.0.1:${defaultPorts[kind]}`)
    if (each.includes('@')) throw bad('may not hold a user: give --store-user and --store-password-file')
    if (match === null) throw bad('is not HOST:PORT')
    const [, scheme, host = '', port = String(defaultPorts[kind]), path] = match
    if (scheme !== undefined) schemes.add(scheme)
    if (Number(port) < 1 || Number(port) > 65_535) throw bad('has a port outside 1 to 65535')
    if (path !== undefined && path !== '/') prefix = path
    return `${host}:${port}`
  })
  for (const scheme of schemes) {
    if (![kind, 'http', 'https'].includes(scheme))
      throw usage(`${JSON.stringify(scheme)} is no way to ${kind}; write ${kind}, http or https`)
  }
  if (schemes.has('http') && schemes.has('https'))
    throw usage(`some addresses of ${kind} are http and some https; write one kind`)
  return { endpoints, secured: schemes.has('https') ? true : schemes.has('http') ? false : undefined, prefix }
}

function pathOf(url: string | undefined, scheme: string): string | undefined {
  if (url === undefined) return undefined
  const path = url.replace(new RegExp(`^${scheme}:(//)?`, 'i'), '')
  if (path === '')
    throw usage(`--store-url ${JSON.stringify(url)} names no directory; write sqlite:/var/lib/netplugin/netmaster`)
  return path
}

function withSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix : `${prefix}/`
}

/** Reads the files it names. Throws `invalid` STORE_FILE. */
export function storeTarget(choice: StoreChoice): StoreTarget {
  if (choice.kind === 'memory' || choice.kind === 'sqlite') return choice
  const { kind, endpoints, prefix, user, passwordFile } = choice
  const tls: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {}
  for (const part of ['ca', 'cert', 'key'] as const) {
    const path = choice[part]
    if (path !== undefined) tls[part] = read(`--store-${part}`, path)
  }
  const options: ServerOptions = {
    endpoints,
    prefix,
    ...(choice.secured ? { tls } : {}),
    ...(user === undefined || passwordFile === undefined
      ? {}
      : { user: { name: user, password: read('--store-password-file', passwordFile).toString().trimEnd() } }),
  }
  return { kind, ...options }
}

/** Whether other netmasters may use it at the same time. */
export function isShared({ kind }: StoreChoice): boolean {
  return kind !== 'memory' && kind !== 'sqlite'
}

/** For logs: without anything secret. */
export function describeStore(choice: StoreChoice): string {
  if (choice.kind === 'memory') return 'memory'
  if (choice.kind === 'sqlite') return `sqlite:${choice.directory}`
  return `${choice.kind}://${choice.endpoints.join(',')}${choice.prefix.startsWith('/') ? '' : '/'}${choice.prefix}`
}

function read(flag: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const message = `cannot read ${path} of ${flag}: ${asError(cause).message}; check the path and who may read it`
    throw new NetpluginError('invalid', 'STORE_FILE', message, { cause })
  }
}
