// netctl version: which build this is, and which the server is.

import { readBuildInfo } from '../../lib/build-info.ts'
import { command } from '../command.ts'
import { lines } from '../output.ts'

export const versionCommand = command({
  names: ['version'],
  summary: 'Show the versions of netctl and netmaster',
  args: [],
  flags: {},
  run: async ({ session }) => {
    const client = readBuildInfo()
    session.print(block('Client', client.version, client.gitCommit, client.buildTime))
    const netmaster = await session.netmaster()
    const server = await netmaster.version()
    session.print('\n')
    session.print(block('Server', server.Version, server.GitCommit, server.BuildTime))
  },
})

function block(title: string, version: string, commit: string, time: string): string {
  return lines([`${title} Version:`, `Version: ${version}`, `GitCommit: ${commit}`, `BuildTime: ${time}`])
}
