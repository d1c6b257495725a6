// How labs begin and end, also when something goes wrong: nothing of them is left.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { runCommand } from '../../src/lib/command.ts'
import { labDirectory, labRoot } from '../../src/netlab/directory.ts'
import { findByToken } from '../../src/netlab/process-scan.ts'
import { readState } from '../../src/netlab/state.ts'
import { until } from '../../src/netlab/wait.ts'
import { labSkip, withLab } from '../support/lab.ts'
import { assertNothingLeft, cgroupsOf, inhabitants, stateOf, traces } from '../support/lab-traces.ts'
import { cli, cliOk, netlab, pings } from '../support/netlab-cli.ts'

const options = { skip: labSkip, timeout: 120_000 }
const withoutOurs = ['netmaster', 'netplugin'] as const

test(
  'two labs with the same addresses stay apart, and the end of one leaves nothing of it and all of the other',
  options,
  async () => {
    await withLab({ name: 'test-left', hosts: 1, without: withoutOurs }, async (left) => {
      const before = traces('test-right')
      const right = await withLab({ name: 'test-right', hosts: 2, without: withoutOurs }, async (lab) => {
        await left.execOk('node1', 'echo left >/run/whose')
        assert.equal((await lab.exec('node1', 'cat /run/whose')).code, 1)
        assert.ok(!(await pings(left, 'node1', '10.77.0.2')), 'the other lab is reachable')
        await lab.execOk('node1', 'docker run -d busybox sleep 1000')
        assert.notDeepEqual(cgroupsOf('test-right'), [], 'the test does not see cgroups')
        return { token: stateOf('test-right').token, processes: inhabitants('test-right') }
      })
      assertNothingLeft('test-right', before, right.token, right.processes)
      assert.match(await left.execOk('node1', 'docker run --rm busybox echo still here'), /still here/)
    })
  },
)

test('up refuses a lab that is up, and cleans up after one whose host was killed', options, async () => {
  const name = 'test-again'
  const before = traces(name)
  const up = ['up', '1', '--name', name, '--without', 'netmaster,netplugin']
  try {
    await cliOk(up)
    const refused = await cli(up)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /is up already: end it with "netlab down --name test-again"/)
    const first = stateOf(name)
    await cliOk(['exec', '--name', name, '1', '--', 'docker', 'run', '-d', 'busybox', 'sleep', '1000'])
    const processes = inhabitants(name)
    const host = first.machines.find((machine) => machine.name === 'netplugin-node1')
    assert.ok(host !== undefined)
    process.kill(host.pid, 'SIGKILL')
    await until(
      () => (findByToken(first.token).some(({ pid }) => pid === host.pid) ? undefined : true),
      { what: 'the host to be gone', timeoutMs: 5000, everyMs: 20 },
      { clock: systemClock },
      AbortSignal.timeout(10_000),
    )
    assert.match((await cli(['status', '--name', name])).stderr, /has crashed/)
    await cliOk(up)
    assert.deepEqual(findByToken(first.token), [], 'processes of the crashed lab are left')
    await cliOk(['down', '--name', name])
    const second = await cli(['down', '--name', name])
    assert.deepEqual(second, { code: 0, stdout: `lab ${name} was not up\n`, stderr: '' })
    assertNothingLeft(name, before, first.token, processes)
  } finally {
    await cli(['down', '--name', name])
  }
})

test('a netlab killed half-way through up leaves what down can find', options, async () => {
  const name = 'test-halfway'
  const before = traces(name)
  const { stateFile } = labDirectory(labRoot(process.env), name)
  const child: ChildProcess = spawn(netlab, ['up', '3', '--name', name, '--without', 'netmaster,netplugin'], {
    stdio: 'ignore',
  })
  try {
    const token = await until(
      () => {
        const state = existsSync(stateFile) ? readState(stateFile) : undefined
        return state !== undefined && state.machines.length >= 2 ? state.token : undefined
      },
      { what: 'the first host', timeoutMs: 10_000, everyMs: 2 },
      { clock: systemClock },
      AbortSignal.timeout(15_000),
    )
    child.kill('SIGKILL')
    assert.notDeepEqual(findByToken(token), [])
    await cliOk(['down', '--name', name])
    assertNothingLeft(name, before, token, new Map())
  } finally {
    child.kill('SIGKILL')
    await cli(['down', '--name', name])
  }
})

test('an up that fails says why, and leaves nothing', options, async () => {
  const name = 'test-failing'
  const root = mkdtempSync(join(tmpdir(), 'netlab-failing-'))
  try {
    const before = traces(name)
    // A disk that is full, in a mount namespace of its own.
    const command =
      'mount -t tmpfs -o size=24k tmpfs "$1" && "$0" up 1 --name "$2" --without netmaster,netplugin,docker; code=$?; ls "$1"; exit $code'
    const result = await runCommand(
      ['unshare', '-m', 'env', `NETLAB_DIR=${root}`, 'sh', '-c', command, netlab, root, name],
      {},
      AbortSignal.timeout(60_000),
    )
    assert.equal(result.code, 1)
    assert.match(result.stderr, /netlab: Open vSwitch did not start on netplugin-node1: .*No space left/s)
    assert.equal(result.stdout, '', 'the folder of the lab is left')
    assert.deepEqual(traces(name), before)
    assert.deepEqual(cgroupsOf(name), [])
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
