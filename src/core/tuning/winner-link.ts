// Which link a search leaves in the journal when it ends: its best trial is named the winner only where it was confirmed. Pure.
import type { JournalStudy, StudyTrial } from '#shared/study.ts'
import { bestTrial } from './best-trial.ts'
import { verdictOf } from './study-verdict.ts'

type EndingStudy = Pick<JournalStudy, 'id' | 'spec' | 'reason' | 'schedule'>

interface WinnerLink {
  readonly runId: string
  readonly kind: 'winner-of'
  readonly parent: string
}

/** Null where nothing is better than the plan beyond what seeds change, or where it is not known. */
export function winnerLink(study: EndingStudy, trials: readonly StudyTrial[]): WinnerLink | null {
  const runId = bestTrial(trials)?.runId ?? null
  const { kind } = verdictOf({ ...study, status: 'finished' }, trials)
  return kind === 'better' && runId !== null ? { runId, kind: 'winner-of', parent: study.id } : null
}
