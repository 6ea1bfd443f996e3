// What training, advice and data need of a project: what it is about, its draft, and where its rows lie.
import type { JournalReader } from '#journal/reader.ts'
import type { ProjectDraft } from '#shared/contract/index.ts'
import type { JournalProject } from '#shared/journal-types.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { attemptAsync, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { ProjectStore } from './project-store.ts'

export interface FilledProject {
  readonly project: JournalProject
  readonly draft: ProjectDraft
  /** Files with the same columns, in the order in which they are read. */
  readonly paths: readonly [string, ...string[]]
}

export interface ProjectSource {
  /** `project.unknown`; `project.not-ready` where it has no data file yet. */
  sourceOf(projectId: string): Promise<Result<FilledProject>>
}

export function createProjectSource(
  reader: Pick<JournalReader, 'project'>,
  store: Pick<ProjectStore, 'readDraft' | 'dataPaths'>,
): ProjectSource {
  return {
    sourceOf: (projectId) =>
      attemptAsync(async () => {
        const project = unwrap(reader.project(projectId))
        const [first, ...others] = await store.dataPaths(projectId)
        if (first === undefined) throw new ProblemError(noFile())
        return { project, draft: store.readDraft(projectId), paths: [first, ...others] }
      }),
  }
}

/** The rows and what the draft says of them, in the words of a recipe. */
export function dataOf({ draft, paths: [path, ...morePaths] }: FilledProject): RecipeDraft['data'] {
  const { columns, validationShare, testShare, splitSeed, fixes, groupColumn } = draft
  return { path, morePaths, columns, validationShare, testShare, splitSeed, fixes, groupColumn }
}

const noFile = (): Problem => ({
  code: 'project.not-ready',
  message: 'This project has no rows yet.',
  where: 'the step "Data"',
  remedy: 'Go back to the step "Data" and add a file, or take the sample.',
})
