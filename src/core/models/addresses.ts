// Where a download may go. A hub answers with redirects, and a redirect is a stranger's wish: only https, only hosts
// that belong to the hub, never this computer or a private network unless the hub itself was configured to be there.
import { ProblemError } from '#shared/result.ts'

export const defaultHubUrl = 'https://huggingface.co'

/** The hub's own domains, which serve large files: a host is allowed if it is one of them or below one. */
const hubDomains = ['huggingface.co', 'hf.co']

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)

/** Addresses written as numbers. The URL parser has already turned every spelling of IPv4 into four decimal numbers. */
const isAddress = (host: string): boolean => host.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(host)

const belongsTo = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`)

/** Parses the configured hub address: https, or http for a hub on this computer. Throws ProblemError. */
export function parseHubUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  const isUsable =
    url !== null &&
    url.username === '' &&
    url.password === '' &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
  if (url && isUsable) return url
  throw new ProblemError({
    code: 'usage.invalid',
    message: 'The address of the model hub is not usable.',
    where: text,
    remedy: `Give an https address such as ${defaultHubUrl}.`,
  })
}

/** Why `target` may not be fetched, in words, or null. `hub` is the configured address. */
export function addressFault(target: URL, hub: URL): string | null {
  if (target.username !== '' || target.password !== '') return 'it carries a user name or password'
  if (isLoopback(hub.hostname))
    return isLoopback(target.hostname) && ['http:', 'https:'].includes(target.protocol)
      ? null
      : 'a hub on this computer may not lead away from it'
  if (target.protocol !== 'https:') return `it is not https but ${target.protocol}`
  if (target.host === hub.host) return null
  if (isLoopback(target.hostname)) return 'it leads back to this computer'
  if (isAddress(target.hostname)) return 'it is a bare network address'
  if (target.port !== '') return 'it uses an unusual port'
  return hubDomains.some((domain) => belongsTo(target.hostname, domain))
    ? null
    : 'the host does not belong to the hub'
}
