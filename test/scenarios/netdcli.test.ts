// netdcli line by line: what is printed, with which status, and what is left behind.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { nodeRoutes } from '../../src/api/routes/nodes.ts'
import { Transport } from '../../src/api/transport.ts'
import { startCluster } from '../support/command-lines.ts'
import { examples, runNetdcli } from '../support/netdcli.ts'

interface Line {
  readonly line: string
  readonly input?: string
  /** 0 unless told. */
  readonly status?: number
  readonly out?: string | RegExp
  readonly err?: RegExp
}

async function inOrder(url: string, lines: readonly Line[]): Promise<void> {
  for (const { line, input, status = 0, out, err } of lines) {
    const outcome = await runNetdcli(url, line, input)
    const told = `${line}\n${outcome.err}${outcome.out}`
    assert.equal(outcome.status, status, told)
    if (typeof out === 'string') assert.equal(outcome.out, out, told)
    if (out instanceof RegExp) assert.match(outcome.out, out, told)
    if (err === undefined && status === 0) assert.equal(outcome.err, '', told)
    if (err !== undefined) assert.match(outcome.err, err, told)
    assert.doesNotMatch(outcome.err, /\.ts\b| {4}at /, 'no stack traces')
  }
}

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'netdcli-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'intent.json')
  writeFileSync(file, text)
  return file
}

test('an endpoint made by hand: create, get, attach, detach, delete', async (t) => {
  const { url } = await startCluster(t)
  await inOrder(url, [
    {
      line: '-oper create -construct network -subnet 10.2.1.0/24 tenant1-net1',
      out: 'added network default:tenant1-net1\n',
    },
    {
      line: '-oper create -construct endpoint -net-id tenant1-net1 -container-id myContainer2 tenant1-net1-ep2',
      out: 'added endpoint tenant1-net1.default-myContainer2\n',
    },
    {
      line: '-oper create -construct endpoint -net-id tenant1-net1 -container-id myContainer2 tenant1-net1-ep2',
      out: 'nothing to change\n',
    },
    { line: '-oper get -construct endpoint tenant1-net1-ep2', out: /"containerName": "myContainer2"/ },
    { line: '-oper get -construct endpoint tenant1-net1.default-myContainer2', out: /"ipAddress": "10\.2\.1\.1"/ },
    { line: '--oper=get --construct=endpoint nobody', status: 3, err: /^netdcli: endpoint nobody not found\n$/ },
    {
      line: '-oper detach -construct endpoint -container-id other tenant1-net1-ep2',
      status: 3,
      err: /is for container myContainer2, not for other/,
    },
    {
      line: '-oper detach -construct endpoint -container-id myContainer2 tenant1-net1-ep2',
      out: /is for no container\n$/,
    },
    {
      line: '-oper attach -construct endpoint -container-id web -attach-uuid abc tenant1-net1-ep2',
      out: /is for container web\n$/,
    },
    { line: '-oper get -construct endpoint web', out: /"attachUUID": "abc"/ },
    {
      line: '-oper delete -construct network tenant1-net1',
      status: 3,
      err: /network default:tenant1-net1 was not deleted: an endpoint is left on it/,
    },
    {
      line: '-oper delete -construct endpoint tenant1-net1-ep2',
      out: 'removed endpoint tenant1-net1.default-myContainer2\n',
    },
    { line: '-oper delete -construct network tenant1-net1', out: 'removed network default:tenant1-net1\n' },
    { line: '-oper delete -construct network tenant1-net1', status: 3, err: /network tenant1-net1 not found/ },
  ])
})

test('a tenant made by hand, with pools, networks and what is free of them', async (t) => {
  const { url } = await startCluster(t)
  await inOrder(url, [
    {
      line: '-oper create -construct global -tag-type vlan -vlans 11-28 -vxlans 10001-14000 -subnet 11.1.0.0/16 -alloc-subnet-len 25 blue',
      out: 'added tenant blue\n',
    },
    { line: '-oper get -construct global blue', out: /"AllocSubnetLen": 25/ },
    {
      line: '-oper create -construct network -tenant blue -subnet 0/26 -tag 15 orange',
      out: 'changed tenant blue\nadded network blue:orange\n',
    },
    { line: '-oper create -construct network -tenant blue -tag-type vxlan red.blue', out: 'added network blue:red\n' },
    {
      line: '-oper get -construct network -tenant blue orange',
      out: /"pktTag": 15,[\s\S]*"subnetIP": "11\.1\.0\.0",\n {2}"subnetLen": 26,\n {2}"gateway": "11\.1\.0\.62"/,
    },
    { line: '-oper get -construct network red.blue', out: /"pktTagType": "vxlan",\n {2}"pktTag": 10001/ },
    { line: '-oper get -construct vlan-rsrc blue', out: /"freeVLANs": "11-14, 16-28"/ },
    { line: '-oper get -construct vxlan-rsrc blue', out: /"freeVXLANs": "10002-14000"/ },
    { line: '-oper get -construct subnet-rsrc blue', out: /"usedSubnets": "11\.1\.0\.0\/26, 11\.1\.0\.128\/25"/ },
    { line: '-oper get -construct global global', out: /"networkInfraType": "default"/ },
    {
      line: '-oper create -construct global -vlans 50-60 blue',
      status: 3,
      err: /tenant blue has VLANs 11-28, the document says 50-60/,
    },
    {
      line: '-oper create -construct endpoint -tenant blue -net-id orange -host host1 -ip-address 11.1.0.9 orange.blue-web',
      out: 'added endpoint orange.blue-web\n',
    },
    { line: '-oper get -construct endpoint web', out: /"homingHost": "host1"/ },
    { line: '-oper delete -construct global blue', status: 3, err: /tenant blue has 2 networks/ },
    { line: '-oper delete -construct endpoint web' },
    { line: '-oper delete -construct network orange.blue' },
    { line: '-oper delete -construct network red.blue' },
    { line: '-oper delete -construct global blue', out: 'removed tenant blue\n' },
    { line: '-oper delete -construct global blue', status: 3, err: /tenant blue not found/ },
    {
      line: '-oper delete -construct global default',
      status: 3,
      err: /tenant default was not deleted: it was not made by an intent/,
    },
  ])
})

test('documents from a file and from standard input, with what changed and what to know', async (t) => {
  const { url } = await startCluster(t)
  const document = {
    Hosts: [{ Name: 'host1', Intf: 'eth2' }],
    Tenants: [{ Name: 'blue', Networks: [{ Name: 'orange' }] }],
  }
  const none = join(examples, 'none.json')
  await inOrder(url, [
    {
      line: '--cfg -',
      input: JSON.stringify(document),
      out: 'added host host1\nadded tenant blue\nadded network blue:orange\n',
      err: /^note: Hosts is kept for information: .*\n$/,
    },
    { line: `${none} -cfg`, out: 'removed network blue:orange\nremoved tenant blue\nremoved host host1\n' },
    {
      line: `-cfg -etcd-url http://127.0.0.1:4001 ${none}`,
      out: 'nothing to change\n',
      err: /^note: -etcd-url is not used: netdcli asks netmaster/,
    },
    { line: `-cfg -debug ${none}`, err: /^POST \/desired-config \{"Tenants":\[\]\}\n$/ },
  ])
})

test('what is wrong with a document is told with its name and the place in it', async (t) => {
  const { url } = await startCluster(t)
  const broken = fileOf(t, '{\n  "Tenants": [,]\n}')
  const wrong = fileOf(t, '{"Tenants": [{"Name": "blue", "Vlans": "many"}]}')
  await inOrder(url, [
    {
      line: '-cfg /nowhere/x.json',
      status: 4,
      err: /^netdcli: \/nowhere\/x\.json cannot be read: there is no such file\n$/,
    },
    { line: `-cfg ${broken}`, status: 4, err: /intent\.json is not JSON: unexpected "," at line 2, column 15\n$/ },
    {
      line: `-cfg ${wrong}`,
      status: 3,
      err: /intent\.json: Tenants\[0\]\.VLANs cannot be used: vlans "many" is not a range/,
    },
    { line: '-cfg -', input: '', status: 4, err: /standard input is not JSON: it ends too early/ },
    {
      line: '-cfg -',
      input: '{}',
      status: 3,
      err: /standard input: the document has no Tenants; write "Tenants": \[\]/,
    },
    {
      line: '-add-cfg -',
      input: '[]',
      status: 4,
      err: /holds a list, as host bindings are; load it with -host-bindings-cfg/,
    },
    { line: '-cfg -', input: '7', status: 3, err: /standard input: the body must be a JSON object/ },
    {
      line: '-host-bindings-cfg -',
      input: '[{"Container":"web","Host":"host1"}]',
      status: 3,
      err: /no intent names a container web/,
    },
  ])
})

test('what is typed wrongly is told with the help, and status 1', async (t) => {
  const { url } = await startCluster(t)
  const lines: readonly (readonly [line: string, err: RegExp])[] = [
    ['', /^netdcli: say what to do/],
    ['-cfg', /^netdcli: -cfg needs a file, or - for standard input/],
    ['-cfg a b', /^netdcli: -cfg takes one file; 'b' is too many/],
    ['-cfg -add-cfg a', /^netdcli: -cfg and -add-cfg exclude each other/],
    ['-cfg -oper get a', /^netdcli: -cfg and -oper exclude each other/],
    ['-oper fly -construct network x', /^netdcli: -oper is not "fly": it is one of get, create/],
    ['-oper get x', /^netdcli: -construct is missing: it is one of global, network/],
    ['-oper get -construct network', /^netdcli: -oper get -construct network needs the id of the network/],
    ['-oper get -construct network a b', /^netdcli: -oper get takes one id; 'b' is too many/],
    [
      '-oper create -construct vlan-rsrc x',
      /^netdcli: -oper create is not possible with -construct vlan-rsrc, only get/,
    ],
    ['-oper attach -construct network x', /only get, create, delete/],
    ['-oper attach -construct endpoint x', /^netdcli: -oper attach needs the container/],
    ['-oper create -construct endpoint x', /needs the network: -net-id NETWORK/],
    ['-confg x', /^netdcli: unknown flag -confg/],
    ['-netmaster-url ftp://x -cfg y', /is no URL/],
  ]
  await inOrder(
    url,
    lines.map(([line, err]) => ({ line, status: 1, err })),
  )
  await inOrder(url, [
    { line: '--help', out: /^Usage: netdcli -cfg/ },
    { line: '-version', out: /^netdcli version \d/ },
  ])
})

test('a netmaster that is away is status 2, with where to look', async () => {
  const { status, err } = await runNetdcli('http://127.0.0.1:1', '-oper get -construct global default')
  assert.equal(status, 2)
  assert.match(err, /-netmaster-url URL, or the environment variable NETMASTER/)
})

test('a change waits until every live host has it; one that lags is named', async (t) => {
  const { url, cluster } = await startCluster(t)
  const client = new Transport({ baseUrl: url, timeoutMs: 5_000 })
  t.after(() => client.close())
  const node = { node: 'node1' }
  const who = { controlAddress: '192.0.2.1', vtep: '192.0.2.1', bootId: 'a', version: '1' }
  await client.call(nodeRoutes.register, node, who)
  const create = '-oper create -construct network -tag-type vlan -subnet'
  // Netmaster holds its answer back for half a second of its own time, in which the node does not die.
  const passing = setInterval(() => cluster.clock.advance(100), 50)
  t.after(() => clearInterval(passing))
  await inOrder(url, [
    {
      line: `${create} 10.2.1.0/24 -wait 1 one`,
      out: 'added network default:one\n',
      err: /^note: stored, but not yet in force on node1\n$/,
    },
    { line: `${create} 10.2.2.0/24 -wait 0 two`, out: 'added network default:two\n' },
    { line: '-oper get -construct network one', out: /"one"/ },
  ])
  clearInterval(passing)
  const lines = runNetdcli(url, `${create} 10.2.3.0/24 -wait 30 three`)
  const soon = setInterval(() => {
    client.call(nodeRoutes.heartbeat, node, { bootId: 'a', appliedRevision: 1_000 }).catch(() => {})
  }, 20)
  t.after(() => clearInterval(soon))
  assert.deepEqual(await lines, { status: 0, out: 'added network default:three\n', err: '' })
})
