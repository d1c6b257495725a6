// How it is found out whether the program of a provider answers: `tcp:2s:1s:3` connects to each TCP port every 2 s, waits 1 s
// for an answer, and gives up on the provider after 3 failures in a row.

export interface ServiceProbe {
  readonly intervalMs: number
  /** For an answer; no longer than the interval. */
  readonly timeoutMs: number
  /** In a row, until the provider gets no new connection. */
  readonly failures: number
}

const usual = { intervalMs: 2_000, timeoutMs: 1_000, failures: 3 } as const
const limits = { leastIntervalMs: 500, mostIntervalMs: 3_600_000, leastTimeoutMs: 50, mostFailures: 100 } as const

export const probeHelp =
  'tcp, or tcp:INTERVAL:TIMEOUT:FAILURES such as tcp:2s:1s:3; an interval of 500ms to 1h, a timeout of 50ms to the interval, 1 to 100 failures'

/** undefined: not a probe. What is left out is as usual. */
export function parseProbe(text: string): ServiceProbe | undefined {
  const [protocol, interval, timeout, failures, ...more] = text.toLowerCase().split(':')
  if (protocol !== 'tcp' || more.length > 0) return undefined
  const intervalMs = interval === undefined ? usual.intervalMs : milliseconds(interval)
  if (intervalMs === undefined || intervalMs < limits.leastIntervalMs || intervalMs > limits.mostIntervalMs) {
    return undefined
  }
  const timeoutMs = timeout === undefined ? Math.min(usual.timeoutMs, intervalMs) : milliseconds(timeout)
  if (timeoutMs === undefined || timeoutMs < limits.leastTimeoutMs || timeoutMs > intervalMs) return undefined
  const count = failures === undefined ? usual.failures : Number(/^[1-9]\d{0,2}$/.exec(failures)?.[0])
  return count <= limits.mostFailures ? { intervalMs, timeoutMs, failures: count } : undefined
}

/** With everything that was left out. */
export function formatProbe({ intervalMs, timeoutMs, failures }: ServiceProbe): string {
  return `tcp:${duration(intervalMs)}:${duration(timeoutMs)}:${failures}`
}

function milliseconds(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,7})(ms|s|m|h)$/.exec(text) ?? []
  if (number === undefined) return undefined
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  return Number(number) * (units[unit ?? ''] ?? 1)
}

function duration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`
}
