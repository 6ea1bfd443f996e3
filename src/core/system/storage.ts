// What the library keeps, with its real size, and what each part is good for. Looks only; what may be removed is said in
// a sentence that names the reason.
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { StorageItem } from '#shared/contract/index.ts'
import { engineIds } from '#shared/devices.ts'
import { everyRun } from '#shared/journal-commands.ts'
import type { RunSummary } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'
import { isCarriedOut } from '../archive/archive-folder.ts'
import { enginePack } from '../engines/engine-packs.ts'
import { listModels } from '../models/model-library.ts'
import { hasLivingOwner } from '../models/temporary-owner.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { isTemporaryName } from './durable-files.ts'
import { folderBytes } from './folder-size.ts'
import { backupWords } from './kept-backups.ts'
import { journalItems } from './kept-journal.ts'
import type { Library } from './library.ts'
import { idsAtWork } from './work-under-way.ts'

export interface StoredItem extends StorageItem {
  readonly path: string
}

type Words = Pick<StorageItem, 'name' | 'note' | 'isRemovable'>

interface Kept {
  readonly library: Library
  /** Every run that is shown, by its id. */
  readonly runs: ReadonlyMap<string, RunSummary>
  readonly names: { readonly of: ReadonlyMap<string, string>; readonly projects: ReadonlySet<string> }
  /** What runs and jobs under way use. */
  readonly atWork: ReadonlySet<string>
  readonly ofBackup: Awaited<ReturnType<typeof backupWords>>
}

/** Largest first. */
export async function listStorage(
  context: Pick<WorkstationContext, 'library' | 'reader' | 'jobs'>,
): Promise<StoredItem[]> {
  const { library, reader } = context
  const { runs } = unwrap(reader.listRuns(everyRun))
  const projects = unwrap(reader.projects())
  const { models } = await listModels(library)
  const names = new Map<string, string>([
    ...models.map(({ id, name }) => [id, name] as const),
    ...unwrap(reader.datasets()).map(({ fingerprint, sourceName }) => [fingerprint, sourceName] as const),
    ...runs.map(({ id, name }) => [id, name] as const),
    ...projects.map(({ id, name }) => [id, name] as const),
  ])
  const kept: Kept = {
    library,
    runs: new Map(runs.map((run) => [run.id, run])),
    names: { of: names, projects: new Set(projects.map(({ id }) => id)) },
    atWork: idsAtWork(context),
    ofBackup: backupWords(library.journalPath, Date.now()),
  }
  const found = await Promise.all(placesOf(library).map((place) => itemsIn(place, kept)))
  return [...found.flat(), ...(await journalItems(library.journalPath))].sort(
    (a, b) => b.bytes - a.bytes || (a.id < b.id ? -1 : 1),
  )
}

type Kind = StorageItem['kind']

const placesOf = (library: Library): readonly { readonly kind: Kind; readonly folder: string }[] => [
  { kind: 'model', folder: library.modelsFolder },
  { kind: 'dataset', folder: library.datasetsFolder },
  { kind: 'run', folder: library.runsFolder },
  { kind: 'export', folder: library.exportsFolder },
  { kind: 'cache', folder: library.cacheFolder },
  { kind: 'backup', folder: join(library.home, 'backups') },
  { kind: 'project', folder: library.projectsFolder },
  { kind: 'engine', folder: library.enginesFolder },
]

async function itemsIn(
  { kind, folder }: { readonly kind: Kind; readonly folder: string },
  kept: Kept,
): Promise<StoredItem[]> {
  const entries = (await readdir(folder).catch(() => [] as string[])).filter((name) => !isTemporaryName(name))
  const items = entries.sort().map(async (name): Promise<StoredItem[]> => {
    const path = join(folder, name)
    const stat = await lstat(path).catch(() => null)
    if (stat === null) return []
    const bytes = stat.isDirectory() ? await folderBytes(path) : stat.size
    const words = await describe(kind, name, path, kept)
    return [{ id: `${kind}/${name}`, kind, bytes, changedAtMs: Math.round(stat.mtimeMs), path, ...words }]
  })
  return (await Promise.all(items)).flat()
}

async function describe(
  kind: Kind,
  name: string,
  path: string,
  { runs, names, atWork, ofBackup }: Kept,
): Promise<Words> {
  const title = names.of.get(name) ?? name
  if (kind !== 'project' && atWork.has(name))
    return { name: title, isRemovable: false, note: 'It is being used at the moment.' }
  if (kind === 'model' || kind === 'dataset') {
    const usedBy = (run: RunSummary) =>
      kind === 'model' ? [run.modelId] : [run.datasetFingerprint, run.beforeFingerprint]
    const users = [...runs.values()].filter((run) => usedBy(run).includes(name))
    const isRead = users.length > 0 && users.every((run) => run.beforeFingerprint === name)
    return { name: title, ...inUse(users, isRead ? 'texts' : kind) }
  }
  if (kind === 'run') {
    const run = runs.get(name)
    if (run !== undefined) return { name: title, ...inUse([run], kind) }
    return { name: title, isRemovable: true, note: 'No run in the list belongs to it.' }
  }
  if (kind === 'export')
    return {
      name: title,
      isRemovable: true,
      note: isCarriedOut(path)
        ? 'Came out of the journal, and can be made again while that has its runs.'
        : 'Can be made again while its run is there.',
    }
  if (kind === 'cache') {
    const isBusy = ['downloads', 'measuring'].includes(name) && (await hasLivingOwner(path))
    const note = isBusy ? 'It is being used at the moment.' : 'Is made again when it is needed.'
    return { name: cacheNames[name] ?? name, isRemovable: !isBusy, note }
  }
  if (kind === 'backup') return { name: title, ...ofBackup(name) }
  if (kind === 'engine') {
    const engine = engineIds.find((id) => id === name)
    return {
      name: engine === undefined ? title : enginePack(engine).name,
      isRemovable: false,
      note: 'Remove it under “Devices” in the settings; that sees to it that nothing computes with it.',
    }
  }
  return names.projects.has(name)
    ? { name: title, isRemovable: false, note: 'Remove the project itself in the list of projects.' }
    : { name: title, isRemovable: true, note: 'Its project was removed.' }
}

const cacheNames: Readonly<Record<string, string>> = {
  gguf: 'Copies of models for answering',
  downloads: 'Unfinished downloads',
  'frozen-layers': 'What resting layers make of rows',
  tokens: 'Rows cut into tokens',
}

const afterRemoval = {
  model: 'they can then no longer be continued, proved or exported',
  dataset: 'they can then no longer be continued or proved',
  texts: 'they can then no longer be continued',
  run: 'Its curve and results stay in the journal; it can then no longer be continued or exported.',
} as const

function inUse(users: readonly RunSummary[], kind: keyof typeof afterRemoval): Omit<Words, 'name'> {
  if (kind === 'run') return { isRemovable: true, note: afterRemoval.run }
  if (users.length === 0) return { isRemovable: true, note: 'No run uses it.' }
  const count = users.length === 1 ? 'One run uses it' : `${users.length} runs use it`
  return { isRemovable: true, note: `${count}; ${afterRemoval[kind]}.` }
}
