// What netmaster says about itself (specification 3.1): /version, /info, /healthz.

import { z } from 'zod'

export const versionView = z.object({ GitCommit: z.string(), Version: z.string(), BuildTime: z.string() })
export type VersionView = z.infer<typeof versionView>

export const infoView = z.object({
  'current-state': z.string(),
  'leader-ip': z.string(),
  'local-ip': z.string(),
  'netmaster-nodes': z.array(z.string()),
  'netplugin-nodes': z.array(z.string()),
})
export type InfoView = z.infer<typeof infoView>

export const healthView = z.object({ status: z.literal('ok'), revision: z.int(), epoch: z.string() })
export type HealthView = z.infer<typeof healthView>
