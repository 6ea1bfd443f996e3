// What a person says of a run by a press: stars, pinned, archived. Saved at once, as the journal gives it back.
import type { CallInput } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import type { Result } from '#shared/result.ts'
import { api } from '../../api.ts'

export type Marks = Pick<CallInput<'experiments.edit'>, 'rating' | 'isPinned' | 'isArchived'>

export const markRun = (runId: string, marks: Marks): Promise<Result<ExperimentRow>> =>
  api.call('experiments.edit', { runId, ...marks })

const stars: Readonly<Record<string, number | null>> = { 0: null, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5 }

/** What a key in the table says of the run in its row; null for one that says nothing. */
export function marksOfKey(key: string, { isPinned, isArchived }: ExperimentRow): Marks | null {
  const rating = stars[key]
  if (rating !== undefined) return { rating }
  if (key === 'P') return { isPinned: !isPinned }
  return key === 'A' ? { isArchived: !isArchived } : null
}
