// Every folder beside this file is one story about a small cluster. Its golden files say what follows from its intent;
// UPDATE_GOLDEN=1 rewrites them: read the difference before you commit it. Probes are written by hand and never rewritten.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import type { Delivery, World } from '../../src/core/pipeline/simulate/world.ts'
import { disagreements, flowsText, networkText, reachabilityText } from './golden.ts'
import { buildPacket, type Expected, type Probe, readStory, sendProbe, storyNames } from './story.ts'

const root = import.meta.dirname
const update = process.env.UPDATE_GOLDEN === '1'

for (const name of storyNames(root)) {
  describe(name, () => {
    const story = readStory(root, name)
    const { world } = story
    for (const node of world.nodes) {
      const host = world.host(node)
      const golden = join(story.folder, 'golden')
      test(`${node} knows what it needs`, () =>
        assertGolden(join(golden, `${node}.network.json`), networkText(host.network)))
      test(`${node} has the flows it needs`, () =>
        assertGolden(join(golden, `${node}.flows.txt`), flowsText(host.flows)))
    }
    test('who reaches whom', () => {
      assertGolden(join(story.folder, 'reachability.txt'), reachabilityText(world))
    })
    // Stories with machines or ports that are missing have reasons of their own for what is not reached.
    if (world.machines.size === 0 && isComplete(world)) {
      test('who reaches whom is what tenants and networks say', () => assert.deepEqual(disagreements(world), []))
    }
    for (const probe of story.probes) test(probe.says, () => checkProbe(readStory(root, name).world, probe))
  })
}

function isComplete(world: World): boolean {
  const numbered = world.nodes.flatMap((node) => {
    const { network, facts } = world.host(node)
    return [...network.local.values()].map(({ portName }) => facts.ofPorts.has(portName))
  })
  return numbered.every((has) => has)
}

function checkProbe(world: World, probe: Probe): void {
  const journey = sendProbe(world, probe)
  assertDeliveries(journey.deliveries, probe.expect, journey.trace)
  if (probe.dropped !== undefined) assert.deepEqual(journey.dropped, probe.dropped, journey.trace.join('\n'))
  if (probe.then === undefined) return
  const from = probe.then.from ?? probe.expect[0]?.at ?? ''
  const second = world.send(from, buildPacket(world, from, probe.then.sends))
  assertDeliveries(second.deliveries, probe.then.expect, second.trace)
}

function assertDeliveries(actual: readonly Delivery[], expected: readonly Expected[], trace: readonly string[]): void {
  const receivers = actual.map(({ to }) => to).sort()
  assert.deepEqual(receivers, expected.map(({ at }) => at).sort(), `wrong receivers:\n${trace.join('\n')}`)
  for (const { at, has = {} } of expected) {
    const packet = actual.find(({ to }) => to === at)?.packet ?? {}
    const seen = Object.fromEntries(Object.keys(has).map((name) => [name, packet[name as keyof typeof packet]]))
    assert.deepEqual(seen, has, `the packet at ${at}:\n${trace.join('\n')}`)
  }
}

function assertGolden(path: string, text: string): void {
  if (update) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return
  }
  assert.equal(text, readFileSync(path, 'utf8'), `${path} is not current; UPDATE_GOLDEN=1 rewrites it`)
}
