// Sends frames just as they are, from an interface of a lab: what an honest kernel would not send.

import { buildPacket, type Layer } from '../../src/protocols/packet/index.ts'
import type { Container } from './containers.ts'
import type { TestLab } from './lab.ts'

/** One frame from an interface of a host or of the underlay. */
export async function sendFrame(lab: TestLab, host: string, device: string, layers: readonly Layer[]): Promise<void> {
  await lab.execOk(host, sendLine(device, buildPacket(layers)))
}

/** Frames from eth0 of a container with the tools, in order. It needs the capability NET_RAW, which Docker gives. */
export async function sendFromContainer(container: Container, frames: readonly Uint8Array[]): Promise<void> {
  await container.sh(frames.map((frame) => sendLine('eth0', frame)).join(' && '), { timeoutMs: 60_000 })
}

function sendLine(device: string, frame: Uint8Array): string {
  return `echo ${Buffer.from(frame).toString('base64')} | base64 -d | socat -u - INTERFACE:${device}`
}
