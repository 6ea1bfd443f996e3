// One request to a model hub, redirects followed by hand: every address is checked before it is fetched, and the
// token goes to the hub's own origin only. Also reads what the hub says of a file.

import type { ProblemCode } from '#shared/problem-codes.ts'
import { ProblemError } from '#shared/result.ts'
import { addressFault } from './addresses.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface Hub {
  readonly url: URL
  readonly fetch: Fetch
  readonly token: string | null
  /** How long to wait for the first answer: short, because there is another source. */
  readonly connectTimeoutMs: number
  /** How long a download may stand still. */
  readonly stallTimeoutMs: number
  /** Pause before the next attempt where the last one brought nothing. */
  readonly retryWaitMs: number
}

/** What the hub itself (not a server it leads to) says of a file. */
export interface HubMetadata {
  readonly commit: string | null
  /** The file's SHA-256 for large files, Git's hash for small ones; without quotes. */
  readonly etag: string | null
  readonly sizeBytes: number | null
}

export interface Answer {
  readonly response: Response
  readonly metadata: HubMetadata
}

const maxRedirects = 5

export const downloadProblem = (
  code: Extract<ProblemCode, `download.${string}`>,
  message: string,
  where: string,
  remedy: string,
  details?: unknown,
): ProblemError =>
  new ProblemError({
    code,
    message,
    where,
    remedy,
    ...(details === undefined ? {} : { details: String(details) }),
  })

export const tryAgain = 'Try again later: what has been downloaded is kept and the rest is added.'

/** Throws ProblemError: download.unreachable, download.failed. The caller reads or cancels the body. */
export async function requestFromHub(
  hub: Hub,
  address: URL,
  init: { readonly method: 'HEAD' | 'GET'; readonly range?: string; readonly signal?: AbortSignal },
): Promise<Answer> {
  let url = address
  let metadata: HubMetadata = { commit: null, etag: null, sizeBytes: null }
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const fault = addressFault(url, hub.url)
    if (fault) throw refusedAddress(url, fault)
    const response = await fetchOnce(hub, url, init)
    const isHub = url.origin === hub.url.origin
    if (isHub) metadata = mergeMetadata(metadata, response)
    const location = response.headers.get('location')
    const isRedirect = [301, 302, 303, 307, 308].includes(response.status)
    if (!isRedirect || location === null) return { response, metadata }
    await response.body?.cancel()
    if (!URL.canParse(location, url.href)) throw refusedAddress(url, 'it is not an address')
    const next = new URL(location, url)
    // All that the hub says of a file is said by now; its storage servers are asked only for the bytes.
    if (init.method === 'HEAD' && next.origin !== hub.url.origin && metadata.commit !== null)
      return { response, metadata }
    url = next
  }
  throw refusedAddress(url, 'it was reached by too many redirects')
}

const refusedAddress = (url: URL, fault: string): ProblemError =>
  downloadProblem(
    'download.failed',
    `The hub leads to an address that is not followed: ${fault}.`,
    url.host || url.protocol,
    'Check the address of the hub and your network; a proxy or a false hub may be answering.',
    url.href.slice(0, 300),
  )

async function fetchOnce(
  hub: Hub,
  url: URL,
  init: { readonly method: 'HEAD' | 'GET'; readonly range?: string; readonly signal?: AbortSignal },
): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'tunewright' }
  if (init.range !== undefined) headers.range = init.range
  if (hub.token !== null && url.origin === hub.url.origin) headers.authorization = `Bearer ${hub.token}`
  const connect = new AbortController()
  const timer = setTimeout(
    () => connect.abort(),
    init.method === 'HEAD' ? hub.connectTimeoutMs : hub.stallTimeoutMs,
  )
  const signal = init.signal ? AbortSignal.any([connect.signal, init.signal]) : connect.signal
  try {
    return await hub.fetch(url.href, { method: init.method, headers, redirect: 'manual', signal })
  } catch (error) {
    // The network gate's own word: downloads were turned off.
    if (error instanceof ProblemError) throw error
    const cause = (error as { cause?: unknown }).cause
    throw downloadProblem(
      'download.unreachable',
      'The model hub cannot be reached.',
      url.host,
      'Connect this computer to the internet and try again, or add a model from a file, under “Models” or with: tunewright models add FILE.',
      cause === undefined ? error : cause,
    )
  } finally {
    clearTimeout(timer)
  }
}

const unquote = (etag: string): string => etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1')

function mergeMetadata(known: HubMetadata, response: Response): HubMetadata {
  const { headers } = response
  const etag = headers.get('x-linked-etag') ?? headers.get('etag')
  const size =
    headers.get('x-linked-size') ?? (response.status === 200 ? headers.get('content-length') : null)
  return {
    commit: headers.get('x-repo-commit') ?? known.commit,
    etag: known.etag ?? (etag === null ? null : unquote(etag)),
    sizeBytes: known.sizeBytes ?? (size === null || !/^\d+$/.test(size) ? null : Number(size)),
  }
}
