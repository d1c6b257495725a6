// A TCP connection that stays open and says something all the time: whether it goes on is a fact one can wait for.

import type { Container } from './containers.ts'
import type { TestLab } from './lab.ts'

export interface Talk {
  /** Resolves when something was said after this call and came back. */
  goesOn(): Promise<void>
  /** Resolves when nothing has come back for a second, ten times as long as words are apart. */
  ends(): Promise<void>
  stop(): void
}

/** Lets a container (image `tools`) repeat what it is told at a port. */
export async function startEcho(lab: TestLab, { host, name }: Container, port: number): Promise<void> {
  await lab.execOk(host, ['docker', 'exec', '-d', name, 'socat', `TCP-LISTEN:${port},fork,reuseaddr`, 'PIPE'])
}

/** Resolves when the first echo is there. */
export async function startTalk(lab: TestLab, from: Container, address: string, port: number): Promise<Talk> {
  const line = `while echo word; do sleep 0.1; done | socat - TCP:${address}:${port},retry=50,interval=0.1`
  const child = lab.spawn(from.host, ['docker', 'exec', from.name, 'sh', '-c', line])
  const heard = { bytes: 0, complaint: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    heard.bytes += chunk.length
  })
  child.stderr.on('data', (chunk: Buffer) => {
    heard.complaint += chunk.toString('utf8')
  })
  const goesOn = async () => {
    // What is on its way already proves nothing.
    const enough = heard.bytes + 5 * 'word\n'.length
    await lab.until(
      `${from.name} to hear more from ${address}:${port} ${heard.complaint}`,
      () => heard.bytes > enough || undefined,
    )
  }
  const ends = async () => {
    let last = { bytes: heard.bytes, at: Date.now() }
    await lab.until(`${from.name} to hear nothing more from ${address}:${port}`, () => {
      if (heard.bytes !== last.bytes) last = { bytes: heard.bytes, at: Date.now() }
      return Date.now() - last.at > 1_000 || undefined
    })
  }
  await goesOn()
  return { goesOn, ends, stop: () => void child.kill('SIGKILL') }
}
