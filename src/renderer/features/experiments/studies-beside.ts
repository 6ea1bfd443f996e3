// Which searches stand beside the runs of a view: those that what was asked for says something about. Pure.
import type { StudyCard } from '#shared/contract/studies.ts'
import type { ExperimentView } from './experiment-view.ts'

/** The newest first; none where a filter asks for what only a run has. */
export function studiesBeside(
  studies: readonly StudyCard[],
  { filters, text }: Pick<ExperimentView, 'filters' | 'text'>,
): readonly StudyCard[] {
  const { project, ...ofRuns } = filters
  if (Object.keys(ofRuns).length > 0) return []
  const wanted = text.trim().toLowerCase()
  return studies
    .filter(({ projectId }) => project === undefined || projectId === project)
    .filter(({ name, notes }) => `${name} ${notes}`.toLowerCase().includes(wanted))
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs)
}
