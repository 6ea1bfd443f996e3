// What the search that a run is a trial of says about it: whether it still goes on with it, and how it gave it up. Reads only.
import type { JournalReader } from '#journal/reader.ts'
import type { Diagnosis } from '#shared/contract/index.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import { formatLoss } from '#shared/loss-words.ts'
import type { Problem } from '#shared/result.ts'
import { livingStudies, type StudyTrial, type TrialStatus } from '#shared/study.ts'
import { launchable } from './run-service.ts'

export type SearchReader = Pick<JournalReader, 'study' | 'trials'>

/** The search, not at its end yet, that a run is a trial of; null for any other run. */
export function livingSearchOf(
  reader: Pick<SearchReader, 'study'>,
  { trial }: Pick<RunDetail, 'trial'>,
): string | null {
  if (trial === null) return null
  const study = reader.study(trial.studyId)
  return study.ok && livingStudies.includes(study.value.status) ? trial.studyId : null
}

/** Why a run of a search that lives is not continued by hand; null where it may be. */
export function heldBySearch(reader: SearchReader, run: RunDetail): Problem | null {
  if (livingSearchOf(reader, run) === null) return null
  return (
    overInSearch(reader, run) ?? {
      code: 'run.active',
      message: 'It goes on with its search, of which it is a trial.',
      where: `run ${run.id}`,
      remedy: 'Go on with the search, or stop that first.',
    }
  )
}

const overWords: Readonly<Record<Exclude<TrialStatus, 'planned'>, string>> = {
  complete: 'This trial came to its end',
  pruned: 'This trial was given up early by its search',
  skipped: 'This trial was left out by its search, for it would not fit',
  failed: 'This trial failed',
  stopped: 'This trial was stopped',
}

/** Of a trial that is at its end while its search goes on: what happened, and what can be done. Null for any other run. */
export function overInSearch(reader: SearchReader, run: RunDetail): Problem | null {
  const status = trialOf(run, reader)?.status ?? 'planned'
  const studyId = livingSearchOf(reader, run)
  if (status === 'planned' || studyId === null) return null
  return {
    code: 'run.not-resumable',
    message: `${overWords[status]}; its search goes on with other trials.`,
    where: `run ${run.id}`,
    remedy: `To train with its settings once more: tunewright runs retry ${run.id}. To end the search: tunewright studies stop ${studyId}.`,
  }
}

/** The search that a run at rest goes on with by itself: its trial is not at its end there. Null for any other run. */
export function goesOnWith(reader: SearchReader, run: RunDetail): string | null {
  const isToCome = launchable.includes(run.status) && trialOf(run, reader)?.status === 'planned'
  return isToCome ? livingSearchOf(reader, run) : null
}

/** Of a run that its search gave up: the one thing to say. The search may be missing, as in a bundle of single runs. */
export function givenUp(run: RunDetail, reader: SearchReader): Diagnosis {
  const trial = trialOf(run, reader)
  const last = trial?.rungLosses.at(-1)
  const share = last?.share ?? (run.lastStep ?? 0) / (run.totalSteps ?? Number.POSITIVE_INFINITY)
  return {
    kind: 'given-up',
    severity: 'note',
    step: run.lastStep ?? 0,
    sentence: `Given up early${share > 0 ? ` after ${Math.round(100 * share)} % of its steps` : ''}: ${
      last === undefined
        ? 'others were better by then.'
        : `its loss of ${formatLoss(last.lossNats)} was not among the best ${bestPart(run, reader)} of the trials then.`
    }`,
    reason: 'That is part of the search (pruning); there is nothing to mend.',
    help: '',
  }
}

function trialOf({ trial }: RunDetail, reader: SearchReader): StudyTrial | undefined {
  const trials = trial === null ? null : reader.trials(trial.studyId)
  return trials?.ok ? trials.value.find(({ number }) => number === trial?.number) : undefined
}

/** "third", or "25 %". */
function bestPart({ trial }: RunDetail, reader: SearchReader): string {
  const study = trial === null ? null : reader.study(trial.studyId)
  const reduction = study?.ok ? study.value.spec.pruning?.reduction : undefined
  return reduction === undefined || reduction === 3 ? 'third' : `${Math.round(100 / reduction)} %`
}
