// The kernel's part of the way out: one table of nftables, forwarding, and that others' rules let pass what it allows.

export interface FirewallDriver {
  /**
   * Sees to it that the kernel has this table, as a whole and nothing else of ours; undefined: no table. Returns what had to be
   * done, in words; nothing when all was as it should be. Throws `unavailable` when nft(8) cannot be had, `internal` when it refuses.
   */
  keep(table: string | undefined, signal: AbortSignal): Promise<readonly string[]>
}
