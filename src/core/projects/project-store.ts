// A project's own folder: the draft of the wizard and the files a person brought. Every change is on the disk before it
// is answered; the journal keeps name, goal and runs.
import { copyFile, mkdir, readdir, rename, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type ProjectDetail, type ProjectDraft, projectDraft } from '#shared/contract/index.ts'
import { attemptAsync, ProblemError, type Result } from '#shared/result.ts'
import { asDiskProblem, fsyncFolder, isTemporaryName, temporaryPath } from '../system/durable-files.ts'
import { readKeptOrSetAside, writeKept } from '../system/kept-json.ts'
import type { Library } from '../system/library.ts'

type ProjectFile = ProjectDetail['files'][number]

export interface ProjectStore {
  folderOf(projectId: string): string
  /** The usual draft where there is none; a damaged one is moved aside. */
  readDraft(projectId: string): ProjectDraft
  writeDraft(projectId: string, draft: ProjectDraft): Promise<void>
  files(projectId: string): Promise<ProjectFile[]>
  /** Paths of the files in the order in which they are read: by their names. */
  dataPaths(projectId: string): Promise<string[]>
  /** The file with texts of the field for a first stage, and its path: the newest; null where there is none. */
  beforeFile(projectId: string): Promise<ProjectFile | null>
  beforePath(projectId: string): Promise<string | null>
  /** Where that file goes. */
  beforeFolderOf(projectId: string): string
  /** Path of one of the project's files. The name must be one of them: nothing else is ever opened. */
  filePath(projectId: string, name: string): Promise<Result<string>>
  /** A copy of a file that came with the program. */
  addSample(projectId: string, samplePath: string): Promise<void>
}

/** Marks the file that is the scenario's sample, so that the screens can say so. */
const samplePrefix = 'sample-'
const draftName = 'draft.json'

export function createProjectStore(library: Library): ProjectStore {
  const folderOf = (projectId: string): string => join(library.projectsFolder, projectId)
  const filesFolderOf = (projectId: string): string => join(folderOf(projectId), 'files')

  const beforeFolderOf = (projectId: string): string => join(folderOf(projectId), 'before')

  async function namesIn(folder: string): Promise<string[]> {
    const found = await readdir(folder).catch(() => [] as string[])
    return found.filter((name) => !isTemporaryName(name)).sort()
  }
  /** Of several, which a crash between arrival and clearing leaves, the one that was written last; null where none is. */
  async function newestIn(folder: string): Promise<string | null> {
    const dated = await Promise.all(
      (await namesIn(folder)).map(async (name) => {
        const { mtimeNs } = await stat(join(folder, name), { bigint: true })
        return { name, mtimeNs }
      }),
    )
    const newest = dated.reduce<(typeof dated)[number] | null>(
      (best, one) => (best === null || one.mtimeNs > best.mtimeNs ? one : best),
      null,
    )
    return newest?.name ?? null
  }
  const names = (projectId: string): Promise<string[]> => namesIn(filesFolderOf(projectId))
  const fileOf = async (folder: string, name: string): Promise<ProjectFile> => ({
    name,
    sizeBytes: (await stat(join(folder, name))).size,
    isSample: name.startsWith(samplePrefix),
  })

  return {
    folderOf,
    readDraft: (projectId) =>
      readKeptOrSetAside(join(folderOf(projectId), draftName), projectDraft) ?? projectDraft.parse({}),
    async writeDraft(projectId, draft) {
      const path = join(folderOf(projectId), draftName)
      try {
        await mkdir(folderOf(projectId), { recursive: true, mode: 0o700 })
        await writeKept(path, draft)
      } catch (error) {
        throw asDiskProblem(error, path)
      }
    },
    files: async (projectId) =>
      Promise.all((await names(projectId)).map((name) => fileOf(filesFolderOf(projectId), name))),
    async beforeFile(projectId) {
      const folder = beforeFolderOf(projectId)
      const name = await newestIn(folder)
      return name === null ? null : fileOf(folder, name)
    },
    async beforePath(projectId) {
      const name = await newestIn(beforeFolderOf(projectId))
      return name === null ? null : join(beforeFolderOf(projectId), name)
    },
    beforeFolderOf,
    dataPaths: async (projectId) =>
      (await names(projectId)).map((name) => join(filesFolderOf(projectId), name)),
    filePath: (projectId, name) =>
      attemptAsync(async () => {
        if (!(await names(projectId)).includes(name))
          throw new ProblemError({
            code: 'file.missing',
            message: 'This project has no such file.',
            where: name,
            remedy: 'Choose one from the list, or add the file again.',
          })
        return join(filesFolderOf(projectId), name)
      }),
    async addSample(projectId, samplePath) {
      const folder = filesFolderOf(projectId)
      const target = join(folder, `${samplePrefix}${basename(samplePath)}`)
      const partial = temporaryPath(target)
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await copyFile(samplePath, partial)
        await rename(partial, target)
        await fsyncFolder(folder)
      } catch (error) {
        throw asDiskProblem(error, target)
      }
    },
  }
}
