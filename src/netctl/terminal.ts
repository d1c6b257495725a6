// Colour for people, none for programs: only on a terminal, and only when the environment does not object.

/** Whether each stream of the program is a terminal. */
export interface Terminals {
  readonly in: boolean
  readonly out: boolean
  readonly err: boolean
}

export interface Paint {
  readonly bold: (text: string) => string
  readonly red: (text: string) => string
  readonly dim: (text: string) => string
}

type Environment = Readonly<Record<string, string | undefined>>

/** See no-color.org: any value of NO_COLOR but the empty one switches colours off. */
export function paintFor(isTerminal: boolean, env: Environment): Paint {
  return isTerminal && !env.NO_COLOR && env.TERM !== 'dumb' ? colours : plain
}

const sgr = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`
const colours: Paint = { bold: sgr(1), red: sgr(31), dim: sgr(2) }

const same = (text: string) => text
const plain: Paint = { bold: same, red: same, dim: same }

/** Returns to the start of the line and clears it: for a line that is written again and again. */
export const clearLine = '\r\x1b[K'
