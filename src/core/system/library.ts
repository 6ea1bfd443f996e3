// The library: one folder that holds everything Tunewright keeps. Only names are decided here.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { asDiskProblem, asNoFolder, isTemporaryName } from './durable-files.ts'

export interface Library {
  readonly home: string
  readonly journalPath: string
  readonly modelsFolder: string
  readonly datasetsFolder: string
  readonly runsFolder: string
  readonly exportsFolder: string
  /** For each project its draft and the files a person brought. */
  readonly projectsFolder: string
  /** Things that can be made again: GGUF copies for answering, downloads under way. */
  readonly cacheFolder: string
  /** Runtimes that were fetched: a folder for each. */
  readonly enginesFolder: string
}

/** The usual place for application data on this system. A variable that is set to nothing counts as not set. */
export function defaultHome(): string {
  if (process.platform === 'win32')
    return join(process.env.APPDATA || join(homedir(), 'AppData', 'Roaming'), 'Tunewright')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Tunewright')
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'tunewright')
}

/** The library's places under `home`; nothing is made there. */
export function libraryAt(home: string): Library {
  const root = resolve(home)
  return {
    home: root,
    journalPath: join(root, 'journal.db'),
    modelsFolder: join(root, 'models'),
    datasetsFolder: join(root, 'datasets'),
    runsFolder: join(root, 'runs'),
    exportsFolder: join(root, 'exports'),
    projectsFolder: join(root, 'projects'),
    cacheFolder: join(root, 'cache'),
    enginesFolder: join(root, 'engines'),
  }
}

/** The library's places, after the folders that are missing are made. Throws a ProblemError where they cannot be. */
export function openLibrary(home: string = defaultHome()): Library {
  const library = libraryAt(home)
  for (const folder of [
    library.modelsFolder,
    library.datasetsFolder,
    library.runsFolder,
    library.exportsFolder,
    library.projectsFolder,
    library.cacheFolder,
    library.enginesFolder,
  ])
    makeFolder(folder)
  return library
}

/** One by one, as in durable-files.ts: Node's own `recursive` never ends where a system refuses with ENOENT. */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(folder)) throw asDiskProblem(asNoFolder(error, folder), folder)
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/**
 * Removes what interrupted work left in the library: files and folders with a temporary name. Called by the process that
 * holds the journal's lock, before it starts anything, so nobody is writing there. Model folders that are being imported
 * belong to another process, perhaps; only compiled graphs inside finished ones are removed.
 */
export function sweepLibrary(library: Library): string[] {
  const inside = (folder: string) => readdirSync(folder).filter((name) => !isTemporaryName(name))
  const projectFolders = inside(library.projectsFolder).map((name) => join(library.projectsFolder, name))
  const runFolders = inside(library.runsFolder).map((name) => join(library.runsFolder, name))
  return [
    library.cacheFolder,
    library.datasetsFolder,
    library.exportsFolder,
    ...inside(library.modelsFolder).map((name) => join(library.modelsFolder, name)),
    ...projectFolders,
    ...projectFolders.map((folder) => join(folder, 'files')),
    ...runFolders,
    ...runFolders.map((folder) => join(folder, 'checkpoints')),
  ].flatMap(sweepFolder)
}

function sweepFolder(folder: string): string[] {
  let names: string[]
  try {
    names = readdirSync(folder).filter(isTemporaryName)
  } catch {
    // A stray file among the folders, or a run without checkpoints.
    return []
  }
  return names.flatMap((name) => {
    const path = join(folder, name)
    try {
      rmSync(path, { recursive: true, force: true })
      return [path]
    } catch {
      // Rubbish that another program holds must keep nobody from working: the next start tries again.
      return []
    }
  })
}
