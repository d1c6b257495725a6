// What every measure is taken with.

import type { TestLab } from '../../support/lab.ts'
import type { Cluster } from '../cluster.ts'
import type { Measured } from '../goals.ts'

export interface Measuring {
  readonly lab: TestLab
  readonly cluster: Cluster
  readonly measured: Measured
  readonly say: (text: string) => void
}

export const seconds = (since: number) => (performance.now() - since) / 1000
