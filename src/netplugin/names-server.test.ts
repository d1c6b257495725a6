import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { FakeNamesServer } from './fake-names-server.ts'
import type { NamesView } from './names-feed.ts'
import { NamesServer } from './names-server.ts'
import { background, random, recordingLog, scratch, small, untilTime } from './testing.ts'

const ours = 'program-1'

function view(): NamesView {
  const state = small()
  const network = new NodeCompiler('node1').compile(state)
  const ofPorts = new Map([...network.local.values()].map(({ portName }) => [portName, 1]))
  return { state, network, ofPorts, others: [] }
}

function setup(t: TestContext) {
  const socket = join(scratch(t), 'names.sock')
  const clock = new FakeClock()
  const { log, said } = recordingLog()
  const servers: FakeNamesServer[] = []
  const world: { view: NamesView | undefined; starts: boolean; killed: number } = {
    view: view(),
    starts: true,
    killed: 0,
  }
  const serve = async (program: string, isStuck = false) => {
    const server = new FakeNamesServer({ pid: servers.length + 1, program })
    server.isStuck = isStuck
    servers.push(server)
    t.after(() => server.end())
    await server.listen(socket)
    return server
  }
  const processes = {
    program: ours,
    start: () => {
      if (world.starts) void serve(ours)
    },
    kill: () => {
      world.killed += 1
      for (const server of servers) server.end()
    },
  }
  const names = new NamesServer({ socket }, { processes, view: () => world.view, clock, log, random })
  const run = () => background(t, (signal) => names.run(signal))
  const until = (what: string, fact: () => boolean) => untilTime(what, clock, 25, fact)
  const fed = (server: FakeNamesServer | undefined) => server?.told.includes('end') === true
  return { names, world, servers, serve, run, until, fed, said }
}

test('where no server runs one is started, and told everything', async (t) => {
  const { run, servers, until, fed } = setup(t)
  run()
  await until('fed', () => fed(servers[0]))
  assert.deepEqual([servers.length, servers[0]?.told], [1, ['begin', 'members', 'host', 'end']])
})

test('one that runs is taken over, not started again, and goes on when netplugin ends', async (t) => {
  const { serve, run, servers, until, fed, said } = setup(t)
  const before = await serve(ours)
  const first = run()
  await until('fed', () => fed(before))
  await first.stop()
  before.told.length = 0
  run()
  await until('fed again', () => fed(before))
  assert.equal(servers.length, 1)
  assert.ok(said(/taken over/))
  assert.ok(!before.told.includes('stop'))
})

test('one of another version answers until its successor does, and is told to stop then', async (t) => {
  const { serve, run, servers, until, fed } = setup(t)
  const old = await serve('program-0')
  run()
  await until('successor fed', () => fed(servers[1]))
  assert.deepEqual(old.told, ['yield'])
  servers[1]!.say({ type: 'serving', address: '172.19.255.254' })
  await until('old one stopped', () => old.told.includes('stop'))
  assert.deepEqual([old.told, servers.length], [['yield', 'stop'], 2])
})

test('one that ends is started again, and told everything', async (t) => {
  const { run, servers, until, fed, said } = setup(t)
  run()
  await until('fed', () => fed(servers[0]))
  servers[0]!.end()
  await until('another one fed', () => fed(servers[1]))
  assert.ok(said(/names server lost/))
})

test('one that is stuck is killed, and another is started', async (t) => {
  const { run, servers, until, fed, world } = setup(t)
  run()
  await until('fed', () => fed(servers[0]))
  servers[0]!.isStuck = true
  await until('another one fed', () => fed(servers[1]))
  assert.equal(world.killed, 1)
})

test('one that was stuck before netplugin came is killed, too', async (t) => {
  const { serve, run, servers, until, fed, world } = setup(t)
  await serve(ours, true)
  run()
  await until('another one fed', () => fed(servers[1]))
  assert.equal(world.killed, 1)
})

test('while nothing is known of the cluster nothing is told; then everything', async (t) => {
  const { names, run, servers, until, fed, world, serve } = setup(t)
  const server = await serve(ours)
  const known = world.view
  world.view = undefined
  run()
  await until('connected', () => servers.length === 1)
  names.lookAgain()
  world.view = known
  assert.deepEqual(server.told, [])
  names.lookAgain()
  await until('fed', () => fed(server))
})

test('what changes is told', async (t) => {
  const { names, run, servers, until, fed, world } = setup(t)
  run()
  await until('fed', () => fed(servers[0]))
  const { state, network, ofPorts } = view()
  world.view = { state: { ...state, endpoints: new Map() }, network, ofPorts, others: [] }
  names.lookAgain()
  await until('told', () => servers[0]!.told.at(-1) === 'members')
})

test('a server that cannot be started is tried again and again', async (t) => {
  const { run, servers, until, fed, world } = setup(t)
  world.starts = false
  run()
  await untilMany(until, world)
  await until('fed', () => fed(servers[0]))
})

/** Lets a start fail, then makes the next one work. */
async function untilMany(until: (what: string, fact: () => boolean) => Promise<void>, world: { starts: boolean }) {
  let turns = 0
  await until('a while to pass', () => ++turns > 500)
  world.starts = true
}
