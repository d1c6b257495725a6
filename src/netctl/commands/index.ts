// Every command of netctl, in the order of the help.

import type { Command, Topic } from '../command.ts'
import { aciGwTopic } from './aci-gw.ts'
import { appProfileTopic } from './app-profile.ts'
import { bgpTopic } from './bgp.ts'
import { clusterTopic } from './cluster.ts'
import { completionCommand } from './completion.ts'
import { endpointTopic } from './endpoint.ts'
import { externalContractsTopic } from './external-contracts.ts'
import { globalTopic } from './global.ts'
import { groupTopic } from './group.ts'
import { loginCommand } from './login.ts'
import { netprofileTopic } from './netprofile.ts'
import { networkTopic } from './network.ts'
import { nodeTopic } from './node.ts'
import { policyTopic, ruleTopic } from './policy.ts'
import { serviceTopic } from './service.ts'
import { tenantTopic } from './tenant.ts'
import { versionCommand } from './version.ts'
import { whyCommand } from './why.ts'

export const topics: readonly Topic[] = [
  tenantTopic,
  networkTopic,
  groupTopic,
  policyTopic,
  ruleTopic,
  netprofileTopic,
  serviceTopic,
  endpointTopic,
  nodeTopic,
  clusterTopic,
  globalTopic,
  bgpTopic,
  appProfileTopic,
  externalContractsTopic,
  aciGwTopic,
]

/** Commands that stand alone: `netctl version`. */
export const plainCommands: readonly Command[] = [whyCommand, versionCommand, loginCommand, completionCommand]
