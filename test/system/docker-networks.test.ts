// The Docker networks that appear on every host for networks, tenants and endpoint groups, and what containers on them
// may expect.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Container, startContainer, startContainers } from '../support/containers.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'

const hosts = ['node1', 'node2'] as const

test('Docker networks of networks, tenants and groups', { skip: labSkip, timeout: 120_000 }, (t) =>
  withLab({ name: 'dpdocker' }, (lab) => check(t, lab)),
)

async function check(t: TestContext, lab: TestLab): Promise<void> {
  const netctl = (line: string) => lab.execOk('node2', `netctl ${line}`)
  await t.test('each host has them as soon as the command returns', async () => {
    await netctl('net create contiv-net --subnet 20.1.1.0/24 --gateway 20.1.1.254')
    await netctl('group create contiv-net web')
    await netctl('tenant create blue')
    await netctl('net create -t blue contiv-net --subnet 20.1.1.0/24 --gateway 20.1.1.254')
    await netctl('group create -t blue contiv-net web')
    const expected = ['contiv-net', 'contiv-net/blue', 'web.contiv-net', 'web.contiv-net/blue']
    for (const host of hosts) assert.deepEqual(await dockerNetworks(lab, host), expected)
  })
  const containers = await startContainers(lab, [
    { name: 'plain', host: 'node1', network: 'contiv-net', image: 'tools' },
    { name: 'member-1', host: 'node1', network: 'web.contiv-net', image: 'tools' },
    { name: 'member-2', host: 'node2', network: 'web.contiv-net', image: 'tools' },
    { name: 'stranger', host: 'node2', network: 'web.contiv-net/blue', image: 'tools' },
  ])
  const [plain, member1, member2, stranger] = containers
  assert.ok(plain && member1 && member2 && stranger)
  await t.test('containers of a group talk with each other and with their network, by name', async () => {
    for (const [from, to] of [
      [plain, member1],
      [plain, member2],
      [member1, member2],
      [member2, plain],
      [member2, member1],
    ] as const) {
      // Names come from the engine, after the container has started.
      const answered = async () => (await page(from, to.name)) === `${to.name}\n` || undefined
      await lab.until(`${from.name} to get the page of ${to.name}`, answered)
    }
  })
  await t.test('addresses of a group are those of its network, each given once', () => {
    const own = [plain, member1, member2].map(({ ipv4 }) => ipv4)
    assert.deepEqual(own.toSorted(), ['20.1.1.1', '20.1.1.2', '20.1.1.3'])
    assert.equal(stranger.ipv4, '20.1.1.1')
  })
  await t.test('the same names in another tenant are another world', async () => {
    assert.equal(await page(stranger, '20.1.1.1'), 'stranger\n')
    for (const address of ['20.1.1.2', '20.1.1.3', 'member-2']) assert.equal(await page(stranger, address), '')
    assert.equal(await page(plain, 'stranger'), '')
  })
  await t.test('a container may be on two networks, and its endpoint tells its group', async () => {
    await netctl('net create second --subnet 20.2.1.0/24')
    await lab.execOk('node1', 'docker network connect second member-1')
    const other = await startContainer(lab, { name: 'other', host: 'node2', network: 'second', image: 'tools' })
    await lab.until(
      'a page of the second network',
      async () => (await page(other, 'member-1')) === 'member-1\n' || undefined,
    )
    assert.equal(await page(member2, 'member-1'), 'member-1\n')
    await lab.execOk('node1', 'docker network disconnect second member-1')
    assert.equal(await page(other, 'member-1'), '')
    assert.equal(await page(member2, 'member-1'), 'member-1\n')
    await lab.execOk('node2', 'docker rm -f other')
    assert.match(await netctl('group inspect web'), /member-1/)
  })
  await t.test('they go with what they were made for', async () => {
    await Promise.all(containers.map(({ host, name }) => lab.execOk(host, ['docker', 'rm', '-f', name])))
    await netctl('group rm web && netctl net rm contiv-net && netctl net rm second')
    await netctl('group rm -t blue web && netctl net rm -t blue contiv-net && netctl tenant rm blue')
    for (const host of hosts) {
      await lab.until(`${host} to be rid of them`, async () => {
        return (await dockerNetworks(lab, host)).length === 0 || undefined
      })
    }
  })
}

/** What comes from a container's server; empty when nothing does. */
async function page(from: Container, address: string): Promise<string> {
  return from.sh(`curl -s --max-time 3 http://${address}/ || true`)
}

async function dockerNetworks(lab: TestLab, host: string): Promise<string[]> {
  const listed = await lab.execOk(host, "docker network ls --filter driver=netplugin --format '{{.Name}}'")
  return listed
    .split('\n')
    .filter((name) => name !== '')
    .sort()
}
