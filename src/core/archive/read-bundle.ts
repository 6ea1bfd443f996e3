// A run bundle from elsewhere, unpacked below a folder of ours: only what its manifest names, byte for byte, within bounds
// that are known before the first byte is written. A file that lies about names, sizes or contents is refused whole.
import { readFileSync, statfsSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { attemptAsync, type Problem, ProblemError } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { extractMembers, type WrittenMember } from '../models/zip-members.ts'
import { asDiskProblem } from '../system/durable-files.ts'
import { openFileBytes } from '../system/file-bytes.ts'
import {
  type BundleFile,
  type BundleManifest,
  bundleManifest,
  journalName,
  manifestName,
} from './bundle-manifest.ts'
import type { Telling } from './export-work.ts'

const mostManifestBytes = 16e6
const mostBytes = 200e9
/** Much text gets a tenth of its size, an empty database a hundredth; what grows more was made to fill a disk. */
const mostGrowth = 100
const freeGrowthBytes = 64e6
const spareDiskBytes = 200e6

/** Everything of the bundle below `folder`, verified. Problems: file.unsafe, disk.full, disk.failed. */
export async function unpackBundle(
  path: string,
  folder: string,
  { tell, signal }: Telling,
): Promise<BundleManifest> {
  const result = await attemptAsync(async () => {
    const manifest = await readBundleManifest(path, join(folder, 'list'))
    const total = checkSizes(path, folder, manifest.files)
    const unpacked = join(folder, 'unpacked')
    await mkdir(unpacked, { recursive: true })
    const wanted = new Map(manifest.files.map((file) => [file.path, file]))
    const seen = new Set<string>()
    let bytes = 0
    const written = await extractMembers(
      path,
      (name) => {
        if (name === manifestName) return null
        if (!wanted.has(name) || seen.has(name))
          throw unsafe('It holds a file that its list does not name.', name)
        seen.add(name)
        return join(unpacked, ...name.split('/'))
      },
      {
        ratio: Number.POSITIVE_INFINITY,
        mostBytes: total,
        onBytes(more) {
          signal.throwIfAborted()
          bytes += more
          if (bytes > total) throw unsafe('It holds more than its list says.', manifestName)
          tell('Unpacking and checking', bytes, total)
        },
      },
    )
    const byPath = new Map(written.map((one) => [one.path, one]))
    for (const file of manifest.files) assertListed(file, byPath.get(join(unpacked, ...file.path.split('/'))))
    return manifest
  })
  if (result.ok) return result.value
  throw new ProblemError(asBundleProblem(result.problem))
}

/** Its journal alone, verified, as a file below `folder`. Problems: as above. */
export async function unpackBundledJournal(path: string, folder: string): Promise<string> {
  const result = await attemptAsync(async () => {
    const { files } = await readBundleManifest(path, join(folder, 'list'))
    const listed = files.filter((file) => file.path === journalName)
    const mostBytes = checkSizes(path, folder, listed)
    const target = join(folder, journalName)
    const written = await extractMembers(path, (name) => (name === journalName ? target : null), {
      ratio: Number.POSITIVE_INFINITY,
      mostBytes,
    })
    for (const file of listed) assertListed(file, written[0])
    return target
  })
  if (result.ok) return result.value
  throw new ProblemError(asBundleProblem(result.problem))
}

function assertListed(file: BundleFile, found: WrittenMember | undefined): void {
  if (found === undefined) throw unsafe('A file of its list is missing.', file.path)
  if (found.sizeBytes !== file.bytes || found.sha256 !== file.sha256)
    throw unsafe('A file in it is not what its list says.', file.path)
}

async function readBundleManifest(path: string, folder: string): Promise<BundleManifest> {
  await mkdir(folder, { recursive: true })
  const target = join(folder, manifestName)
  let bytes = 0
  const found = await extractMembers(path, (name) => (name === manifestName && bytes === 0 ? target : null), {
    ratio: Number.POSITIVE_INFINITY,
    onBytes(more) {
      bytes += more
      if (bytes > mostManifestBytes) throw unsafe('The list of its files is too long.', manifestName)
    },
  })
  if (found.length === 0) throw unsafe('It is not a run bundle: it has no list of its files.', manifestName)
  const parsed = bundleManifest.safeParse(parseJson(readFileSync(target, 'utf8')))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw unsafe(
      'The list of its files cannot be read.',
      `${manifestName}, at ${issue?.path.join('.') ?? ''}`,
    )
  }
  if (!parsed.data.files.some((file) => file.path === journalName))
    throw unsafe('It has no journal.', manifestName)
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Bytes that it unpacks to. */
function checkSizes(path: string, folder: string, files: readonly BundleFile[]): number {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const packed = statSync(path).size
  if (total > mostBytes || total > freeGrowthBytes + mostGrowth * packed)
    throw unsafe(`It would unpack to ${formatBytes(total)}, out of ${formatBytes(packed)}.`, manifestName)
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < total + spareDiskBytes)
    throw asDiskProblem(Object.assign(new Error(`needs ${total} bytes`), { code: 'ENOSPC' }), folder)
  return total
}

const remedy = 'Nothing of it was taken. Ask for the bundle again, or have it made again.'

export const unsafe = (message: string, where: string): ProblemError =>
  new ProblemError({ code: 'file.unsafe', message, where, remedy })

/** What the unpacker of packages says, said of a bundle. */
const asBundleProblem = (problem: Problem): Problem =>
  problem.code === 'file.unsafe' && problem.remedy !== remedy
    ? {
        ...problem,
        message: 'This file is no run bundle, or it is damaged.',
        remedy,
        details: problem.message,
      }
    : problem

/** A bundle by its first bytes, whatever its name. */
export async function isZip(path: string): Promise<boolean> {
  const file = await openFileBytes(path)
  try {
    const start = Buffer.from(await file.read(0, Math.min(4, file.sizeBytes)))
    return start.length === 4 && start.readUInt32BE() === zipStart
  } finally {
    await file.close()
  }
}

/** "PK" and the signature of a zip file's first member. */
const zipStart = 0x504b0304
