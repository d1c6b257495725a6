// Names while things break, and what DNS asks of a server, from containers on two hosts: by dig, past Docker's own
// resolver and through it, and by the C library.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { NamesStatus } from '../../src/core/names/feed.ts'
import { type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'

const gateway = '10.4.1.254'
/** Members of group `crowd`, more than fit into a datagram. */
const crowd = 100

interface Cast {
  readonly web: Container
  readonly db: Container
  readonly pool: Container
  /** On another network of the tenant, without IPv6. */
  readonly far: Container
  /** Of another tenant, with the names and addresses of web and db. */
  readonly foreign: Container
  readonly foreignDb: Container
}

test('names go on whatever is killed', { skip: labSkip, timeout: 180_000 }, (t) =>
  withLab({ name: 'dpnameslife' }, async (lab) => {
    const cast = await populate(lab)
    await t.test('DNS as its documents want it', () => checkProtocol(cast))
    await t.test('services by port, addresses backwards, also from other networks', () => checkServices(cast))
    await t.test('answers too large for a datagram come by TCP', () => checkTruncation(lab, cast))
    await t.test('the C library finds names, with search domains as well', () => checkLibrary(lab, cast))
    await t.test('while netplugin is killed on both hosts', () => checkWithoutNetplugin(t, lab, cast))
    await t.test('a names server that is killed is there again', () => checkKilled(t, lab, cast))
    await t.test('a container that is killed is in no answer any more', () => checkDead(lab, cast))
  }),
)

async function populate(lab: TestLab): Promise<Cast> {
  const town = `--subnet 10.4.1.0/24 --gateway ${gateway} --subnetv6 fd04:1::/64 --gatewayv6 fd04:1::fe`
  await lab.execOk('node1', `netctl net create town ${town} && netctl group create town pool`)
  await lab.execOk('node1', 'netctl net create plain --subnet 10.4.2.0/24 --gateway 10.4.2.254')
  await lab.execOk('node1', 'netctl group create plain crowd')
  await lab.execOk('node1', `netctl tenant create other && netctl net create -t other town ${town}`)
  const on = (name: string, host: string, network: string, ...options: readonly string[]) =>
    ({ name, host, network, image: 'tools', options }) as const
  const [web, db, pool, far, foreign, foreignDb] = await startContainers(lab, [
    on('web', 'node1', 'town', '--dns-search', 'lab.test'),
    on('db', 'node2', 'town'),
    on('pool1', 'node2', 'pool.town'),
    on('far', 'node2', 'plain'),
    on('foreign', 'node2', 'town/other'),
    on('foreign-db', 'node1', 'town/other', '--network-alias', 'db'),
  ])
  assert.ok(web && db && pool && far && foreign && foreignDb)
  // As a host that has a hundred containers would tell netmaster.
  const bodies = Array.from({ length: crowd }, (_, index) => {
    const id = `crowd${index}`
    const group = { TenantName: 'default', NetworkName: 'plain', ServiceName: 'crowd' }
    return JSON.stringify({ ...group, Node: 'node9', EndpointID: id, ContainerID: id, ContainerName: id })
  })
  const post = `curl -sS --fail-with-body -H 'Content-Type: application/json' -d "$body" $netmaster/plugin/createEndpoint`
  await lab.execOk('node1', `netmaster=http://netmaster:9999; while read -r body; do ${post} || exit 1; done`, {
    input: `${bodies.join('\n')}\n`,
    timeoutMs: 60_000,
  })
  for (const [from, name] of [
    [web, 'db'],
    [db, 'web'],
    [web, 'pool'],
    [far, 'far'],
    [foreign, 'db'],
    [far, 'crowd'],
  ] as const) {
    await lab.until(`${from.name} to know ${name}`, async () => (await short(from, name)) !== '' || undefined)
  }
  return { web, db, pool, far, foreign, foreignDb }
}

/** Asks the gateway: questions to any server are answered by the host. */
async function dig(from: Container, question: string): Promise<string> {
  return (await from.sh(`dig +time=5 +tries=2 @${gateway} ${question}`)).trim()
}

const short = (from: Container, question: string) => dig(from, `+short ${question}`)

async function checkProtocol({ web, db, foreign, foreignDb }: Cast): Promise<void> {
  // The case of the question is kept, and does not matter.
  assert.match(await dig(web, 'dB'), new RegExp(`^dB\\.\\s+5\\s+IN\\s+A\\s+${db.ipv4}$`, 'm'))
  assert.match(await dig(web, 'MX db'), /status: NOERROR[\s\S]*ANSWER: 0[\s\S]*^db\.\s+5\s+IN\s+SOA/m)
  assert.match(await dig(web, '+edns=1 +noednsneg db'), /status: BADVERS/)
  assert.match(await dig(web, '+bufsize=900 db'), /EDNS: version: 0, flags:; udp: 1232/)
  assert.doesNotMatch(await dig(web, '+noedns db'), /EDNS/)
  assert.match(await dig(web, 'CH TXT version.bind'), /status: REFUSED/)
  assert.match(await dig(web, '+opcode=notify db'), /status: NOTIMP/)
  const any = (await short(web, 'ANY db')).split('\n')
  assert.deepEqual(any.sort(), [db.ipv4, db.ipv6].sort())
  // The other tenant's, by the same name.
  assert.equal(await short(foreign, 'db'), foreignDb.ipv4)
  assert.equal(await short(foreign, 'web'), '')
}

async function checkServices({ web, db, pool, far, foreign }: Cast): Promise<void> {
  assert.equal(await short(web, 'SRV _80._tcp.pool'), '0 0 80 pool1.town.')
  assert.equal(await short(far, 'SRV _http._tcp.pool.town'), '0 0 80 pool1.town.')
  assert.equal(await short(far, 'pool1.town'), pool.ipv4)
  assert.equal(await short(foreign, 'SRV _80._tcp.pool'), '')
  assert.equal(await short(web, `-x ${db.ipv4}`), 'db.')
  assert.equal(await short(far, `-x ${db.ipv4}`), 'db.town.')
  assert.equal(await short(far, `-x ${db.ipv6}`), 'db.town.')
}

async function checkTruncation(lab: TestLab, { web, far }: Cast): Promise<void> {
  assert.match(await dig(web, '+ignore crowd.plain'), /flags: qr aa tc rd ra;.*ANSWER: 0/)
  assert.match(await dig(web, '+ignore +noedns crowd.plain'), /flags: qr aa tc rd ra;.*ANSWER: 0/)
  for (const from of [web, far]) {
    const answers = (await short(from, 'crowd.plain')).split('\n')
    assert.deepEqual([answers.length, new Set(answers).size], [crowd, crowd])
  }
  const firsts = new Set<string>()
  await lab.until('many of them to be answered first', async () => {
    firsts.add((await short(web, '+tcp crowd.plain')).split('\n')[0] ?? '')
    return firsts.size >= 10 || undefined
  })
}

async function checkLibrary(lab: TestLab, { web, db }: Cast): Promise<void> {
  // The host's C library in the container's network, with the container's configuration: its image has no library.
  const file = '/run/resolv.conf.of-web'
  await lab.execOk('node1', `cat >${file}`, { input: await web.sh('cat /etc/resolv.conf') })
  const inside = (line: string) => {
    const configured = `mount --bind ${file} /etc/resolv.conf; ${line}`
    const command = ['nsenter', '-t', String(web.pid), '-n', 'unshare', '-m', 'sh', '-ec', configured]
    return lab.execOk('node1', command)
  }
  assert.match(await inside('cat /etc/resolv.conf'), /search lab\.test/)
  for (const name of ['db', 'DB', 'db.town']) {
    assert.match(await inside(`getent ahostsv4 ${name}`), new RegExp(`^${db.ipv4}\\s+STREAM`), name)
  }
  assert.match(await inside('getent ahostsv6 db'), new RegExp(`^${db.ipv6}\\s+STREAM`))
  assert.match(await inside(`getent hosts ${db.ipv4}`), /\sdb(\.town)?$/m)
}

async function namesStatus(lab: TestLab, host: string): Promise<NamesStatus> {
  return JSON.parse(await lab.execOk(host, 'netnames --status')) as NamesStatus
}

/** Both ways: each host's names, through Docker's resolver and past it. */
async function bothResolve({ web, db, far }: Cast): Promise<void> {
  assert.equal(await short(web, 'db'), db.ipv4)
  assert.equal(await short(db, '+tcp web'), web.ipv4)
  assert.equal((await web.sh('dig +time=5 +tries=2 +short db')).trim(), db.ipv4)
  assert.equal(await short(far, 'web.town'), web.ipv4)
  assert.equal(await short(far, `-x ${web.ipv4}`), 'web.town.')
}

async function checkWithoutNetplugin(t: TestContext, lab: TestLab, cast: Cast): Promise<void> {
  const hosts = ['node1', 'node2'] as const
  const before = await Promise.all(hosts.map((host) => namesStatus(lab, host)))
  await Promise.all(hosts.map((host) => lab.kill(host, 'netplugin')))
  await bothResolve(cast)
  for (const host of hosts) {
    await lab.until('netplugin to be missed', async () => !(await namesStatus(lab, host)).fed || undefined)
  }
  await bothResolve(cast)
  for (const host of hosts) await lab.start(host, 'netplugin')
  for (const [index, host] of hosts.entries()) {
    const after = await lab.until('the server to be taken over', async () => {
      const status = await namesStatus(lab, host)
      return status.fed ? status : undefined
    })
    assert.equal(after.pid, before[index]?.pid, `${host}: the same server as before`)
  }
  await bothResolve(cast)
  t.diagnostic(`asked so far: ${JSON.stringify(await namesStatus(lab, 'node1'))}`)
}

async function checkKilled(t: TestContext, lab: TestLab, cast: Cast): Promise<void> {
  const { pid } = await namesStatus(lab, 'node1')
  const killed = performance.now()
  await lab.execOk('node1', `kill -9 ${pid}`)
  // One question that is asked again each 200 ms.
  // What was lost meanwhile is asked again each second.
  const said = await cast.web.sh(`dig +time=1 +tries=15 +short @${gateway} db`)
  assert.equal(said.trim().split('\n').at(-1), cast.db.ipv4)
  const tookMs = performance.now() - killed
  t.diagnostic(`answered again after ${Math.round(tookMs)} ms`)
  assert.ok(tookMs < 8_000, `${tookMs} ms`)
  assert.notEqual((await namesStatus(lab, 'node1')).pid, pid)
  await bothResolve(cast)
}

async function checkDead(lab: TestLab, { web, far, pool }: Cast): Promise<void> {
  assert.equal(await short(web, 'pool'), pool.ipv4)
  await lab.execOk('node2', 'docker kill pool1')
  for (const [from, name] of [
    [web, 'pool'],
    [web, 'pool1'],
    [far, 'pool.town'],
  ] as const) {
    await lab.until(`${name} to be gone for ${from.name}`, async () => (await short(from, name)) === '' || undefined)
  }
}
