// Puts what came with a bundled run at its place in the library: its data sets and what it trained, checked against the
// bundle's journal. What is there already and the same stays; another one in its place is a conflict.
import { chmod, mkdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ImportedRun, ImportSource } from '#journal/import-rows.ts'
import { attemptAsync, ProblemError } from '#shared/result.ts'
import { datasetFolder, loadManifest } from '../data/dataset-folder.ts'
import { fsyncFolder, sha256File } from '../system/durable-files.ts'
import type { Library } from '../system/library.ts'
import { tunedFiles } from '../training/tuned-version.ts'
import { type BundleFile, type BundleManifest, datasetFileNames, libraryPrefix } from './bundle-manifest.ts'
import { unsafe } from './read-bundle.ts'

interface Placing {
  readonly library: Library
  readonly manifest: BundleManifest
  /** Holds `unpacked`, verified by the manifest. */
  readonly work: string
}

/** Folders that were made for a run now; those of a data set serve other runs of the bundle too. */
export interface Placed {
  readonly runId: string
  readonly folders: readonly string[]
}

/** Takes them away again, but for what `kept` names. */
export async function takeBack(
  { runsFolder }: Pick<Library, 'runsFolder'>,
  placed: readonly Placed[],
  kept: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (const { runId, folders } of placed) {
    for (const folder of folders) if (!kept.has(folder)) await rm(folder, { recursive: true, force: true })
    await rmdir(join(runsFolder, runId)).catch(() => {})
  }
}

/** Throws ProblemError: file.unsafe, journal.conflict, journal.invalid, and those of a full or failing disk. */
export async function placeFiles(runId: string, source: ImportSource, placing: Placing): Promise<Placed> {
  const run = source.run(runId)
  if (run === null) throw unsafe('Its journal does not have a run that its list names.', `run ${runId}`)
  const made: string[] = []
  try {
    // Data sets last: where this run fails, those of the bundle are still there for the next one.
    made.push(...(await placeTuned(runId, run, placing)))
    for (const fingerprint of run.datasets) made.push(...(await placeDataset(fingerprint, placing)))
    return { runId, folders: made }
  } catch (error) {
    await takeBack(placing.library, [{ runId, folders: made }])
    throw error
  }
}

/** Folders that were made. */
async function placeDataset(fingerprint: string, placing: Placing): Promise<string[]> {
  const prefix = `${libraryPrefix}datasets/${fingerprint}/`
  const files = placing.manifest.files.filter(({ path }) => path.startsWith(prefix))
  if (files.length === 0) return []
  const folder = join(placing.work, 'unpacked', ...prefix.split('/'))
  const target = datasetFolder(placing.library, fingerprint)
  if (await isThere(target)) {
    await assertSameFiles(target, files)
    return []
  }
  // Taken by a run before this one, or brought in meanwhile.
  if (!(await isThere(folder))) return []
  const read = await attemptAsync(() => loadManifest(folder))
  if (!read.ok) throw unsafe('A data set in it cannot be read.', `data set ${fingerprint}`)
  const { fingerprint: own, contentSha256, files: parts } = read.value
  const isItself = own === fingerprint && contentSha256.startsWith(fingerprint)
  const listed = new Map(files.map(({ path, sha256 }) => [basename(path), sha256]))
  const isWhole =
    listed.size === datasetFileNames.length &&
    Object.values(parts).every(({ name, sha256 }) => listed.get(name) === sha256)
  if (!isItself || !isWhole)
    throw unsafe('One of its data sets does not hold together.', `data set ${fingerprint}`)
  for (const { name } of Object.values(parts)) await chmod(join(folder, name), 0o400)
  await moveFolder(folder, target)
  return [target]
}

async function placeTuned(runId: string, run: ImportedRun, placing: Placing): Promise<string[]> {
  const made: string[] = []
  for (const { folder: name, weights } of Object.values(tunedFiles)) {
    const prefix = `${libraryPrefix}runs/${runId}/${name}/`
    const files = placing.manifest.files.filter(({ path }) => path.startsWith(prefix))
    if (files.length === 0) continue
    const recorded = new Map(run.files.map(({ path, sha256 }) => [path, sha256]))
    const isRecorded = files.every(
      ({ path, sha256 }) =>
        recorded.get(path.slice(libraryPrefix.length)) === sha256 &&
        (basename(path) !== weights || sha256 === run.adapterSha256),
    )
    if (!isRecorded) throw unsafe('What a run trained is not what its journal says.', `run ${runId}`)
    const target = join(placing.library.runsFolder, runId, name)
    if (await isThere(target)) await assertSameFiles(target, files)
    else {
      await moveFolder(join(placing.work, 'unpacked', ...prefix.split('/')), target)
      made.push(target)
    }
  }
  return made
}

async function moveFolder(from: string, to: string): Promise<void> {
  await fsyncFolder(from)
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await rename(from, to)
  await fsyncFolder(dirname(to))
  await fsyncFolder(dirname(dirname(to)))
}

async function assertSameFiles(folder: string, files: readonly BundleFile[]): Promise<void> {
  for (const { path, sha256 } of files)
    if ((await sha256File(join(folder, basename(path))).catch(() => null)) !== sha256)
      throw new ProblemError({
        code: 'journal.conflict',
        message: 'Another file is in its place here.',
        where: join(basename(dirname(folder)), basename(folder), basename(path)),
        remedy: 'What is here stays as it is.',
      })
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
