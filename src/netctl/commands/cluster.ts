// netctl cluster: whether masters and hosts are well.

import { NetpluginError } from '../../lib/errors.ts'
import { findingLines, findingSummary } from '../../lib/findings.ts'
import { clusterFindings } from '../cluster-findings.ts'
import { command, type Topic } from '../command.ts'
import { lines, printDocument } from '../output.ts'

const status = command({
  names: ['status'],
  summary: 'Say what is wrong with masters and hosts, and what to do; status 3 when something is',
  args: [],
  flags: { json: { kind: 'switch', names: ['json', 'j'], help: 'Print what was found as JSON' } },
  run: async ({ session, flags }) => {
    const netmaster = await session.netmaster()
    const [health, info, version, nodes] = await Promise.all([
      netmaster.health(),
      netmaster.info(),
      netmaster.version(),
      netmaster.nodes.list(),
    ])
    const findings = clusterFindings({ url: session.server.url, health, info, version, nodes, now: Date.now() })
    if (flags.json) printDocument(session, findings, { output: 'json', json: true })
    else session.print(lines(findingLines(findings)))
    const summary = findingSummary(findings)
    if (findings.some(({ level }) => level === 'bad')) throw new NetpluginError('conflict', 'CLUSTER_UNWELL', summary)
    if (!flags.json) session.print(`${summary}\n`)
  },
})

const handOver = command({
  names: ['handover'],
  summary: 'Have another netmaster lead: it frees unused addresses and looks for lost hosts',
  args: [],
  flags: {},
  run: async ({ session }) => {
    const netmaster = await session.netmaster()
    const { from, to } = await netmaster.handOver()
    session.print(`${to} leads now; ${from} did\n`)
  },
})

export const clusterTopic: Topic = {
  names: ['cluster'],
  summary: 'Masters and hosts together',
  commands: [status, handOver],
}
