// When the agent looks although nobody waits for it: after events that are no reason to hurry, for drift, and to remove
// what endpoints left behind. All of it comes also while changes never stop, and soon after a clock that was set back.

/** Drift (flows or ports changed by other hands) is looked for this often. */
export const auditMs = 5_000
/** And this often among all flows one by one; in between they are counted. */
export const compareMs = 60_000
/** Ports and links of endpoints that are gone stay this long, and go a few at a time. */
export const tidyAfterMs = 100
/** What only counts follows the rules it counts for after this long: hosts that share a machine enforce first. */
export const countAfterMs = 50
/** Events of links and of the switch's rows come several together, most of them echoes of our own changes. */
export const settleMs = 50
/** Who changes our flows all the time makes us compare them this often: with very many it takes most of a second. */
export const othersMs = 1_000

/** What a pass has to do besides putting what is new in force. */
interface Due {
  /** Look for drift. */
  readonly audit: boolean
  /** In an audit: among all flows one by one. */
  readonly compare: boolean
  readonly tidy: boolean
  readonly count: boolean
}

export class Schedule {
  #auditAt = 0
  #compareAt = 0
  /** Infinity = nothing was left behind that we know of. */
  #tidyAt = 0
  /** Infinity = everything is counted. */
  #countAt = Number.POSITIVE_INFINITY
  /** Infinity = nothing was heard of since the last pass began. */
  #lookAt = Number.POSITIVE_INFINITY
  /** The same of what others did to our flows. */
  #othersAt = Number.POSITIVE_INFINITY
  /** Not before. */
  #othersFrom = 0

  /** Milliseconds until something is due. `mayTidy`: whether anything may be removed at all. */
  pauseMs(now: number, mayTidy: boolean): number {
    this.#believe(now)
    const tidyAt = mayTidy ? this.#tidyAt : Number.POSITIVE_INFINITY
    return Math.max(0, Math.min(this.#auditAt, this.#lookAt, this.#othersAt, this.#countAt, tidyAt) - now)
  }

  /** What is due in a pass that begins now. An audit is taken as done; tidying and counting stay due until they are. */
  begin(now: number): Due {
    this.#believe(now)
    this.#lookAt = Number.POSITIVE_INFINITY
    if (this.#othersAt <= now) {
      this.#othersAt = Number.POSITIVE_INFINITY
      this.#othersFrom = now + othersMs
    }
    const audit = now >= this.#auditAt
    if (audit) {
      this.#auditAt = now + auditMs
      this.#tidyAt = now
    }
    const compare = audit && now >= this.#compareAt
    if (compare) this.#compareAt = now + compareMs
    return { audit, compare, tidy: now >= this.#tidyAt, count: audit || now >= this.#countAt }
  }

  /** Something changed that is no reason to hurry. */
  changed(now: number): void {
    this.#lookAt = Math.min(this.#lookAt, now + settleMs)
  }

  /** Somebody else changed flows of ours. */
  changedByOthers(now: number): void {
    this.#othersAt = Math.min(this.#othersAt, Math.max(now + settleMs, this.#othersFrom))
  }

  /** An endpoint went; its port and link are still there. */
  leftBehind(now: number): void {
    this.#tidyAt = Math.min(this.#tidyAt, now + tidyAfterMs)
  }

  /** There are rules for which nothing counts yet. */
  uncounted(now: number): void {
    this.#countAt = Math.min(this.#countAt, now + countAfterMs)
  }

  counted(): void {
    this.#countAt = Number.POSITIVE_INFINITY
  }

  tidied(): void {
    this.#tidyAt = Number.POSITIVE_INFINITY
  }

  /** A clock that was set back must not put off for hours what is due in seconds. */
  #believe(now: number): void {
    this.#auditAt = Math.min(this.#auditAt, now + auditMs)
    this.#compareAt = Math.min(this.#compareAt, now + compareMs)
    if (this.#countAt !== Number.POSITIVE_INFINITY) this.#countAt = Math.min(this.#countAt, now + countAfterMs)
    if (this.#lookAt !== Number.POSITIVE_INFINITY) this.#lookAt = Math.min(this.#lookAt, now + settleMs)
    this.#othersFrom = Math.min(this.#othersFrom, now + othersMs)
    if (this.#othersAt !== Number.POSITIVE_INFINITY) this.#othersAt = Math.min(this.#othersAt, now + othersMs)
    if (this.#tidyAt !== Number.POSITIVE_INFINITY) this.#tidyAt = Math.min(this.#tidyAt, now + tidyAfterMs)
  }
}
