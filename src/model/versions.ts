// The versions of what is stored and said. Programs of neighbouring versions understand each other, so that a cluster is
// upgraded, and downgraded, one program at a time.

/** Of the layout of records: in the store, in streams, and in what a node keeps on disk. */
export const stateVersion = 1

/** Of requests between nodes and netmaster. */
export const nodeProtocol = 1

/**
 * Whether what a program of another version wrote or says is understood: one version forward as well as back. The next version may
 * only add: kinds of records and messages, and fields that may be missing. Who does not know them leaves them out.
 */
export function isUnderstood(version: number, own: number): boolean {
  return Number.isInteger(version) && Math.abs(version - own) <= 1
}
