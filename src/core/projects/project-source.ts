// What training and advice need of a project: its draft and where its rows lie.
import type { ProjectDraft } from '#shared/contract/index.ts'
import type { JournalProject } from '#shared/journal-types.ts'
import type { Result } from '#shared/result.ts'

export interface ProjectSource {
  /** `project.unknown`; `project.not-ready` where it has no data file yet. */
  sourceOf(projectId: string): Promise<
    Result<{
      readonly project: JournalProject
      readonly draft: ProjectDraft
      readonly dataPath: string
      /** Further files with the same columns, read after it. */
      readonly morePaths: readonly string[]
    }>
  >
}
