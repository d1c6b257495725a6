// Containers of a lab: started side by side, each serving its own name by HTTP so that one can tell who answers.

import assert from 'node:assert/strict'
import type { ExecOptions, TestLab } from './lab.ts'

export interface ContainerSpec {
  readonly name: string
  readonly host: string
  /** As Docker knows it. */
  readonly network: string
  /** Options for `docker run`. */
  readonly options?: readonly string[]
  /** `tools` has tcpdump, dig, socat and the ping that can set "don't fragment". */
  readonly image?: 'busybox' | 'tools'
  /** Instead of serving. */
  readonly command?: readonly string[]
}

export interface Container {
  readonly name: string
  readonly host: string
  readonly network: string
  readonly id: string
  /** In the host's pid namespace. */
  readonly pid: number
  readonly ipv4: string
  /** Empty without IPv6. */
  readonly ipv6: string
  readonly mac: string
  /** Runs a line for sh inside. */
  sh(line: string, options?: ExecOptions): Promise<string>
  /** The same; whether its exit code was 0. */
  succeeds(line: string, options?: ExecOptions): Promise<boolean>
}

/** Bytes of what containers serve under `/big`. */
export const bigBytes = 2_000_000

/** What a container does: `/` is its name, `/big` is bigBytes of repeated name. */
function serve(name: string): string {
  return `mkdir /w; echo ${name} >/w/index.html; yes ${name} | head -c ${bigBytes} >/w/big; exec httpd -f -p 80 -h /w`
}

/** Starts them all, at most two at a time on each host; the result is in the order of the specifications. */
export async function startContainers(lab: TestLab, specs: readonly ContainerSpec[]): Promise<Container[]> {
  const started = new Map<ContainerSpec, Container>()
  const queues = new Map<string, ContainerSpec[]>()
  for (const spec of specs) queues.set(spec.host, [...(queues.get(spec.host) ?? []), spec])
  const work = async (queue: ContainerSpec[]) => {
    for (let spec = queue.shift(); spec !== undefined; spec = queue.shift()) {
      started.set(spec, await startContainer(lab, spec))
    }
  }
  await Promise.all([...queues.values()].flatMap((queue) => [work(queue), work(queue)]))
  return specs.map((spec) => {
    const container = started.get(spec)
    assert.ok(container)
    return container
  })
}

export async function startContainer(lab: TestLab, spec: ContainerSpec): Promise<Container> {
  const { name, host, network, options = [], image = 'busybox', command = ['sh', '-c', serve(name)] } = spec
  const named = image === 'tools' ? 'netlab/tools' : 'busybox'
  const run = ['docker', 'run', '-d', '--name', name, '--net', network, ...options, named, ...command]
  await lab.execOk(host, run, { timeoutMs: 60_000 })
  return inspectContainer(lab, spec)
}

/** A container that runs, as Docker shows it now. */
export async function inspectContainer(
  lab: TestLab,
  { name, host, network }: Pick<ContainerSpec, 'name' | 'host' | 'network'>,
): Promise<Container> {
  const [shown] = JSON.parse(await lab.execOk(host, ['docker', 'inspect', name])) as Inspected[]
  const attachment = shown?.NetworkSettings.Networks[network]
  assert.ok(shown && attachment, `${name} is not on ${network}`)
  const sh = (line: string) => ['docker', 'exec', name, 'sh', '-c', line]
  return {
    name,
    host,
    network,
    id: shown.Id,
    pid: shown.State.Pid,
    ipv4: attachment.IPAddress,
    ipv6: attachment.GlobalIPv6Address,
    mac: attachment.MacAddress,
    sh: (line, options) => lab.execOk(host, sh(line), options),
    succeeds: async (line, options) => (await lab.exec(host, sh(line), options)).code === 0,
  }
}

interface Inspected {
  readonly Id: string
  readonly State: { readonly Pid: number }
  readonly NetworkSettings: {
    readonly Networks: Readonly<
      Record<string, { readonly IPAddress: string; readonly GlobalIPv6Address: string; readonly MacAddress: string }>
    >
  }
}
