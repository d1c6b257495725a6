// What netplugin tells the DNS server of its host when it starts it.

export interface NamesConfig {
  /** Where netplugin tells it about names; it answers nobody before that. */
  readonly socket: string
  /** The host's own resolver configuration. */
  readonly resolvConf: string
  /** Questions a second from one container; 0: no limit. */
  readonly rate: number
  /** Returned to netplugin as it is: by it a netplugin knows whether this is the program and the flags it would start. */
  readonly program: string
}
