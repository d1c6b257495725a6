// Writes docs/api.md from the routes that netmaster serves. A test holds the committed file to them.
//
//   node tools/describe-api.ts

import { writeFileSync } from 'node:fs'
import { referenceMarkdown } from '../src/api/reference-markdown.ts'
import { startTestNetmaster } from '../src/netmaster/testing.ts'

const netmaster = await startTestNetmaster()
writeFileSync(new URL('../docs/api.md', import.meta.url), referenceMarkdown(await netmaster.netmaster.describe()))
await netmaster.stop()
