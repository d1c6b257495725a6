// How a person says where netmaster is: by itself, so that a command line need not load the transport for it.

/** URLs with commas between them, as the transport takes them; `host:port` is meant as http. Undefined: one is no URL. */
export function parseServerUrls(text: string): string | undefined {
  const urls = text.split(',').map((part) => {
    const trimmed = part.trim()
    const url = trimmed.includes('://') ? trimmed : `http://${trimmed}`
    return URL.canParse(url) && /^https?:\/\/[^/]/.test(url) ? url.replace(/\/+$/, '') : undefined
  })
  return urls.includes(undefined) ? undefined : urls.join(',')
}
