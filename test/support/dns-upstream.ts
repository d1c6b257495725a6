// A DNS server for the hosts of a lab, where the lab's resolv.conf points to. Run inside the underlay:
//
//   node test/support/dns-upstream.ts ADDRESS NAME=IPV4…
//
// Writes "ready" when it listens; knows the names given and no others.

import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { DnsServer, failure, localAnswer } from '../../src/protocols/dns/index.ts'

const [address = '', ...pairs] = process.argv.slice(2)
const records = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))

const server = new DnsServer(
  {
    listen: { kind: 'address', address, port: 53, shared: false },
    maxConnections: 10,
    maxConnectionsEach: 10,
    idleTimeoutMs: 5_000,
    resolveTimeoutMs: 5_000,
    maxPending: 100,
    maxPendingEach: 100,
  },
  {
    resolve: ({ question }) => {
      const data = records.get(question.name.toLowerCase().replace(/\.$/, ''))
      if (data === undefined) return failure('NXDOMAIN')
      return localAnswer(question.type === 'A' ? [{ type: 'A', name: question.name, ttl: 1, data }] : [])
    },
    admit: () => true,
    clock: systemClock,
    log: silentLog,
  },
)
await server.start()
process.stdout.write('ready\n')
