import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ControlSocket, controlPath } from './index.ts'

/** A daemon that hands each piece of text to `hear`, listening where its pid file says. */
async function daemon(t: TestContext, hear: (text: string, socket: Socket) => void): Promise<string> {
  const runDir = await mkdtemp(join(tmpdir(), 'unixctl-'))
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (bytes) => hear(bytes.toString(), socket))
  })
  await new Promise<void>((resolve) => server.listen(join(runDir, 'ovs-vswitchd.42.ctl'), resolve))
  await writeFile(join(runDir, 'ovs-vswitchd.pid'), '42\n')
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await rm(runDir, { recursive: true })
  })
  return runDir
}

const soon = () => AbortSignal.timeout(5_000)

async function connected(t: TestContext, hear: (text: string, socket: Socket) => void): Promise<ControlSocket> {
  const control = await ControlSocket.connect(
    { path: await controlPath(await daemon(t, hear), 'ovs-vswitchd') },
    soon(),
  )
  t.after(() => control.close())
  return control
}

test('a command is sent as ovs-appctl sends it, and its answer may come in pieces', async (t) => {
  const heard: string[] = []
  const control = await connected(t, (text, socket) => {
    heard.push(text)
    socket.write('{"id":0,"result":"a}{b\\n","er')
    setImmediate(() => socket.write('ror":null}'))
  })
  assert.equal(await control.command('ofproto/trace', ['np-int', 'in_port=1'], soon()), 'a}{b\n')
  assert.deepEqual(heard, ['{"id":0,"method":"ofproto/trace","params":["np-int","in_port=1"]}'])
})

test('two answers in one piece are two answers', async (t) => {
  let asked = 0
  const control = await connected(t, (text, socket) => {
    asked += text.split('"method"').length - 1
    if (asked === 2) socket.write('{"id":0,"result":"x","error":null}{"id":1,"result":"y","error":null}')
  })
  assert.deepEqual(await Promise.all([control.command('a', [], soon()), control.command('b', [], soon())]), ['x', 'y'])
})

test('what the daemon refuses is told in its words', async (t) => {
  const control = await connected(t, (_, socket) => {
    socket.write('{"error":"\\"nonsense\\" is not a valid command\\n","id":0,"result":null}')
  })
  await assert.rejects(control.command('nonsense', [], soon()), {
    code: 'CONTROL_REFUSED',
    message: 'Open vSwitch refused nonsense: "nonsense" is not a valid command',
  })
})

test('a daemon that goes away fails what was asked, and one that is not there the connection', async (t) => {
  const control = await connected(t, (_, socket) => void socket.destroy())
  await assert.rejects(control.command('a', [], soon()), { code: 'CONTROL_UNREACHABLE' })
  await assert.rejects(control.command('b', [], soon()), { code: 'CONTROL_UNREACHABLE' })
  await assert.rejects(ControlSocket.connect({ path: '/none/here.ctl' }, soon()), { code: 'CONTROL_UNREACHABLE' })
  await assert.rejects(controlPath('/none', 'ovs-vswitchd'), { code: 'CONTROL_UNREACHABLE' })
})

test('a wait for an answer ends with its signal', async (t) => {
  const control = await connected(t, () => {})
  await assert.rejects(control.command('a', [], AbortSignal.timeout(20)), { name: 'TimeoutError' })
})
