// Programs that were killed, started again: the lock of one that is just ending may be held a moment longer.

import { setTimeout as delay } from 'node:timers/promises'
import { asNetpluginError } from '../../src/lib/errors.ts'
import type { ProgramName } from '../../src/netlab/plan.ts'
import type { TestLab } from '../support/lab.ts'

export async function startAgain(lab: TestLab, host: string, program: ProgramName): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await lab.start(host, program)
      return
    } catch (error) {
      if (asNetpluginError(error).code !== 'PROGRAM_START_FAILED' || tries >= 5) throw error
      await delay(200)
    }
  }
}
