// Services that ask whether their providers answer: programs that are not there yet, that end, and that come back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startContainers } from '../support/containers.ts'
import { labSkip, type TestLabOptions, withLab } from '../support/lab.ts'
import { answersTo, idle, labelled, populate, type ServiceCast, untilAnswers } from '../support/service-lab.ts'
import { type Step, stepsOf } from '../support/steps.ts'

const modes: readonly { readonly title: string; readonly lab: TestLabOptions }[] = [
  { title: 'VXLAN, routing', lab: { name: 'svcpr' } },
  { title: 'VLAN, bridge', lab: { name: 'svcpv', netMode: 'vlan' } },
]

for (const mode of modes) {
  test(mode.title, { skip: labSkip, timeout: 120_000 }, (t) =>
    withLab(mode.lab, async (lab) => probing(stepsOf(t), await populate(lab))),
  )
}

async function probing(step: Step, cast: ServiceCast): Promise<void> {
  const { lab, netctl } = cast
  const at = 'http://10.1.0.106:82/'
  const names = ['probed1', 'probed2']
  const on = (host: string, ...words: readonly string[]) => lab.execOk(host, ['docker', 'exec', ...words])
  const serve = (index: number) =>
    on(
      `node${index}`,
      '-d',
      `probed${index}`,
      'sh',
      '-c',
      `mkdir -p /w; echo probed${index} >/w/index.html; echo $$ >/pid; exec httpd -f -p 8082 -h /w`,
    )
  const failing = async () => {
    const { Oper } = JSON.parse(await netctl('service inspect probed'))
    const found = (Oper.failing ?? []) as { containerName: string }[]
    return found
      .map(({ containerName }) => containerName)
      .sort()
      .join(' ')
  }
  const untilFailing = (wanted: string) =>
    lab.until(`${wanted === '' ? 'nobody' : wanted} to fail`, async () => (await failing()) === wanted || undefined)
  await step('whose program does not answer is no provider', async () => {
    // Nobody may open a connection to one of them: probes are no connections.
    await netctl('group create --default=deny front closed')
    const create = 'service create probed --network front --selector tier=probed --port 82:8082:TCP'
    await netctl(`${create} --probe tcp:500ms:300ms:2 --preferred-ip 10.1.0.106`)
    await startContainers(
      lab,
      names.map((name, index) => ({
        name,
        host: `node${index + 1}`,
        network: index === 0 ? 'front' : 'closed.front',
        options: labelled('tier=probed'),
        ...idle,
      })),
    )
    await untilFailing('probed1 probed2')
    await untilAnswers(cast, at, 'refused', 2)
    await serve(2)
    await untilFailing('probed1')
    await untilAnswers(cast, at, 'silent', 1)
    await serve(1)
    await untilFailing('')
    await lab.execOk('node2', 'docker rm -f probed2')
    await untilAnswers(cast, at, 'probed1')
  })
  await step(
    'one that stops answering gets no new connection within a second, also when the agent is killed',
    async () => {
      await startContainers(lab, [
        { name: 'probed2', host: 'node2', network: 'front', options: labelled('tier=probed'), ...idle },
      ])
      await serve(2)
      await untilAnswers(cast, at, 'probed1 probed2')
      await on('node2', 'probed2', 'sh', '-c', 'kill $(cat /pid)')
      await untilFailing('probed2')
      const began = performance.now()
      await untilAnswers(cast, at, 'probed1')
      assert.ok(performance.now() - began < 3_000, 'twenty questions of each client took longer')
      await lab.kill('node2', 'netplugin')
      await lab.start('node2', 'netplugin')
      for (const client of cast.clients) assert.equal(await answersTo(client, at), 'probed1')
      await serve(2)
      await untilAnswers(cast, at, 'probed1 probed2')
    },
  )
}
