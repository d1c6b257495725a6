// Which store, and how to reach it.

export const storeKinds = ['sqlite', 'memory', 'etcd', 'consul'] as const
export type StoreKind = (typeof storeKinds)[number]

/** Where a server listens when nothing else is said. */
export const defaultPorts = { etcd: 2379, consul: 8500 } as const

/** What lies below it is ours. */
export const defaultPrefix = '/netplugin/'

/** A store that is reached over the network. */
export interface ServerOptions {
  /** `host:port`. */
  readonly endpoints: readonly string[]
  /** PEM; left out: without TLS. Its parts left out: the authorities that Node knows, no certificate of our own. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer }
  /** Consul has tokens instead: the password is one, the name means nothing. */
  readonly user?: { readonly name: string; readonly password: string }
  /** Ends with a slash. */
  readonly prefix: string
}

export type StoreTarget = (
  | { readonly kind: 'memory' }
  /** `directory`: where it keeps its file. */
  | { readonly kind: 'sqlite'; readonly directory: string }
  | ({ readonly kind: 'etcd' | 'consul' } & ServerOptions)
) & {
  /** Changes kept for watchers; left out: enough for minutes. */
  readonly historyLimit?: number
}
