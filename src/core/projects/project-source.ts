// What training, advice and data need of a project: what it is about, its draft, and where its rows lie.
import type { JournalReader } from '#journal/reader.ts'
import type { ProjectDraft } from '#shared/contract/index.ts'
import type { JournalProject } from '#shared/journal-types.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { attemptAsync, type Problem, ProblemError, type Result, unwrap } from '#shared/result.ts'
import type { StageData } from '../data/stage-texts.ts'
import type { ProjectStore } from './project-store.ts'

export interface FilledProject {
  readonly project: JournalProject
  readonly draft: ProjectDraft
  /** Files with the same columns, in the order in which they are read. */
  readonly paths: readonly [string, ...string[]]
  /** Texts of the field for a first stage; null where there is no such file. */
  readonly before: StageData | null
}

export interface ProjectSource {
  /** `project.unknown`; `project.not-ready` where it has no data file yet. */
  sourceOf(projectId: string): Promise<Result<FilledProject>>
}

export function createProjectSource(
  reader: Pick<JournalReader, 'project'>,
  store: Pick<ProjectStore, 'readDraft' | 'dataPaths' | 'beforePath'>,
): ProjectSource {
  return {
    sourceOf: (projectId) =>
      attemptAsync(async () => {
        const project = unwrap(reader.project(projectId))
        const [first, ...others] = await store.dataPaths(projectId)
        if (first === undefined) throw new ProblemError(noFile())
        const draft = store.readDraft(projectId)
        return { project, draft, paths: [first, ...others], before: await stageDataOf(store, projectId) }
      }),
  }
}

/** The texts for a first stage and what the draft says of them; null where there are none. */
export async function stageDataOf(
  store: Pick<ProjectStore, 'readDraft' | 'beforePath'>,
  projectId: string,
): Promise<StageData | null> {
  const path = await store.beforePath(projectId)
  const { beforeColumn } = store.readDraft(projectId)
  return path === null ? null : { path, columns: beforeColumn === null ? null : { text: beforeColumn } }
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
