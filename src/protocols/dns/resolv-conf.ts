// The system's resolver configuration, resolv.conf(5).

export interface ResolvConf {
  /** Addresses in order of preference, as written (an IPv6 address may carry a zone). */
  readonly nameservers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** Never fails: what cannot be read is left out, as the C library does. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = []
  let search: readonly string[] = []
  const options: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    const [first] = values
    if (first === undefined) continue
    // `domain` is the older form of a search list of one; the last of both counts.
    if (keyword === 'nameserver') nameservers.push(first)
    else if (keyword === 'search') search = values
    else if (keyword === 'domain') search = [first]
    else if (keyword === 'options') options.push(...values)
  }
  return { nameservers, search, options }
}
