// Packets as they pass an interface of a lab: tcpdump writes them, our parser reads them.

import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { findLayer, type Layer, type LayerKind, type Packet, parsePacket } from '../../src/protocols/packet/index.ts'
import type { Container } from './containers.ts'
import type { TestLab } from './lab.ts'

export interface CaptureOptions {
  readonly device: string
  /** As tcpdump takes it; everything when left out. */
  readonly filter?: string
}

export interface Frame extends Packet {
  /** Of the whole frame, bytes. */
  readonly length: number
  readonly bytes: Uint8Array
}

const fileHeaderBytes = 24
const recordHeaderBytes = 16

/** A running tcpdump. Frames come in the order they passed. */
export class Capture {
  readonly #lab: TestLab
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #frames: Frame[] = []
  #rest: Buffer = Buffer.alloc(0)
  #headerSeen = false
  #told = ''

  private constructor(lab: TestLab, child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#lab = lab
    this.#child = child
    child.stdout.on('data', (bytes: Buffer) => this.#take(bytes))
    child.stderr.on('data', (bytes: Buffer) => {
      this.#told += bytes.toString()
    })
  }

  /** Begins on an interface of a host or of the underlay; resolves when tcpdump listens. */
  static async onHost(lab: TestLab, host: string, options: CaptureOptions): Promise<Capture> {
    return Capture.#start(lab, host, [], options)
  }

  /** The same in the network namespace of a container. */
  static async inContainer(lab: TestLab, container: Container, options: CaptureOptions): Promise<Capture> {
    return Capture.#start(lab, container.host, ['nsenter', '-t', String(container.pid), '-n'], options)
  }

  static async #start(lab: TestLab, host: string, enter: readonly string[], options: CaptureOptions): Promise<Capture> {
    const { device, filter = '' } = options
    const tcpdump = ['tcpdump', '--immediate-mode', '-U', '-n', '-i', device, '-w', '-', filter]
    const capture = new Capture(lab, lab.spawn(host, [...enter, ...tcpdump]))
    await lab.until(`tcpdump on ${device} of ${host} to listen`, () => {
      if (capture.#child.exitCode !== null) throw new Error(`tcpdump ended: ${capture.#told}`)
      return capture.#told.includes('listening on') || undefined
    })
    return capture
  }

  get frames(): readonly Frame[] {
    return this.#frames
  }

  /** Waits for a frame that is as asked for, also one that has passed already. */
  seen(what: string, wanted: (frame: Frame) => boolean, timeoutMs = 10_000): Promise<Frame> {
    return this.#lab.until(what, () => this.#frames.find(wanted), timeoutMs)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    if (!this.#headerSeen) {
      if (this.#rest.length < fileHeaderBytes) return
      this.#rest = this.#rest.subarray(fileHeaderBytes)
      this.#headerSeen = true
    }
    for (;;) {
      if (this.#rest.length < recordHeaderBytes) return
      const kept = this.#rest.readUInt32LE(8)
      const end = recordHeaderBytes + kept
      if (this.#rest.length < end) return
      const length = this.#rest.readUInt32LE(12)
      const bytes = Buffer.from(this.#rest.subarray(recordHeaderBytes, end))
      this.#frames.push({ ...parsePacket(bytes), length, bytes })
      this.#rest = this.#rest.subarray(end)
    }
  }
}

/** What VXLAN carries; undefined when the frame is none of it. */
export function insideTunnel(frame: Frame): Packet | undefined {
  const index = frame.layers.findIndex((layer) => layer.kind === 'vxlan')
  return index < 0 ? undefined : { layers: frame.layers.slice(index + 1), problems: frame.problems }
}

/** A line for messages: kinds of the layers with their addresses. */
export function describeFrame({ layers }: Packet): string {
  return layers.map(describeLayer).join(' / ')
}

function describeLayer(layer: Layer): string {
  switch (layer.kind) {
    case 'ethernet':
    case 'ipv4':
    case 'ipv6':
      return `${layer.kind} ${layer.source} > ${layer.destination}`
    case 'vlan':
      return `vlan ${layer.vlan}`
    case 'vxlan':
      return `vxlan ${layer.vni}`
    case 'arp':
      return `arp ${layer.operation} ${layer.senderIp} (${layer.senderMac}) > ${layer.targetIp}`
    case 'neighbor-solicitation':
    case 'neighbor-advertisement':
      return `${layer.kind} ${layer.target}`
    case 'udp':
    case 'tcp':
      return `${layer.kind} ${layer.sourcePort} > ${layer.destinationPort}`
    case 'payload':
      return `${layer.bytes.length} bytes`
    default:
      return layer.kind
  }
}

export function hasLayer(packet: Packet, ...kinds: readonly LayerKind[]): boolean {
  return kinds.some((kind) => findLayer(packet, kind) !== undefined)
}

/** Whether the packet's outermost IP header goes from one address to another. */
export function goes(packet: Packet, source: string, destination: string): boolean {
  const ip = findLayer(packet, 'ipv4') ?? findLayer(packet, 'ipv6')
  return ip?.source === source && ip.destination === destination
}
