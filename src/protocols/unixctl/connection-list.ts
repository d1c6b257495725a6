// Connections as `dpctl/dump-conntrack` lists them, one a line:
//
//   tcp,orig=(src=10.1.1.2,dst=10.1.1.9,sport=40000,dport=80),reply=(src=…,dst=…,sport=…,dport=…),zone=1,protoinfo=(state=ESTABLISHED)

export interface ListedTuple {
  readonly source: string
  readonly destination: string
  /** 0 where the protocol has no ports. */
  readonly sourcePort: number
  readonly destinationPort: number
}

export interface ListedConnection {
  readonly protocol: string
  /** As the first packet was sent. */
  readonly original: ListedTuple
  /** As the answers come. */
  readonly reply: ListedTuple
  readonly zone: number
  /** Of TCP, such as `ESTABLISHED`; empty for others. */
  readonly state: string
}

/** Lines that are no connections are left out. */
export function parseConnections(text: string): ListedConnection[] {
  return text.split('\n').flatMap((line) => parseConnection(line) ?? [])
}

function parseConnection(line: string): ListedConnection | undefined {
  const match = /^(\w+),orig=\(([^)]*)\),reply=\(([^)]*)\)(.*)$/.exec(line)
  if (match === null) return undefined
  const [, protocol = '', original = '', reply = '', rest = ''] = match
  return {
    protocol,
    original: tupleOf(original),
    reply: tupleOf(reply),
    zone: Number(/,zone=(\d+)/.exec(rest)?.[1] ?? 0),
    state: /,protoinfo=\(state=(\w+)/.exec(rest)?.[1] ?? '',
  }
}

function tupleOf(text: string): ListedTuple {
  const parts = new Map(text.split(',').map((part) => part.split('=', 2) as [string, string]))
  return {
    source: parts.get('src') ?? '',
    destination: parts.get('dst') ?? '',
    sourcePort: Number(parts.get('sport') ?? 0),
    destinationPort: Number(parts.get('dport') ?? 0),
  }
}
