// What is read from environment and standard input, and what is refused with which number.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCall } from './call.ts'
import { captured } from './captured.ts'
import { parseConfig, parseDocument } from './config.ts'
import { CniError, cniCode } from './error.ts'
import { decodeRequest, encodeRequest } from './framing.ts'

const environment = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/c1',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web',
}

test('calls of real runtimes are read', () => {
  const read = captured.map(({ environment, input }) => {
    const call = parseCall(environment)
    const document = parseDocument(input)
    return call.command === 'VERSION' ? call.command : { ...parseConfig(document), ...call, args: [...call.args] }
  })
  assert.equal(read[0], 'VERSION')
  const asked = read.find((each) => typeof each !== 'string' && each.portMappings.length > 0)
  assert.ok(asked !== undefined && typeof asked !== 'string')
  assert.deepEqual(asked.portMappings, [{ hostPort: 8099, containerPort: 80, protocol: 'tcp', hostIp: '' }])
  assert.deepEqual(asked.args.slice(1), [
    ['K8S_POD_NAME', 'p1'],
    ['MAC', '02:01:02:03:04:05'],
    ['IP', '10.90.0.55'],
  ])
  const deleted = read.filter((each) => typeof each !== 'string' && each.command === 'DEL')
  for (const each of deleted) assert.ok(typeof each !== 'string' && each.prevResult?.ips.length === 1)
  assert.ok(
    deleted.some((each) => typeof each !== 'string' && each.netns === ''),
    'containerd says no namespace',
  )
})

const wrongEnvironments: readonly (readonly [string, Record<string, string>, RegExp])[] = [
  ['no command', { CNI_COMMAND: '' }, /CNI_COMMAND "" is none of ADD/],
  ['another command', { CNI_COMMAND: 'UPDATE' }, /"UPDATE"/],
  ['no container', { CNI_CONTAINERID: '' }, /CNI_CONTAINERID must be set for ADD/],
  ['neither namespace nor interface', { CNI_NETNS: '', CNI_IFNAME: '' }, /CNI_NETNS and CNI_IFNAME must be set/],
  ['a container with a slash', { CNI_CONTAINERID: '../x' }, /may have letters/],
  ['a container too long', { CNI_CONTAINERID: 'x'.repeat(201) }, /at most 200/],
  ['an interface too long', { CNI_IFNAME: 'interface-too-long' }, /longer than 15 characters; choose another/],
  ['an interface with a colon', { CNI_IFNAME: 'eth0:1' }, /":"/],
  ['an interface that Linux keeps', { CNI_IFNAME: 'lo' }, /Linux keeps/],
  ['no interface but dots', { CNI_IFNAME: '..' }, /no name/],
  ['arguments that are no pairs', { CNI_ARGS: 'a=b;c' }, /"c" is not KEY=VALUE/],
]
for (const [title, change, message] of wrongEnvironments) {
  test(`error 4: ${title}`, () => {
    assert.throws(() => parseCall({ ...environment, ...change }), { code: cniCode.invalidEnvironment, message })
  })
}

const wrongConfigs: readonly (readonly [string, number, RegExp])[] = [
  ['{', 6, /not JSON/],
  ['[]', 6, /must be a JSON object/],
  ['null', 6, /must be a JSON object/],
  ['{}', 7, /^name of the network configuration is missing/],
  ['{"name":"a/b"}', 7, /characters besides/],
  ['{"name":"n","args":[]}', 7, /args .* must be an object/],
  ['{"name":"n","runtimeConfig":{"ips":"10.1.1.1"}}', 7, /runtimeConfig.ips .* must be a list/],
  ['{"name":"n","runtimeConfig":{"portMappings":[{"hostPort":80}]}}', 7, /containerPort .* is missing/],
  ['{"name":"n","runtimeConfig":{"portMappings":[{"hostPort":70000,"containerPort":1}]}}', 7, /65535/],
  ['{"name":"n","prevResult":{"ips":[{"address":"10.1.1.1/24","interface":3}]}}', 6, /not there/],
  ['{"name":"n","cni.dev/valid-attachments":{}}', 7, /must be a list/],
]
for (const [input, code, message] of wrongConfigs) {
  test(`error ${code}: ${input}`, () => {
    assert.throws(() => parseConfig(parseDocument(input)), { code, message })
  })
}

test('conventions: addresses, MAC, labels, dns, bandwidth, attachments', () => {
  const config = parseConfig(
    parseDocument(
      JSON.stringify({
        name: 'n',
        args: { cni: { ips: ['10.1.1.9'], labels: [{ key: 'tier', value: 'front' }] } },
        runtimeConfig: {
          ips: ['10.1.1.8/24'],
          mac: '02:00:00:00:00:01',
          bandwidth: { ingressRate: 1_000_000 },
          dns: { searches: [], search: ['a.b'], nameservers: ['10.1.1.53'] },
        },
        'cni.dev/attachments': [{ containerID: 'c1', ifname: 'eth0' }],
      }),
    ),
  )
  assert.deepEqual(config.ips, ['10.1.1.8/24', '10.1.1.9'])
  assert.deepEqual([...config.labels], [['tier', 'front']])
  assert.deepEqual(config.dns, { nameservers: ['10.1.1.53'], search: ['a.b'] })
  assert.deepEqual(config.bandwidth, { ingressRate: 1_000_000, ingressBurst: 0, egressRate: 0, egressBurst: 0 })
  assert.deepEqual(config.validAttachments, [{ containerId: 'c1', ifname: 'eth0' }])
  assert.equal(config.cniVersion, '0.1.0', 'that of a configuration without one')
})

test('a request comes out as it went in', () => {
  for (const { environment, input } of captured) {
    assert.deepEqual(decodeRequest(encodeRequest({ environment, input })), { environment, input })
  }
})

test('whatever comes, nothing but errors of CNI is thrown', () => {
  const runs = Number(process.env.FUZZ_PACKETS ?? 10_000)
  const onlyCniErrors = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      assert.ok(error instanceof CniError, String(error))
    }
  }
  const real = captured.map(({ environment, input }) => encodeRequest({ environment, input }))
  fc.assert(
    fc.property(
      fc.constantFrom(...real),
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 6 }),
      (bytes, at, noise) => {
        const broken = Buffer.from(bytes)
        broken.set(noise, Math.min(at % broken.length, broken.length - noise.length))
        onlyCniErrors(() => {
          const { environment, input } = decodeRequest(broken)
          onlyCniErrors(() => parseCall(environment))
          parseConfig(parseDocument(input))
        })
      },
    ),
    { numRuns: runs },
  )
  fc.assert(
    fc.property(fc.json(), fc.dictionary(fc.string(), fc.string()), (input, environment) => {
      onlyCniErrors(() => parseConfig(parseDocument(input)))
      onlyCniErrors(() => parseConfig({ name: 'n', prevResult: JSON.parse(input), runtimeConfig: JSON.parse(input) }))
      onlyCniErrors(() => parseCall(environment))
    }),
    { numRuns: runs / 10 },
  )
})
