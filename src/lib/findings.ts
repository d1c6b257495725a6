// What a look at something found: each point is in order, worth knowing, or wrong; what is wrong names the next step.

export interface Finding {
  /** `ok`: as it should be; `note`: works, and yet somebody should know; `bad`: something does not work. */
  readonly level: 'ok' | 'note' | 'bad'
  /** What was looked at: `path to node2`. */
  readonly about: string
  readonly says: string
  /** What to do; empty where there is nothing. */
  readonly remedy: string
}

/** Something that was asked for, or a sentence that says why it could not be had. */
export type Found<T extends object> = T | { readonly problem: string }

export function isMissing<T extends object>(found: Found<T>): found is { readonly problem: string } {
  return 'problem' in found
}

export const ok = (about: string, says: string): Finding => ({ level: 'ok', about, says, remedy: '' })

export const note = (about: string, says: string, remedy = ''): Finding => ({ level: 'note', about, says, remedy })

export const bad = (about: string, says: string, remedy: string): Finding => ({ level: 'bad', about, says, remedy })

/** One line each, and below it what to do. */
export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(0, ...findings.map(({ about }) => about.length))
  return findings.flatMap(({ level, about, says, remedy }) => {
    const word = level === 'bad' ? 'BAD' : level
    const line = `${word.padEnd(4)}  ${about.padEnd(width)}  ${says}`
    return remedy === '' ? [line] : [line, `${' '.repeat(width + 8)}-> ${remedy}`]
  })
}

/** `2 of 14 points are bad, 1 is worth a look`. */
export function findingSummary(findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const [wrong, notes] = [count('bad'), count('note')]
  const worth = notes === 0 ? '' : `, ${notes} ${notes === 1 ? 'is' : 'are'} worth a look`
  if (wrong === 0) return `all ${findings.length} points are in order${worth}`
  return `${wrong} of ${findings.length} points ${wrong === 1 ? 'is' : 'are'} bad${worth}`
}
