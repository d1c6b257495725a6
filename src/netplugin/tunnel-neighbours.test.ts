import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { FakeHost } from '../drivers/host/fake.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { background, recordingLog, settle, until } from './testing.ts'
import { TunnelNeighbours, udpProber } from './tunnel-neighbours.ts'

function setup(t: TestContext) {
  const clock = new FakeClock()
  const asked: string[] = []
  let closed = 0
  const openProber = () => ({ ask: (address: string) => void asked.push(address), close: () => void closed++ })
  const tunnels = new TunnelNeighbours({ clock, openProber })
  const run = background(t, (signal) => tunnels.run(signal))
  /** Moves time on; answers who was asked for since the last time. */
  const after = async (ms: number) => {
    clock.advance(ms)
    await settle()
    return asked.splice(0)
  }
  return { tunnels, run, after, isClosed: () => closed === 1 }
}

test('a new peer is asked for at once, then a few times until it is surely up, then each five minutes', async (t) => {
  const { tunnels, after } = setup(t)
  tunnels.keepWarm(['10.0.0.2'])
  assert.deepEqual(await after(0), ['10.0.0.2'])
  for (const pause of [100, 300, 1_000, 3_000, 10_000, 300_000, 300_000]) {
    assert.deepEqual(await after(pause - 1), [], `nothing before ${pause} ms`)
    assert.deepEqual(await after(1), ['10.0.0.2'], `after ${pause} ms`)
  }
})

test('only the new peer is asked for when one more comes', async (t) => {
  const { tunnels, after } = setup(t)
  tunnels.keepWarm(['10.0.0.2'])
  await after(0)
  tunnels.keepWarm(['10.0.0.2', '10.0.0.3'])
  assert.deepEqual(await after(0), ['10.0.0.3'])
  tunnels.keepWarm(['10.0.0.2', '10.0.0.3'])
  assert.deepEqual(await after(0), [])
})

test('a peer that left is asked for no more, and is new when it comes back', async (t) => {
  const { tunnels, after } = setup(t)
  tunnels.keepWarm(['10.0.0.2'])
  await after(0)
  tunnels.keepWarm([])
  assert.deepEqual(await after(600_000), [])
  tunnels.keepWarm(['10.0.0.2'])
  assert.deepEqual(await after(0), ['10.0.0.2'])
})

test('all are asked for again, as new ones, when the switch is there again', async (t) => {
  const { tunnels, after } = setup(t)
  tunnels.keepWarm(['10.0.0.2', '10.0.0.3'])
  await after(0)
  await after(60_000)
  tunnels.askAgain()
  assert.deepEqual(await after(0), ['10.0.0.2', '10.0.0.3'])
  assert.deepEqual(await after(100), ['10.0.0.2', '10.0.0.3'])
  assert.deepEqual(await after(299), [])
})

test('it ends with its signal and closes its socket', async (t) => {
  const { run, isClosed } = setup(t)
  await run.stop()
  assert.ok(isClosed())
})

test('the prober survives an address that nothing leads to', async () => {
  const { log } = recordingLog()
  const host = new FakeHost({ hasKernelOpenVswitch: false })
  const prober = udpProber({ host, log })
  prober.ask('255.255.255.255')
  prober.ask('127.0.0.1')
  assert.deepEqual(host.forgotten, ['255.255.255.255', '127.0.0.1'], 'or the kernel would not ask')
  // Sent on another socket and received: by then the errors of the first have come, too.
  const [receiver, sender] = [createSocket('udp4'), createSocket('udp4')]
  await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve))
  sender.send('x', receiver.address().port, '127.0.0.1')
  await once(receiver, 'message')
  receiver.close()
  sender.close()
  prober.close()
})

test('peers named before it runs are asked for when it does', async (t) => {
  const clock = new FakeClock()
  const asked: string[] = []
  const prober = { ask: (address: string) => void asked.push(address), close: () => {} }
  const tunnels = new TunnelNeighbours({ clock, openProber: () => prober })
  tunnels.keepWarm(['10.0.0.2', '10.0.0.3'])
  background(t, (signal) => tunnels.run(signal))
  await until('both were asked for', () => asked.length === 2)
})
