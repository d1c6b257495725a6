// A small DNS server and forwarder: the public face of this folder.

export { type Answer, encodeAnswer, failure, localAnswer, udpLimit } from './answer.ts'
export { type Exchange, exchange, type Upstream } from './exchange.ts'
export { Forwarder, type ForwarderDeps, type ForwarderOptions } from './forwarder.ts'
export { addressOfReverseName, encodeName, isName } from './name.ts'
export { type DecodedQuery, decodeQuery, type Edns, type Query, type Question, type Rcode } from './query.ts'
export { addressSet, type RecordSet, type ResourceRecord } from './record.ts'
export { parseResolvConf, type ResolvConf } from './resolv-conf.ts'
export {
  DnsServer,
  type DnsServerDeps,
  type DnsServerOptions,
  type Listen,
  type Resolve,
  type Source,
  type Transport,
} from './server.ts'
