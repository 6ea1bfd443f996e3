// The engines of a library: which are there, whether they are whole, how they leave. How they come is install-engine.ts.
import { lstat, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineState } from '#shared/contract/devices.ts'
import { type EngineId, engineIds } from '#shared/devices.ts'
import { attemptAsync, fail, ok, type Problem, ProblemError, type Result } from '#shared/result.ts'
import { hasLivingOwner } from '../models/temporary-owner.ts'
import { asDiskProblem, fsyncFolder, isTemporaryName, temporaryPath } from '../system/durable-files.ts'
import { folderBytes } from '../system/folder-size.ts'
import type { Library } from '../system/library.ts'
import { engineDamage, engineDamageByHash } from './engine-manifest.ts'
import { diskBytes, downloadBytes, type EnginePack, enginePack } from './engine-packs.ts'
import { kernelsWords } from './kernels-words.ts'

export const engineFolder = ({ enginesFolder }: Pick<Library, 'enginesFolder'>, id: EngineId): string =>
  join(enginesFolder, id)

const thisSystem = `${process.platform} ${process.arch}`

/** Every engine there is, in the order of the contract. `system` is another one only in tests. */
export function listEngines(
  library: Pick<Library, 'enginesFolder'>,
  system: string = thisSystem,
): Promise<EngineState[]> {
  return Promise.all(engineIds.map((id) => stateOf(library, enginePack(id), system)))
}

async function stateOf(
  library: Pick<Library, 'enginesFolder'>,
  pack: EnginePack,
  system: string,
): Promise<EngineState> {
  const { id, name, version, purpose, licences } = pack
  const words = { id, name, version, purpose, licences: [...licences] }
  const sizes = { downloadBytes: downloadBytes(pack), diskBytes: diskBytes(pack) }
  const state = { ...words, ...sizes, notice: null }
  const notOffered = offerProblem(pack, system)
  if (notOffered !== null) return { ...state, status: 'not-offered', problem: notOffered }
  const folder = engineFolder(library, id)
  if (!(await isThere(folder))) return { ...state, status: 'absent', problem: null }
  const problem = await engineDamage(folder, pack)
  if (problem !== null) return { ...state, status: 'damaged', problem }
  return { ...state, status: 'installed', problem, notice: id === 'tensorflow' ? kernelsWords(folder) : null }
}

export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )

/** null where this system's files of it are published. */
export function offerProblem({ id, name, systems }: EnginePack, system: string = thisSystem): Problem | null {
  if (systems.includes(system)) return null
  return {
    code: 'engine.not-offered',
    message: `${name} is not offered for this system (${system}); it is for ${systems.join(', ')}.`,
    where: id,
    remedy:
      'Nothing has to be fetched: runs are computed on the processor, and on a graphics card where one is listed, with what comes with the program.',
  }
}

/** The folder of an engine that is there and whole, by its sizes. Problems: engine.not-offered, missing and damaged. */
export const findEngine = (library: Pick<Library, 'enginesFolder'>, id: EngineId): Promise<Result<string>> =>
  wholeFolder(library, id, engineDamage)

async function wholeFolder(
  library: Pick<Library, 'enginesFolder'>,
  id: EngineId,
  findDamage: typeof engineDamage,
): Promise<Result<string>> {
  const pack = enginePack(id)
  const notOffered = offerProblem(pack)
  if (notOffered !== null) return fail(notOffered)
  const folder = engineFolder(library, id)
  if (!(await isThere(folder))) return fail(missing(pack))
  const damage = await findDamage(folder, pack)
  return damage === null ? ok(folder) : fail(damage)
}

/** Every byte read again. Problems: engine.not-offered, missing and damaged. */
export async function verifyEngine(
  library: Pick<Library, 'enginesFolder'>,
  id: EngineId,
  onBytes: (doneBytes: number, totalBytes: number) => void = () => {},
): Promise<Result<void>> {
  const found = await wholeFolder(library, id, (folder, pack) =>
    engineDamageByHash(folder, pack, { onBytes }),
  )
  return found.ok ? ok(undefined) : found
}

const missing = ({ id, name }: EnginePack): Problem => ({
  code: 'engine.missing',
  message: `${name} is not on this computer.`,
  where: `engines/${id}`,
  remedy: `Add it under “Settings”, or with: tunewright engines add ${id}`,
})

export interface RemovedEngine {
  readonly freedBytes: number
  /** It was a link that somebody made: only that went, and what it points to is as it was. */
  readonly wasLink: boolean
}

/** Gives the bytes back. Whoever calls has seen to it that nothing uses it (engine-use.ts). Problems: engine.missing, disk.failed. */
export function removeEngine(
  library: Pick<Library, 'enginesFolder'>,
  id: EngineId,
): Promise<Result<RemovedEngine>> {
  const folder = engineFolder(library, id)
  return attemptAsync(async () => {
    if (!(await isThere(folder))) throw new ProblemError(missing(enginePack(id)))
    const wasLink = (await lstat(folder)).isSymbolicLink()
    const freedBytes = wasLink ? 0 : await folderBytes(folder)
    try {
      await discardFolder(folder)
    } catch (error) {
      throw asDiskProblem(error, folder)
    }
    return { freedBytes, wasLink }
  })
}

/** First its name goes, then its files: what is killed between leaves nothing that looks whole. */
export async function discardFolder(folder: string): Promise<void> {
  const away = temporaryPath(folder)
  await rename(folder, away)
  await fsyncFolder(join(folder, '..'))
  await rm(away, { recursive: true, force: true })
}

/** Removes what killed additions and removals left. Those that another Tunewright is writing stay. */
export async function sweepEngines({ enginesFolder }: Pick<Library, 'enginesFolder'>): Promise<string[]> {
  const removed: string[] = []
  for (const name of await readdir(enginesFolder).catch(() => [] as string[])) {
    const path = join(enginesFolder, name)
    if (!isTemporaryName(name) || (await hasLivingOwner(path))) continue
    const isGone = await rm(path, { recursive: true, force: true }).then(
      () => true,
      () => false,
    )
    if (isGone) removed.push(name)
  }
  return removed
}
