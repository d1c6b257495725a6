// Finding our processes on the machine. A lab has a random token in the environment of everything it starts: only what
// carries it is ever ended, whatever a pid says.

import { readdirSync, readFileSync } from 'node:fs'

export interface OwnedProcess {
  readonly pid: number
  /** Whether it is the first process of a pid namespace: ending it ends everything inside. */
  readonly first: boolean
}

/** Value of a variable in a process's first environment; undefined when the process is gone or has none. */
export function readEnvironment(pid: number, variable: string, proc = '/proc'): string | undefined {
  const block = readProc(`${proc}/${pid}/environ`)
  const prefix = `${variable}=`
  return block
    ?.split('\0')
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length)
}

export function carriesToken(pid: number, token: string): boolean {
  return readEnvironment(pid, 'NETLAB_TOKEN') === token && !isZombie(pid)
}

/** All living processes with this token, first processes of namespaces before others. */
export function findByToken(token: string): readonly OwnedProcess[] {
  const found: OwnedProcess[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid || !carriesToken(pid, token)) continue
    found.push({ pid, first: isFirst(pid) })
  }
  return found.sort((a, b) => Number(b.first) - Number(a.first) || a.pid - b.pid)
}

/** The only child of a process that waits for it (`unshare --fork`). */
export function onlyChild(pid: number): number | undefined {
  const child = Number(readProc(`/proc/${pid}/task/${pid}/children`)?.trim() || Number.NaN)
  return Number.isInteger(child) ? child : undefined
}

function isFirst(pid: number): boolean {
  const numbers = /^NSpid:\s+(.*)$/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1]?.split(/\s+/) ?? []
  return numbers.length > 1 && numbers.at(-1) === '1'
}

function isZombie(pid: number): boolean {
  return /^State:\s+[ZX]/m.test(readProc(`/proc/${pid}/status`) ?? 'State: X')
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // Processes end while we look.
    return undefined
  }
}
