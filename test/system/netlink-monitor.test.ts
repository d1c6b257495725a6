// Link events of a real kernel, each test in a network namespace of its own. Needs root.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { silentLog } from '../../src/lib/log.ts'
import { type LinkEvent, LinkMonitor, linkIndex } from '../../src/protocols/netlink/index.ts'
import { descriptors, kernelTest } from '../support/kernel.ts'

const library = new URL('../../src/protocols/netlink/index.ts', import.meta.url).href

/** Resolves with the first event that matches. */
function eventOf(
  listeners: Set<(event: LinkEvent) => void>,
  matches: (event: LinkEvent) => boolean,
): Promise<LinkEvent> {
  return new Promise((resolve) => {
    const listener = (event: LinkEvent) => {
      if (!matches(event)) return
      listeners.delete(listener)
      resolve(event)
    }
    listeners.add(listener)
  })
}

kernelTest('the monitor tells of links and addresses as they come and go', async (netlink) => {
  const listeners = new Set<(event: LinkEvent) => void>()
  const monitor = LinkMonitor.start({ log: silentLog }, (event) => {
    for (const listener of listeners) listener(event)
  })
  try {
    const link = eventOf(listeners, (event) => event.type === 'link' && event.link.name === 'a' && event.link.up)
    const address = eventOf(listeners, (event) => event.type === 'address' && event.address.cidr === '10.0.0.1/24')
    const noAddress = eventOf(
      listeners,
      (event) => event.type === 'address-gone' && event.address.cidr === '10.0.0.1/24',
    )
    const gone = eventOf(listeners, (event) => event.type === 'link-gone' && event.link.name === 'a')
    netlink.createVeth({ name: 'a', alias: 'mark', up: true, peer: { name: 'b' } })
    await link
    netlink.addAddress(linkIndex('a'), '10.0.0.1/24')
    await address
    netlink.deleteLink('a')
    await noAddress
    await gone
  } finally {
    await monitor.stop()
  }
})

kernelTest('a bridge that loses a port is not a link that is gone', async (netlink) => {
  const seen: LinkEvent[] = []
  const monitor = LinkMonitor.start({ log: silentLog }, (event) => seen.push(event))
  try {
    netlink.createLink('bridge', { name: 'br', up: true })
    netlink.createVeth({ name: 'a', peer: { name: 'b' } })
    netlink.setLink('a', { masterIndex: linkIndex('br') })
    netlink.setLink('a', { masterIndex: 0 })
    monitor.drain()
    assert.ok(seen.length > 0)
    assert.deepEqual(
      seen.filter((event) => event.type === 'link-gone'),
      [],
    )
  } finally {
    await monitor.stop()
  }
})

kernelTest('what this process has done is told by a drain at once', async (netlink) => {
  const seen: string[] = []
  const monitor = LinkMonitor.start({ log: silentLog }, (event) => {
    if (event.type === 'link') seen.push(event.link.name)
  })
  try {
    netlink.createVeth({ name: 'a', peer: { name: 'b' } })
    monitor.drain()
    assert.deepEqual([...new Set(seen)].sort(), ['a', 'b'])
  } finally {
    await monitor.stop()
  }
})

kernelTest('more events than fit are answered by a resync, and later ones are told again', async (netlink) => {
  const listeners = new Set<(event: LinkEvent) => void>()
  const monitor = LinkMonitor.start({ log: silentLog }, (event) => {
    for (const listener of listeners) listener(event)
  })
  try {
    netlink.createVeth({ name: 'a', peer: { name: 'b' } })
    const index = linkIndex('a')
    const resync = eventOf(listeners, (event) => event.type === 'resync')
    // About 1.5 KiB an event, and a queue of 2 MiB.
    for (let round = 0; round < 2_000; round++) netlink.setLink(index, { up: round % 2 === 0 })
    await resync
    // The queue is still full of the events from before.
    monitor.drain()
    const later = eventOf(listeners, (event) => event.type === 'link' && event.link.name === 'later')
    netlink.createVeth({ name: 'later', peer: { name: 'peer' } })
    await later
  } finally {
    await monitor.stop()
  }
})

kernelTest('a stopped monitor says nothing more and has closed what it opened', async (netlink) => {
  const before = descriptors()
  const seen: LinkEvent[] = []
  for (let round = 0; round < 20; round++) {
    const monitor = LinkMonitor.start({ log: silentLog }, (event) => seen.push(event))
    netlink.setLink('lo', { up: round % 2 === 0 })
    const stopped = Promise.all([monitor.stop(), monitor.stop()])
    netlink.setLink('lo', { up: false })
    monitor.drain()
    await stopped
  }
  assert.deepEqual(seen, [])
  assert.equal(descriptors(), before)
})

kernelTest('a process with a monitor ends when it stops it, and when it exits in the middle', () => {
  const start = `import { LinkMonitor } from '${library}'
    const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log }
    const monitor = LinkMonitor.start({ log }, () => {})
  `
  const run = (end: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', `${start}${end}`], { timeout: 10_000, encoding: 'utf8' })
  const stopped = run("monitor.stop().then(() => process.stdout.write('stopped'))")
  assert.deepEqual([stopped.status, stopped.stdout], [0, 'stopped'], stopped.stderr)
  const exited = run('setImmediate(() => process.exit(7))')
  assert.equal(exited.status, 7, exited.stderr)
})
