// The published files of an engine: fetched one after the other into a folder where whole ones wait for the next try, or
// brought by hand. Each is opened only if its SHA-256 is the known one.
import { lstat, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Problem, ProblemError } from '#shared/result.ts'
import { formatBytes } from '#shared/units.ts'
import { fetchWheel, requireWheel } from '../models/wheel.ts'
import { sha256File } from '../system/durable-files.ts'
import { diskBytes, downloadBytes, type EnginePack, type PackWheel } from './engine-packs.ts'

export interface FetchTools {
  readonly signal: AbortSignal
  tell(phase: string, done?: number, total?: number): void
  /** Called before each connection; throws where downloads are not allowed. */
  openNetwork(): void
}

/** Paths of the verified wheels, in the order of the pack. Throws ProblemError. */
export async function fetchWheels(
  pack: EnginePack,
  folder: string,
  { signal, tell, openNetwork }: FetchTools,
): Promise<string[]> {
  await requireSpace(pack, folder)
  const paths: string[] = []
  const total = downloadBytes(pack)
  let before = 0
  for (const wheel of pack.wheels) {
    const { sizeBytes } = wheel.wheel
    const tellWheel = (doneBytes: number): void =>
      tell(`Fetching ${pack.name} ${pack.version}`, before + doneBytes, total)
    let isOpen = false
    const onProgress = ({ doneBytes }: { readonly doneBytes: number }): void => {
      // Told for the first time when it is clear that the file is not here yet.
      if (!isOpen) openNetwork()
      isOpen = true
      tellWheel(doneBytes)
    }
    signal.throwIfAborted()
    paths.push(await fetchWheel(folder, onProgress, forPack(wheel, pack), signal))
    before += sizeBytes
    tellWheel(0)
  }
  return paths
}

const forPack = (wheel: PackWheel, { id }: EnginePack): PackWheel => ({
  ...wheel,
  otherWay: `fetch the file ${wheel.wheel.name} on another computer and give it with: tunewright engines add ${id} --file FILE`,
})

/** Files that a person brought, in the order of the pack; they stay as they are. Throws ProblemError. */
export async function chosenWheels(pack: EnginePack, files: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>()
  for (const file of files) {
    if (!(await isFile(file))) throw new ProblemError(noFile(pack, file))
    const sha256 = await sha256File(file)
    const wheel = pack.wheels.find((one) => one.wheel.sha256 === sha256)
    if (wheel === undefined) throw new ProblemError(unknownFile(pack, file, sha256))
    found.set(wheel.wheel.name, file)
  }
  const lacking = pack.wheels.filter(({ wheel }) => !found.has(wheel.name))
  if (lacking.length > 0) throw new ProblemError(tooFew(pack, lacking))
  return pack.wheels.map(({ wheel }) => found.get(wheel.name) ?? '')
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

const noFile = ({ id, wheels }: EnginePack, file: string): Problem => ({
  code: 'file.missing',
  message: 'There is no such file, or it cannot be read.',
  where: file,
  remedy: `Check the name. ${id} is made of ${wheels.map(({ wheel }) => wheel.name).join(', ')}.`,
})

/** Again, right before it is opened: the file of a person may have changed since. */
export const requirePackWheel = (path: string, wheel: PackWheel, pack: EnginePack): Promise<void> =>
  requireWheel(path, forPack(wheel, pack))

const unknownFile = ({ id, name, wheels }: EnginePack, file: string, sha256: string): Problem => ({
  code: 'download.hash-mismatch',
  message: `This file is not one of those that ${name} was published as.`,
  where: file,
  remedy: `Nothing was added. Bring ${wheels.map(({ wheel }) => wheel.name).join(', ')}, or let it be fetched, under “Settings” or with: tunewright engines add ${id}`,
  details: `its SHA-256 is ${sha256}`,
})

const tooFew = ({ id, name, wheels }: EnginePack, lacking: readonly PackWheel[]): Problem => ({
  code: 'file.missing',
  message: `${name} is made of ${wheels.length} files; ${lacking.length} of them were not given.`,
  where: lacking.map(({ wheel }) => wheel.name).join(', '),
  remedy: `Give --file once for each file, or let all be fetched, under “Settings” or with: tunewright engines add ${id}`,
})

/** pip holds the file that it is fetching twice for a moment. */
async function requireSpace(pack: EnginePack, folder: string): Promise<void> {
  const missing: number[] = []
  for (const { wheel } of pack.wheels) {
    const stat = await lstat(join(folder, wheel.name)).catch(() => null)
    if (stat?.size !== wheel.sizeBytes) missing.push(wheel.sizeBytes)
  }
  const fetched = missing.reduce((sum, bytes) => sum + bytes, 0) + Math.max(0, ...missing)
  await requireFree(pack, folder, fetched + diskBytes(pack))
}

export async function requireFree({ name }: EnginePack, folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const freeBytes = bavail * bsize
  if (freeBytes >= bytes) return
  throw new ProblemError({
    code: 'disk.full',
    message: `There is too little space on the disk: adding ${name} needs ${formatBytes(bytes)}, free is ${formatBytes(freeBytes)}.`,
    where: folder,
    remedy: `Free at least ${formatBytes(bytes - freeBytes)} on this disk, then try again. Nothing was changed.`,
  })
}
