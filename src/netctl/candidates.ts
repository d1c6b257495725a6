// `netctl __complete`: prints what could stand in place of the last word. A shell waits for it at every key: netmaster has
// a moment to answer, and whatever goes wrong means no candidates.

import { plainCommands, topics } from './commands/index.ts'
import { complete } from './complete.ts'
import { configPath, readConfig } from './config.ts'
import { lines } from './output.ts'
import { connectOptions, type Surroundings } from './session.ts'

const momentMs = 700

/** Prints matching candidates, sorted, each once. Never throws. */
export async function printCandidates(words: readonly string[], around: Surroundings): Promise<void> {
  try {
    around.out(lines(await candidates(words, around)))
  } catch {
    // Completion is silent: the command itself will say what is wrong.
  }
}

async function candidates(typed: readonly string[], around: Surroundings): Promise<readonly string[]> {
  const { candidates: known, source, values, words, prefix } = complete(typed, topics, plainCommands)
  let found = known
  if (source !== undefined) {
    const config = readConfig(configPath(around.env))
    const netmaster = await around.connect({ ...connectOptions(values, config, around.env), timeoutMs: momentMs })
    try {
      found = await source({ netmaster, tenant: values.tenant ?? config.tenant ?? 'default', words })
    } finally {
      netmaster.close()
    }
  }
  const matching = found
    .map((candidate) => `${prefix}${candidate}`)
    .filter((each) => each.startsWith(typed.at(-1) ?? ''))
  return [...new Set(matching)].sort()
}
