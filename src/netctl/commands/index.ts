// Every command of netctl, in the order of the help.

import type { Command, Topic } from '../command.ts'
import { endpointTopic } from './endpoint.ts'
import { globalTopic } from './global.ts'
import { groupTopic } from './group.ts'
import { networkTopic } from './network.ts'
import { nodeTopic } from './node.ts'
import { tenantTopic } from './tenant.ts'
import { versionCommand } from './version.ts'

export const topics: readonly Topic[] = [tenantTopic, networkTopic, groupTopic, endpointTopic, nodeTopic, globalTopic]

/** Commands that stand alone: `netctl version`. */
export const plainCommands: readonly Command[] = [versionCommand]
