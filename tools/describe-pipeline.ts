// Writes docs/pipeline.md from the declarations of src/core/pipeline. A test holds the committed file to them.
//
//   node tools/describe-pipeline.ts

import { writeFileSync } from 'node:fs'
import { describePipeline } from '../src/core/pipeline/describe.ts'

writeFileSync(new URL('../docs/pipeline.md', import.meta.url), describePipeline())
