// Names as containers see them: their own network's, on all hosts; nobody else's; and the rest of the world's through the
// host's resolver. Asked of Docker's own resolver, as programs do, and past it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Container, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, type TestLabOptions, withLab } from '../support/lab.ts'

interface Mode {
  readonly title: string
  readonly lab: TestLabOptions
  /** Flags of a network with IPv4 only. */
  readonly plain: string
}

const modes: readonly Mode[] = [
  // Without a gateway nothing leads to the host's resolver but the switch.
  { title: 'VXLAN, routing', lab: { name: 'dpnamesr' }, plain: '--subnet 10.3.2.0/24' },
  { title: 'VLAN, bridge', lab: { name: 'dpnamesv', netMode: 'vlan' }, plain: '--subnet 10.3.2.0/24' },
]

/** Where the hosts' resolv.conf points; nobody listens there at first. */
const upstream = '10.77.0.254'
const dual = '--subnet 10.3.1.0/24 --gateway 10.3.1.254 --subnetv6 fd03:1::/64 --gatewayv6 fd03:1::fe'

interface Cast {
  readonly web: Container
  readonly db: Container
  /** On a network without gateway and IPv6. */
  readonly plainWeb: Container
  readonly plainDb: Container
  /** On a network of another tenant with the same name and subnet as web's. */
  readonly foreign: Container
  /** Members of group `api` on plainWeb's network, on two hosts. */
  readonly group: readonly Container[]
}

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 120_000 }, (t) => withLab(mode.lab, (lab) => checkMode(t, lab, mode)))
}

async function checkMode(t: TestContext, lab: TestLab, mode: Mode): Promise<void> {
  const cast = await populate(lab, mode)
  const { web, db, plainWeb, plainDb, foreign, group } = cast
  await t.test('a container is found by name, alias and short id, however it is spelled', async () => {
    for (const [from, to, alias] of [
      [web, db, 'database'],
      [db, web, 'WWW'],
      [plainWeb, plainDb, 'plain-database'],
      [plainDb, plainWeb, 'plain-www'],
    ] as const) {
      const names = [to.name, to.name.toUpperCase(), alias, alias.toLowerCase(), to.id.slice(0, 12)]
      const questions = names.flatMap((name) => [name, `@${upstream} ${name}`])
      const answers = await from.sh(questions.map((question) => `dig +time=10 +tries=1 +short ${question}`).join('\n'))
      const expected = questions.map((question) => `${question} is ${to.ipv4}`)
      const actual = answers.split('\n').map((answer, index) => `${questions[index]} is ${answer}`)
      assert.deepEqual(actual.slice(0, -1), expected, `${from.name} asked`)
      assert.equal(await dig(from, `+short @${upstream} ${from.name}`), from.ipv4)
    }
  })
  await t.test('also over TCP, and backwards, and by IPv6', async () => {
    assert.equal(await dig(web, '+short +tcp db'), db.ipv4)
    assert.equal(await dig(web, `+short +tcp @${upstream} db`), db.ipv4)
    assert.equal(await dig(web, `+short -x ${db.ipv4}`), 'db.')
    assert.equal(await dig(web, '+short AAAA db'), db.ipv6)
    assert.equal(await dig(web, `+short -x ${db.ipv6}`), 'db.')
    // A name that is there without such a record is not a name that is not there.
    assert.match(await dig(plainWeb, `AAAA @${upstream} plain-db`), /status: NOERROR.*ANSWER: 0/s)
  })
  await t.test('whatever IPv6 address is asked, by UDP and TCP', async () => {
    // On a VLAN without a router's machine only who is on the link can be asked.
    const far = mode.lab.netMode === 'vlan' ? [] : ['2001:db8:99::53', 'fd03:1::fe']
    for (const server of [db.ipv6, ...far]) {
      for (const how of ['', '+tcp']) {
        const asked = `+short ${how} @${server}`
        assert.equal(await dig(web, `${asked} db`), db.ipv4, asked)
        assert.equal(await dig(web, `${asked} AAAA db`), db.ipv6, asked)
        assert.equal(await dig(web, `${asked} -x ${db.ipv6}`), 'db.', asked)
      }
    }
    // Who asks is known by its port here too.
    for (const server of far) {
      assert.equal(await dig(foreign, `+short @${server} db`), '')
      assert.equal(await dig(foreign, `+short @${server} foreign`), foreign.ipv4)
    }
  })
  await t.test('a group is all its members, also from the other networks of the tenant, and nobody else', async () => {
    const sorted = async (from: Container, name: string) => (await dig(from, `+short ${name}`)).split('\n').sort()
    const members = group.map(({ ipv4 }) => ipv4).sort()
    assert.deepEqual(await sorted(plainWeb, 'api'), members)
    for (const from of [web, db, plainDb]) assert.deepEqual(await sorted(from, 'API.plain'), members, from.name)
    assert.equal(await dig(web, '+short plain-db.plain'), plainDb.ipv4)
    assert.equal(await dig(foreign, '+short api.plain'), '')
    const firsts = new Set<string>()
    await lab.until('each member to be answered first', async () => {
      firsts.add((await dig(plainWeb, '+short api')).split('\n')[0] ?? '')
      return firsts.size === members.length || undefined
    })
    await lab.execOk('node2', 'docker stop -t 0 api2')
    await lab.until('only the one that runs to be left', async () => {
      return (await dig(web, '+short api.plain')) === group[0]?.ipv4 || undefined
    })
  })
  await t.test('by name they talk, and no further than their network', async () => {
    assert.equal(await web.sh('curl -4 -s --max-time 10 http://db/'), 'db\n')
    assert.equal(await web.sh('curl -6 -s --max-time 10 http://db/'), 'db\n')
    assert.equal(await plainDb.sh('curl -s --max-time 10 http://plain-web/'), 'plain-web\n')
    for (const [from, name] of [
      [web, 'foreign'],
      [web, 'plain-db'],
      [plainWeb, 'db'],
      [foreign, 'web'],
      [foreign, 'db'],
    ] as const) {
      assert.equal(await dig(from, `+short ${name}`), '', `${from.name} asked for ${name}`)
    }
    for (const { ipv4 } of [web, db]) {
      const expected = ipv4 === foreign.ipv4 ? 'foreign.' : ''
      assert.equal(await dig(foreign, `+short @${upstream} -x ${ipv4}`), expected)
    }
  })
  await t.test('a name that nobody knows fails at once while the host has no resolver', async () => {
    for (const [index, from] of [web, plainWeb, foreign].entries()) {
      const began = performance.now()
      const lookups = [1, 2, 3].map((number) => dig(from, `nobody${number}.example`))
      for (const answer of await Promise.all(lookups)) assert.match(answer, /status: SERVFAIL/)
      assert.equal(
        await from.succeeds(`getent hosts nobody${index}.example || ping -c 1 nobody${index}.example`),
        false,
      )
      assert.ok(performance.now() - began < 5_000, `${from.name} took ${performance.now() - began} ms`)
    }
  })
  await t.test("other names are answered by the host's resolver", () => checkUpstream(lab, cast))
  await t.test('the name goes with its container', async () => {
    await lab.execOk('node2', 'docker stop -t 0 db && docker rm -f plain-db')
    await lab.until('the names to be gone', async () => {
      const answers = [
        await dig(web, '+short db'),
        await dig(web, '+short database'),
        await dig(plainWeb, '+short plain-db'),
      ]
      return answers.join('') === '' || undefined
    })
    await lab.execOk('node2', 'docker start db')
    await lab.until('the name to be back', async () => (await dig(web, '+short db')) !== '' || undefined)
  })
}

async function populate(lab: TestLab, mode: Mode): Promise<Cast> {
  await lab.execOk('node1', `netctl net create town ${dual}`)
  await lab.execOk('node1', `netctl net create plain ${mode.plain}`)
  await lab.execOk('node1', `netctl tenant create other && netctl net create -t other town ${dual}`)
  const on = (name: string, host: string, network: string, alias: string) =>
    ({ name, host, network, image: 'tools', options: ['--network-alias', alias] }) as const
  await lab.execOk('node1', 'netctl group create plain api')
  const [web, db, plainWeb, plainDb, foreign, api1, api2] = await startContainers(lab, [
    on('web', 'node1', 'town', 'WWW'),
    on('db', 'node2', 'town', 'database'),
    on('plain-web', 'node1', 'plain', 'plain-www'),
    on('plain-db', 'node2', 'plain', 'plain-database'),
    on('foreign', 'node1', 'town/other', 'strange'),
    on('api1', 'node1', 'api.plain', 'first-api'),
    on('api2', 'node2', 'api.plain', 'second-api'),
  ])
  assert.ok(web && db && plainWeb && plainDb && foreign && api1 && api2)
  // Names come from the engine, after the container has started.
  for (const [from, name] of [
    [web, 'database'],
    [db, 'www'],
    [plainWeb, 'plain-database'],
    [plainDb, 'plain-www'],
    [plainWeb, 'second-api'],
  ] as const) {
    await lab.until(`${from.name} to know ${name}`, async () => (await dig(from, `+short ${name}`)) !== '' || undefined)
  }
  return { web, db, plainWeb, plainDb, foreign, group: [api1, api2] }
}

async function checkUpstream(lab: TestLab, { web, db, plainWeb, foreign }: Cast): Promise<void> {
  const script = join(import.meta.dirname, '../support/dns-upstream.ts')
  const names = ['www.example=203.0.113.7', 'db=203.0.113.8']
  const server = lab.spawn('underlay', [process.execPath, script, upstream, ...names])
  let told = ''
  server.stdout.on('data', (bytes: Buffer) => {
    told += bytes.toString()
  })
  server.stderr.on('data', (bytes: Buffer) => {
    told += bytes.toString()
  })
  try {
    await lab.until('the upstream to listen', () => {
      assert.equal(server.exitCode, null, told)
      return told.includes('ready') || undefined
    })
    for (const from of [web, plainWeb, foreign, db]) {
      // Shortly after a refusal the upstream is left alone.
      await lab.until(`${from.name} to hear of www.example`, async () => {
        return (await dig(from, '+short www.example')) === '203.0.113.7' || undefined
      })
      assert.equal(await dig(from, '+short +tcp WWW.example'), '203.0.113.7')
      assert.match(await dig(from, 'nobody.example'), /status: NXDOMAIN/)
    }
    assert.equal(await dig(web, '+short db'), db.ipv4, 'a name of the network comes before others')
    assert.equal(await dig(foreign, '+short db'), '203.0.113.8')
  } finally {
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }
}

async function dig(from: Container, question: string): Promise<string> {
  return (await from.sh(`dig +time=10 +tries=1 ${question}`)).trim()
}
