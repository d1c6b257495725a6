// What users, scripts and strangers get wrong, typed into the real programs: each is refused with the right status and a
// message that names the cause, and leaves nothing half-made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settledInventory, untilAsBefore } from '../support/inventory.ts'
import { labSkip, type TestLab, withLab } from '../support/lab.ts'
import { callPlugin } from '../support/plugin-socket.ts'
import { stepsOf } from '../support/steps.ts'

const host = 'node1'

type Case = readonly [command: string, code: number, says: RegExp]

/** Each command fails so, says so, and shows no stack. */
async function refusals(lab: TestLab, cases: readonly Case[]): Promise<void> {
  for (const [command, code, says] of cases) {
    const result = await lab.exec(host, command)
    const told = `${command}\n${result.stdout}${result.stderr}`
    assert.equal(result.code, code, told)
    assert.match(result.stderr, says, told)
    assert.doesNotMatch(result.stderr, /\.ts\b| {4}at |node:internal/, told)
  }
}

/** A request to netmaster, answered by this status and this text. */
async function answered(lab: TestLab, options: string, status: number, says: RegExp): Promise<void> {
  const command = `curl -sS --max-time 10 -w '\\n%{http_code}' ${options}`
  const lines = (await lab.execOk(host, command)).split('\n')
  assert.equal(lines.pop(), String(status), `${command}\n${lines.join('\n')}`)
  assert.match(lines.join('\n'), says, command)
}

const flags: readonly Case[] = [
  ['netctl net ls --alll', 1, /^netctl: unknown flag --alll; did you mean --all\?\n/],
  ['netctl nett ls', 1, /^netctl: netctl has no 'nett'; did you mean 'net'\?/],
  [
    'netctl --netmaster=http://10.77.0.99:9999 net ls',
    2,
    /^netctl: cannot reach netmaster at http:\/\/10\.77\.0\.99:9999/,
  ],
  ['netmaster --bogus', 22, /^netmaster: unknown flag --bogus\nTry netmaster --help\.\n$/],
  ['netmaster --listen-url nonsense', 22, /--listen-url .*"nonsense" is not address:port/],
  ['netmaster --listen-url 10.77.0.1:9999 --state-dir /opt/lc1', 1, /another program listens there/],
  ['netmaster --listen-url 192.0.2.1:80 --state-dir /opt/lc2', 1, /no interface of this host has that address/],
  ['netmaster --state-dir /proc/none', 1, /cannot make the state directory \/proc\/none: .*--state-dir\n$/],
  [
    'netmaster --listen-url :0 --mode test --state-dir /var/lib/netplugin/netmaster',
    1,
    /state\.sqlite.*(in use|another)/,
  ],
  ['netplugin --bogus', 22, /^netplugin: unknown flag --bogus\nTry netplugin --help\.\n$/],
  ['netplugin', 22, /give --vtep-ip for VXLAN networks, --vlan-uplinks for VLAN networks, or both/],
  [
    'netplugin --vtep-ip 10.78.0.1 --state-dir /opt/lc3',
    1,
    /netplugin\.sock is served by another process; stop that one/,
  ],
  ['netlab --bogus', 2, /^netlab: unknown option '--bogus'\nTry netlab --help\.\n$/],
  ['netlab upp', 2, /^netlab: unknown command 'upp'/],
]

const objects: readonly Case[] = [
  ['netctl net create bad!name -s 10.9.0.0/24', 3, /networkName "bad!name" is not a name: use letters/],
  ['netctl net create other', 1, /a network needs a subnet, for example --subnet=/],
  ['netctl net create other -s 10.9.0.0/33', 3, /subnet "10\.9\.0\.0\/33" must have a length/],
  [
    'netctl net create other -s 20.1.1.128/25',
    3,
    /20\.1\.1\.128\/25 overlaps 20\.1\.1\.0\/24 of network default:contiv-net/,
  ],
  [
    'netctl net create other -s 10.9.0.0/24 -g 10.8.0.1',
    3,
    /gateway 10\.8\.0\.1 is not a host address of subnet 10\.9\.0\.0\/24/,
  ],
  ['netctl net create other -s 10.9.0.0/24 -e gre', 3, /encap must be one of vlan, vxlan, not "gre"/],
  ['netctl net create other -s 10.9.0.0/24 -s6 zz', 3, /ipv6Subnet "zz" is not address\/length/],
  ['netctl net create -t nope other -s 10.9.0.0/24', 3, /tenant nope not found/],
  ['netctl net create contiv-net -s 10.9.0.0/24', 3, /contiv-net/],
  ['netctl group create nope web', 3, /network default:nope not found/],
  ['netctl net rm nope', 3, /network default:nope not found/],
  ['netctl group rm nope', 3, /group default:nope not found/],
  ['netctl tenant rm nope', 3, /tenant nope not found/],
  ['netctl endpoint inspect nope', 3, /endpoint nope not found/],
]

const network = 'http://netmaster:9999/api/v1/networks/default:other/'

test('bad input', { skip: labSkip, timeout: 240_000 }, (t) =>
  withLab({ name: 'lcbad', hosts: 1 }, async (lab) => {
    const step = stepsOf(t)
    await lab.execOk(host, 'netctl net create contiv-net --subnet=20.1.1.0/24 --gateway=20.1.1.254')
    await lab.execOk(host, 'netctl net create tiny --subnet=30.1.1.0/30 --gateway=30.1.1.1')
    const before = await settledInventory(lab, [host])

    await step('flags', () => refusals(lab, flags))
    await step('objects', () => refusals(lab, objects))

    await step('requests to netmaster', async () => {
      await answered(lab, 'http://netmaster:9999/api/v1/nothing/', 404, /nothing at GET \/api\/v1\/nothing\//)
      await answered(lab, `-X PATCH ${network}`, 405, /PATCH/)
      await answered(lab, `-d '{bad' ${network}`, 400, /the body is not JSON: unexpected "b" at line 1, column 2/)
      for (const body of ['[]', 'null', '5', ''])
        await answered(lab, `-d '${body}' ${network}`, 400, /must be a JSON object/)
      await answered(lab, `-d '{"subnet":5}' ${network}`, 400, /subnet must be of type string/)
      const misspelt = '{"tenantName":"misspelt","defaultNetwrok":"x"}'
      const tenant = 'http://netmaster:9999/api/v1/tenants/misspelt/'
      await answered(lab, `-i -d '${misspelt}' ${tenant}`, 200, /warning: .*unknown attributes ignored: defaultNetwrok/)
      await answered(lab, `-X DELETE ${tenant}`, 200, /misspelt/)
      const huge = (byte: string, more: string) => `--data-binary @- ${more} ${network} </opt/${byte}`
      await lab.execOk(
        host,
        "head -c 20000000 /dev/zero | tr '\\0' a >/opt/huge; head -c 200000 /dev/zero | tr '\\0' [ >/opt/deep",
      )
      await answered(lab, huge('huge', ''), 413, /the body is larger than 1 MiB/)
      await answered(lab, huge('huge', "-H 'transfer-encoding: chunked'"), 413, /the body is larger than 1 MiB/)
      await answered(lab, huge('deep', ''), 400, /the body is not JSON/)
      const json = "-H 'content-type: application/json' -H 'accept: application/json'"
      const plugin = 'http://netmaster:9999/plugin'
      await answered(
        lab,
        `${json} -d '{"Node":5}' ${plugin}/allocAddress`,
        400,
        /"kind":"invalid".*Node must be of type string/,
      )
      await answered(
        lab,
        `${json} -d '{"NetworkName":"nope"}' ${plugin}/allocAddress`,
        404,
        /network default:nope not found/,
      )
      await untilAsBefore(lab, before)
    })

    await step('calls on the plugin socket', async () => {
      const call = async (name: string, body: unknown, status: number, says: RegExp) => {
        const answer = await callPlugin(lab, host, name, body)
        assert.equal(answer.status, status, `${name}: ${answer.text}`)
        assert.match(String(answer.body.Err), says)
      }
      await call('NetworkDriver.CreateEndpoint', '{bad', 400, /the request is not JSON/)
      await call('NetworkDriver.CreateEndpoint', [], 400, /CreateEndpoint: the message must be an object, not a list/)
      await call(
        'NetworkDriver.CreateEndpoint',
        { NetworkID: 5 },
        400,
        /NetworkID must be a non-empty string, not number/,
      )
      await call(
        'NetworkDriver.CreateEndpoint',
        { NetworkID: 'x', EndpointID: 'y' },
        500,
        /network x is not one that netplugin made/,
      )
      await call('NetworkDriver.Join', 'a'.repeat(2_000_000), 400, /has 2000000 bytes; at most 1048576 are read/)
      await call(
        'IpamDriver.RequestAddress',
        { PoolID: 'junk' },
        500,
        /no network of the cluster has the address pool junk/,
      )
      const pool = 'contiv-net.default|20.1.1.0/24'
      await call('IpamDriver.RequestAddress', { PoolID: pool, Address: 'x' }, 500, /is not an IPv4 address/)
      await call(
        'IpamDriver.RequestAddress',
        { PoolID: pool, Address: '9.9.9.9' },
        500,
        /9\.9\.9\.9 is not a host address of/,
      )
      await call('Nothing.Here', {}, 404, /this plugin has no call POST \/Nothing\.Here/)
      await untilAsBefore(lab, before)
    })

    await step('Docker networks made by hand', async () => {
      const make = 'docker network create -d netplugin'
      await refusals(lab, [
        [`${make} hand`, 1, /no network has the subnet .*netctl network create/],
        [
          `${make} --ipam-driver netplugin hand`,
          1,
          /no network has the subnet \(none given\); .*--opt network=NETWORK/,
        ],
        [`${make} --subnet 9.9.9.0/24 hand`, 1, /no network has the subnet 9\.9\.9\.0\/24/],
        [
          `${make} --ipam-driver netplugin --opt network=nope --ipam-opt network=nope hand`,
          1,
          /network nope of tenant default is not known/,
        ],
      ])
      await untilAsBefore(lab, before)
      await lab.execOk(host, `${make} --ipam-driver netplugin --opt network=tiny --ipam-opt network=tiny hand`)
      const shown = await lab.execOk(host, 'docker run --rm --net hand busybox ip -4 -o addr show eth0')
      assert.match(shown, /inet 30\.1\.1\.2\/30/)
      await lab.execOk(host, 'docker network rm hand')
      await untilAsBefore(lab, before)
    })

    await step('a Docker network of another driver keeps its name, and makes room when it goes', async () => {
      await lab.execOk(host, 'docker network create web && netctl net create web --subnet 10.9.0.0/24')
      const driver = async () => (await lab.execOk(host, "docker network inspect -f '{{.Driver}}' web")).trim()
      assert.equal(await driver(), 'bridge')
      await lab.execOk(host, 'docker network rm web')
      await lab.until('the network of the cluster', async () => {
        const { stdout } = await lab.exec(host, "docker network inspect -f '{{.Driver}}' web")
        return stdout.trim() === 'netplugin' || undefined
      })
      await lab.execOk(host, 'netctl net rm web')
      await untilAsBefore(lab, before)
    })

    await step('an exhausted network', async () => {
      await lab.execOk(host, 'docker run -d --name only --net tiny busybox sleep 1d')
      const full = await settledInventory(lab, [host])
      await refusals(lab, [
        ['docker run --name more --net tiny busybox true', 125, /subnet 30\.1\.1\.0\/30 has no free address left/],
      ])
      await lab.execOk(host, 'docker rm more')
      await untilAsBefore(lab, full)
      await lab.execOk(host, 'docker rm -f only && docker run --rm --net tiny busybox true')
      await untilAsBefore(lab, before)
    })

    await step('netmaster away', async () => {
      await lab.kill(host, 'netmaster')
      const away =
        /cannot reach netmaster at http:\/\/netmaster:9999: the connection was refused; check that it is running/
      await refusals(lab, [
        ['netctl net ls', 2, away],
        ['docker run --rm --net contiv-net busybox true', 125, away],
      ])
      await lab.start(host, 'netmaster')
      await lab.execOk(host, 'docker run --rm --net contiv-net busybox true')
      await untilAsBefore(lab, before)
    })

    await step('Open vSwitch away', async () => {
      await lab.kill(host, 'ovs-vswitchd')
      await lab.kill(host, 'ovsdb-server')
      const said = /could not be attached: cannot reach the OVSDB server at .*db\.sock: .*; start Open vSwitch/
      await refusals(lab, [['docker run --rm --net contiv-net busybox true', 125, said]])
      await lab.start(host, 'ovsdb-server')
      await lab.start(host, 'ovs-vswitchd')
      await lab.execOk(host, 'docker run --rm --net contiv-net busybox true')
      await untilAsBefore(lab, before)
    })

    await step('Docker away: netplugin goes on, and Docker catches up', async () => {
      await lab.kill(host, 'dockerd')
      await lab.execOk(host, 'netctl net rm tiny && netctl net create tiny --subnet=30.2.2.0/30 --gateway=30.2.2.1')
      await lab.execOk(host, 'netctl net create late --subnet=10.9.0.0/24')
      assert.ok(lab.running(host, 'netplugin'))
      await lab.start(host, 'dockerd')
      await lab.until('the new networks', async () => {
        const { code } = await lab.exec(
          host,
          'docker network inspect late && docker network inspect tiny | grep 30.2.2.0/30',
        )
        return code === 0 || undefined
      })
      await lab.execOk(host, 'docker run --rm --net late busybox true && docker run --rm --net tiny busybox true')
    })
  }),
)
