// Structured logging: a fixed phrase, and fields beside it. pino writes JSON lines; tests use `silentLog`.

import { type BaseLogger, pino } from 'pino'

export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  debug(phrase: string, fields?: Fields): void
  info(phrase: string, fields?: Fields): void
  warn(phrase: string, fields?: Fields): void
  error(phrase: string, fields?: Fields): void
  /** A logger that adds these fields to every line. */
  with(fields: Fields): Log
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** Writes JSON lines to standard error, where service managers collect them. */
export function createLog(options: { readonly level: LogLevel; readonly name: string }): Log {
  const target = pino(
    { name: options.name, level: options.level, timestamp: pino.stdTimeFunctions.isoTime, base: {} },
    pino.destination({ fd: 2, sync: true }),
  )
  return wrap(target as unknown as Target)
}

type Target = Pick<BaseLogger, LogLevel> & { child(fields: Fields): Target }

function wrap(target: Target): Log {
  return {
    debug: (phrase, fields) => target.debug(fields ?? {}, phrase),
    info: (phrase, fields) => target.info(fields ?? {}, phrase),
    warn: (phrase, fields) => target.warn(fields ?? {}, phrase),
    error: (phrase, fields) => target.error(fields ?? {}, phrase),
    with: (fields) => wrap(target.child(fields)),
  }
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
}
