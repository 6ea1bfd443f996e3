// Which trial the journal names as the winner of its search, when that ends or is taken over: its best one, and only where
// it was confirmed. Pure.
import type { JournalStudy, StudyTrial } from '#shared/study.ts'
import { bestTrial } from './best-trial.ts'
import { verdictOf } from './study-verdict.ts'

type SearchedStudy = Pick<JournalStudy, 'id' | 'status' | 'spec' | 'reason' | 'schedule'>

interface WinnerLink {
  readonly runId: string
  readonly kind: 'winner-of'
  readonly parent: string
}

/** Null where nothing is better than the plan beyond what seeds change, or where it is not known. */
export function winnerLink(study: SearchedStudy, trials: readonly StudyTrial[]): WinnerLink | null {
  const runId = bestTrial(trials)?.runId ?? null
  const { kind } = verdictOf(study, trials)
  return kind === 'better' && runId !== null ? { runId, kind: 'winner-of', parent: study.id } : null
}
