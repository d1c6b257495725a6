// Steps of a story that share one lab: each is reported under its own name, and the first that fails ends the story.

import type { TestContext } from 'node:test'

export type Step = (name: string, work: () => Promise<void>) => Promise<void>

export function stepsOf(t: TestContext): Step {
  return async (name, work) => {
    let failure: { readonly error: unknown } | undefined
    await t.test(name, async () => {
      try {
        await work()
      } catch (error) {
        failure = { error }
        throw error
      }
    })
    if (failure !== undefined) throw failure.error
  }
}
