// netctl endpoint: the attachment of one container to one network.

import { command, type Topic } from '../command.ts'
import { jsonText } from '../output.ts'

const inspect = command({
  names: ['inspect'],
  summary: 'Show an endpoint by its id, or by container id or name',
  args: ['id'],
  flags: {},
  run: async ({ session, args }) => {
    const netmaster = await session.netmaster()
    session.print(jsonText(await netmaster.endpoints.inspect(args.id)))
  },
})

export const endpointTopic: Topic = {
  names: ['endpoint', 'ep'],
  summary: 'Attachments of containers to networks',
  commands: [inspect],
}
