// One file from the hub into a folder of the cache, whole and verified or not at all. An interrupted download is kept
// as NAME.partial with the hub's etag and goes on from there; only bytes whose SHA-256 is right get the name NAME.
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProblemError } from '#shared/result.ts'
import { asDiskProblem, sha256File } from '../system/durable-files.ts'
import { downloadProblem, type Hub, type HubMetadata, requestFromHub, tryAgain } from './hub-request.ts'
import type { KnownFile } from './starter-files.ts'

export interface HubFile extends KnownFile {
  readonly repository: string
  readonly revision: string
}

/** Attempts that may bring nothing new before the download is given up. */
const fruitlessAttempts = 3

/**
 * Path of the verified file. `onBytes` gets the number of bytes that are there so far.
 * Throws ProblemError: download.unreachable, download.failed, download.hash-mismatch, disk.*.
 */
export async function downloadFile(
  hub: Hub,
  file: HubFile,
  folder: string,
  onBytes: (haveBytes: number) => void,
): Promise<string> {
  const path = join(folder, file.name)
  if (await isVerified(path, file)) {
    onBytes(file.sizeBytes)
    return path
  }
  const address = new URL(
    `${hub.url.pathname.replace(/\/$/, '')}/${file.repository}/resolve/${file.revision}/${file.name}`,
    hub.url,
  )
  await requireSameFile(hub, address, file, path)
  for (let mismatches = 0; ; mismatches += 1) {
    const wasResumed = await fetchAll(hub, address, file, path, onBytes)
    if ((await sha256File(partialOf(path))) === file.sha256) break
    await rm(partialOf(path))
    // A part from an earlier day may have been wrong; one whole download settles it.
    if (!wasResumed || mismatches > 0)
      throw mismatch(file, 'The downloaded file is not the one that was published.')
  }
  await rename(partialOf(path), path)
  await rm(stateOf(path), { force: true })
  return path
}

const partialOf = (path: string): string => `${path}.partial`
const stateOf = (path: string): string => `${path}.partial.json`

async function discard(path: string): Promise<void> {
  await rm(partialOf(path), { force: true })
  await rm(stateOf(path), { force: true })
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0

async function isVerified(path: string, file: KnownFile): Promise<boolean> {
  return (await sizeOf(path)) === file.sizeBytes && (await sha256File(path)) === file.sha256
}

const mismatch = (file: KnownFile, message: string): ProblemError =>
  downloadProblem(
    'download.hash-mismatch',
    message,
    file.name,
    'Nothing was added to the library. Try again on another network; if it happens again, the hub or a proxy changes the file.',
    `expected ${file.sizeBytes} bytes with SHA-256 ${file.sha256}`,
  )

/** Asks the hub what it has, before a byte is fetched; a partial download of something else is thrown away. */
async function requireSameFile(hub: Hub, address: URL, file: HubFile, path: string): Promise<void> {
  const { response, metadata } = await requestFromHub(hub, address, { method: 'HEAD' })
  await response.body?.cancel()
  requireFound(response.status, file)
  if (metadata.commit === null)
    throw downloadProblem(
      'download.unreachable',
      'Something answers in the place of the model hub, perhaps the sign-in page of this network.',
      hub.url.host,
      'Sign in to the network or check the address of the hub, then try again.',
    )
  if (metadata.commit !== file.revision)
    throw mismatch(file, 'The hub answers with another revision than the one asked for.')
  const isSha256 = metadata.etag !== null && /^[0-9a-f]{64}$/.test(metadata.etag)
  const differs =
    (isSha256 && metadata.etag !== file.sha256) ||
    (metadata.sizeBytes !== null && metadata.sizeBytes !== file.sizeBytes)
  if (differs)
    throw mismatch(file, 'The hub has another file under this name than the one that was published.')
  await keepPartialOf(metadata, path)
}

function requireFound(status: number, file: HubFile): void {
  if (status < 400) return
  throw downloadProblem(
    status >= 500 ? 'download.unreachable' : 'download.failed',
    status >= 500
      ? 'The model hub is not working at the moment.'
      : `The model hub does not give out this file (answer ${status}).`,
    `${file.repository}, ${file.name}`,
    tryAgain,
  )
}

async function keepPartialOf(metadata: HubMetadata, path: string): Promise<void> {
  const kept = await readFile(stateOf(path), 'utf8').catch(() => null)
  const state = JSON.stringify({ etag: metadata.etag })
  if (kept === state) return
  await discard(path)
  await writeFile(stateOf(path), state)
}

/** Fetches until the partial file has its full size. Returns whether it began with bytes from an earlier download. */
async function fetchAll(
  hub: Hub,
  address: URL,
  file: HubFile,
  path: string,
  onBytes: (haveBytes: number) => void,
): Promise<boolean> {
  const atStart = await sizeOf(partialOf(path))
  let have = atStart
  let lastFault: unknown = null
  for (let fruitless = 0; have !== file.sizeBytes; ) {
    if (fruitless >= fruitlessAttempts) throw asFailure(lastFault, file)
    if (have > file.sizeBytes) {
      await rm(partialOf(path), { force: true })
      have = 0
    }
    lastFault = await fetchRest(hub, address, file, path, have, onBytes)
    const now = await sizeOf(partialOf(path))
    if (now > have) fruitless = 0
    else {
      fruitless += 1
      await new Promise((resolve) => setTimeout(resolve, hub.retryWaitMs))
    }
    have = now
  }
  return atStart > 0
}

const asFailure = (fault: unknown, file: HubFile): ProblemError =>
  fault instanceof ProblemError
    ? fault
    : downloadProblem(
        'download.failed',
        'The download does not get ahead.',
        `${file.repository}, ${file.name}`,
        tryAgain,
        fault,
      )

/** One request for what is missing. Returns why it ended early, or null; throws where trying again cannot help. */
async function fetchRest(
  hub: Hub,
  address: URL,
  file: HubFile,
  path: string,
  have: number,
  onBytes: (haveBytes: number) => void,
): Promise<unknown> {
  const stall = new AbortController()
  let timer = setTimeout(() => stall.abort(), hub.stallTimeoutMs)
  let handle: FileHandle | null = null
  try {
    const range = have > 0 ? { range: `bytes=${have}-` } : {}
    const { response } = await requestFromHub(hub, address, { method: 'GET', signal: stall.signal, ...range })
    const from = await startOf(response, have, file)
    handle = await open(partialOf(path), from === 0 ? 'w' : 'r+')
    let position = from
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer)
      timer = setTimeout(() => stall.abort(), hub.stallTimeoutMs)
      if (position + chunk.byteLength > file.sizeBytes)
        throw mismatch(file, 'The hub sends more bytes than the file has.')
      await handle.write(chunk, 0, chunk.byteLength, position)
      position += chunk.byteLength
      onBytes(position)
    }
    return position === file.sizeBytes ? null : `the connection ended after ${position} bytes`
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code !== 'download.unreachable') {
      if (error.problem.code === 'download.hash-mismatch') await discard(path)
      throw error
    }
    const disk = asDiskProblem(error, path)
    if (disk instanceof ProblemError && disk.problem.code.startsWith('disk.')) throw disk
    return error
  } finally {
    clearTimeout(timer)
    await handle?.close()
  }
}

/** Where the answer's bytes belong: 0, or `have` if the server honours the range. Throws where it lies about it. */
async function startOf(response: Response, have: number, file: HubFile): Promise<number> {
  if (response.status === 200) return 0
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '')
  if (response.status === 206 && have > 0) {
    if (Number(range?.[1]) === have && Number(range?.[3]) === file.sizeBytes) return have
    await response.body?.cancel()
    throw mismatch(file, 'The hub sends another part of the file than the one asked for.')
  }
  await response.body?.cancel()
  if (response.status === 416) throw mismatch(file, 'The hub says that the file is shorter than published.')
  requireFound(response.status, file)
  throw downloadProblem(
    'download.failed',
    `The hub answered ${response.status} instead of the file.`,
    `${file.repository}, ${file.name}`,
    tryAgain,
  )
}
