// VLAN networks on the wire: several uplinks, and machines that the cluster does not know.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { arpOperations, findLayer, type Layer } from '../../src/protocols/packet/index.ts'
import { Capture, type Frame } from '../support/capture.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { sendFrame } from '../support/frames.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { echoesHeard } from '../support/reachability.ts'

const vlan = 100
/** A machine on the wire. */
const outside = { mac: '02:aa:00:00:00:01', ip: '10.1.1.200' }

test('VLAN networks with two uplinks', { skip: labSkip, timeout: 120_000 }, (t) =>
  withLab({ name: 'dpvlan', netMode: 'vlan', uplinks: 2 }, (lab) => check(t, lab)),
)

async function check(t: TestContext, lab: TestLab): Promise<void> {
  // Without a gateway: the router of a VLAN is no business of the cluster.
  await lab.execOk('node1', `netctl net create wire --subnet 10.1.1.0/24 --pkt-tag ${vlan}`)
  const [web, db] = await startContainers(lab, [
    { name: 'web', host: 'node1', network: 'wire', image: 'tools' },
    { name: 'db', host: 'node2', network: 'wire', image: 'tools' },
  ])
  assert.ok(web && db)
  // LACP first looks for a partner on links that come up; only then is the bond used without one.
  await reaches(lab, web, db)
  await t.test('a machine outside the cluster talks with a container by its tag', () => checkOutside(lab, web))
  await t.test('what comes without tag or with another one reaches nobody', () => checkOtherTags(lab, web))
  await t.test('an address that the cluster does not know is asked for on the wire', () => checkUnknown(lab, web))
  await t.test('an address that comes to another host is reached there', () => checkMoved(lab, web, db))
  await t.test('traffic goes on when one uplink fails, and when it is back and the other one fails', () =>
    checkFailover(lab, web, db),
  )
}

async function checkOutside(lab: TestLab, web: Container): Promise<void> {
  await withWire(lab, async (wire) => {
    await sendFrame(lab, 'underlay', 'data', arpRequest(vlan, web.ipv4))
    const reply = await wire.seen('the ARP reply of the container', (frame) => {
      const arp = findLayer(frame, 'arp')
      return arp?.operation === arpOperations.reply && arp.senderIp === web.ipv4
    })
    assert.equal(findLayer(reply, 'vlan')?.vlan, vlan)
    assert.equal(findLayer(reply, 'arp')?.senderMac, web.mac)
    await sendFrame(lab, 'underlay', 'data', echoRequest(vlan, web, 1))
    const echo = await wire.seen('the echo reply of the container', (frame) => isReply(frame, 1))
    assert.equal(findLayer(echo, 'vlan')?.vlan, vlan)
    assert.equal(findLayer(echo, 'ethernet')?.source, web.mac)
  })
}

async function checkOtherTags(lab: TestLab, web: Container): Promise<void> {
  const before = (await echoesHeard([web])).get('web') ?? 0
  await withWire(lab, async (wire) => {
    await sendFrame(lab, 'underlay', 'data', echoRequest(undefined, web, 2))
    await sendFrame(lab, 'underlay', 'data', echoRequest(vlan + 1, web, 3))
    // The right one comes after them: when it is answered, they have passed or not.
    await sendFrame(lab, 'underlay', 'data', echoRequest(vlan, web, 4))
    await wire.seen('the reply to the last request', (frame) => isReply(frame, 4))
    assert.equal((await echoesHeard([web])).get('web'), before + 1)
  })
}

async function checkUnknown(lab: TestLab, web: Container): Promise<void> {
  await withWire(lab, async (wire) => {
    assert.equal(await web.succeeds('ping -c 1 -W 1 10.1.1.222'), false)
    const question = await wire.seen('the ARP request', (frame) => findLayer(frame, 'arp')?.targetIp === '10.1.1.222')
    assert.equal(findLayer(question, 'vlan')?.vlan, vlan)
    assert.equal(findLayer(question, 'ethernet')?.source, web.mac)
  })
}

async function checkMoved(lab: TestLab, web: Container, db: Container): Promise<void> {
  const address = '10.1.1.50'
  const start = (name: string, host: string) =>
    startContainers(lab, [{ name, host, network: 'wire', options: ['--ip', address] }])
  const [before] = await start('before', 'node1')
  assert.ok(before)
  // Now the switches on the wire know where that MAC is.
  await reaches(lab, before, db)
  await lab.execOk('node1', 'docker rm -f before')
  const [after] = await start('after', 'node2')
  assert.equal(after?.mac, before.mac)
  // The bond believes that only some seconds after the former one was announced.
  const isReached = async () => (await web.succeeds(`curl -s --connect-timeout 1 http://${address}/`)) || undefined
  await lab.until('the new container to be reached', isReached, 15_000)
  assert.equal(await web.sh(`curl -s --max-time 5 http://${address}/`), 'after\n')
}

async function checkFailover(lab: TestLab, web: Container, db: Container): Promise<void> {
  await reaches(lab, web, db)
  await lab.execOk('node1', 'ip link set eth1 down')
  await reaches(lab, web, db)
  assert.equal(await web.sh(`curl -s --max-time 10 http://${db.ipv4}/`), 'db\n')
  await lab.execOk('node1', 'ip link set eth1 up')
  await lab.until('the bond to use eth1 again', async () => {
    return /member eth1: enabled/.test(await lab.execOk('node1', 'ovs-appctl bond/show')) || undefined
  })
  await lab.execOk('node1', 'ip link set eth2 down')
  await reaches(lab, web, db)
  assert.equal(await web.sh(`curl -s --max-time 10 http://${db.ipv4}/`), 'db\n')
}

function reaches(lab: TestLab, from: Container, to: Container): Promise<true> {
  return lab.until('an echo reply', async () => (await from.succeeds(`ping -c 1 -W 1 ${to.ipv4}`)) || undefined)
}

async function withWire(lab: TestLab, work: (wire: Capture) => Promise<void>): Promise<void> {
  const wire = await Capture.onHost(lab, 'underlay', { device: 'data' })
  try {
    await work(wire)
  } finally {
    await wire.stop()
  }
}

function tag(id: number | undefined): readonly Layer[] {
  return id === undefined ? [] : [{ kind: 'vlan', vlan: id }]
}

function arpRequest(id: number, targetIp: string): readonly Layer[] {
  return [
    { kind: 'ethernet', destination: 'ff:ff:ff:ff:ff:ff', source: outside.mac },
    ...tag(id),
    {
      kind: 'arp',
      operation: arpOperations.request,
      senderMac: outside.mac,
      senderIp: outside.ip,
      targetMac: '00:00:00:00:00:00',
      targetIp,
    },
  ]
}

function echoRequest(id: number | undefined, to: Container, sequence: number): readonly Layer[] {
  return [
    { kind: 'ethernet', destination: to.mac, source: outside.mac },
    ...tag(id),
    { kind: 'ipv4', source: outside.ip, destination: to.ipv4 },
    { kind: 'icmp-echo', request: true, identifier: 7, sequence },
    { kind: 'payload', bytes: Buffer.alloc(32) },
  ]
}

function isReply(frame: Frame, sequence: number): boolean {
  const echo = findLayer(frame, 'icmp-echo')
  return echo?.request === false && echo.sequence === sequence && findLayer(frame, 'ipv4')?.destination === outside.ip
}
