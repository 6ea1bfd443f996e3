// A study as it is read, from the journal alone: the same while it is at work and years later, without its model.
import type { JournalReader } from '#journal/reader.ts'
import { type StudyCard, type StudyView, tradeOffs } from '#shared/contract/studies.ts'
import { unwrap } from '#shared/result.ts'
import {
  fewestSeeds,
  type JournalStudy,
  type LivingStudy,
  livingStudies,
  type StudyTrial,
} from '#shared/study.ts'
import { isDistrusted } from '#shared/trial-words.ts'
import { type BegunReader, trialsNow } from './begun-trials.ts'
import { bestTrial } from './best-trial.ts'
import { type ImportanceFor, isWorkedOut } from './kept-importance.ts'
import { rangeEndsOf } from './range-ends.ts'
import { type ReuseTimes, savedWorkOf } from './saved-work.ts'
import { frontOf, seedNoiseOf } from './search/index.ts'
import { confirmingRuns, type StudyProgress, workedMsOf } from './study-budget.ts'
import { confirmedLosses, verdictOf } from './study-verdict.ts'
import { baseSettings } from './trial-recipe.ts'

/** What only a program that works on it knows. */
export interface LivingFacts extends StudyProgress {
  readonly waiting: string | null
  /** Of another journal: how it stood when that was last written. */
  readonly stood?: LivingStudy | null
}

/** `trials`: as they stand now (`trialsNow`), so that the time at work of one under way counts too. */
export function cardOf(
  { spec, ...study }: JournalStudy,
  trials: readonly StudyTrial[],
  living: LivingFacts,
): StudyCard {
  const countOf = (status: StudyTrial['status']): number =>
    trials.filter((trial) => trial.purpose === 'search' && trial.status === status).length
  const best = bestTrial(trials)
  return {
    ...study,
    workedMs:
      study.workedMs +
      workedMsOf(
        spec,
        trials.filter(({ status }) => status === 'planned'),
      ),
    sampler: spec.sampler,
    budget: spec.budget,
    trials: {
      complete: countOf('complete'),
      pruned: countOf('pruned'),
      skipped: countOf('skipped'),
      failed: countOf('failed'),
      stopped: countOf('stopped'),
      planned: countOf('planned'),
    },
    confirming: trials.filter(({ purpose, status }) => purpose !== 'search' && status !== 'planned').length,
    confirmingPlanned: confirmingRuns(spec),
    leftOut: trials.filter(isDistrusted).length,
    best:
      best === null || best.lossNats === null
        ? null
        : {
            number: best.number,
            lossNats: best.lossNats,
            settings: best.settings,
            mean: meanOf(confirmedLosses(trials, 'winner')),
          },
    stood: living.stood ?? null,
    waiting: living.waiting,
    timeLeftMs: living.timeLeftMs,
    doneShare: living.doneShare,
  }
}

/** Of fewer seeds than can be compared there is none. */
const meanOf = (losses: readonly number[]): { lossNats: number; seeds: number } | null =>
  losses.length < fewestSeeds
    ? null
    : { lossNats: losses.reduce((sum, loss) => sum + loss, 0) / losses.length, seeds: losses.length }

/** Throws ProblemError where the journal cannot be read. */
export function viewOf(
  reader: BegunReader & Pick<JournalReader, 'eventsOfKind'>,
  study: JournalStudy,
  living: LivingFacts,
  importanceFor: ImportanceFor,
): StudyView {
  const { spec } = study
  const trials = trialsNow(reader, study.id)
  const search = trials.filter(({ purpose }) => purpose === 'search')
  const ended = trials.filter(({ status }) => status !== 'planned')
  const importance = importanceFor({
    ...{ studyId: study.id, key: study.id, state: `${ended.length}` },
    request: {
      space: spec.space,
      observations: search,
      seedNoise: seedNoiseOf([confirmedLosses(trials, 'preset'), confirmedLosses(trials, 'winner')]),
      seed: spec.seed,
    },
  })
  return {
    study: cardOf(study, trials, living),
    space: spec.space,
    pruning: spec.pruning,
    rangeEnds:
      livingStudies.includes(study.status) || !isWorkedOut(importance)
        ? []
        : rangeEndsOf(spec.space, search, importance.settings),
    baseSettings: baseSettings(spec),
    trials,
    best: bestOverTime(search),
    importance,
    fronts: frontsOf(search),
    saved: savedWorkOf(ended, reuseOf(reader, ended)),
    verdict: verdictOf({ ...study, stood: living.stood ?? null }, trials),
    adoptable: adoptableOf(study, trials),
  }
}

/** Which trial is worth taking over; null where there is none. */
export const adoptableOf = (study: JournalStudy, trials: readonly StudyTrial[]): number | null =>
  verdictOf(study, trials).kind === 'worse' ? null : (bestTrial(trials)?.number ?? null)

function bestOverTime(search: readonly StudyTrial[]): StudyView['best'] {
  const ended = search
    .filter(({ status, endedAtMs }) => status === 'complete' && endedAtMs !== null)
    .sort((a, b) => (a.endedAtMs ?? 0) - (b.endedAtMs ?? 0) || a.number - b.number)
  const best: StudyView['best'] = []
  for (const { number, endedAtMs, lossNats } of ended) {
    const lowest = best.at(-1)?.lossNats ?? Number.POSITIVE_INFINITY
    if (lossNats !== null && lossNats < lowest) best.push({ number, atMs: endedAtMs ?? 0, lossNats })
  }
  return best
}

const costOf: Readonly<Record<(typeof tradeOffs)[number], (trial: StudyTrial) => number | null>> = {
  time: ({ work }) => work?.durationMs ?? null,
  /** In a process that an earlier trial used the peak can be that one's, so it is nobody's figure. */
  memory: ({ work }) => (work?.isModelReused === false ? work.peakResidentBytes : null),
  size: ({ work }) => work?.tunedBytes ?? null,
}

function frontsOf(search: readonly StudyTrial[]): StudyView['fronts'] {
  return tradeOffs.map((against) => ({
    against,
    trials: frontOf(
      search.flatMap((trial) => {
        const cost = costOf[against](trial)
        const { number, lossNats, status } = trial
        return status === 'complete' && lossNats !== null && cost !== null ? [{ number, lossNats, cost }] : []
      }),
    ),
  }))
}

function reuseOf(reader: Pick<JournalReader, 'eventsOfKind'>, trials: readonly StudyTrial[]): ReuseTimes[] {
  return trials.flatMap(({ number, runId, work }) => {
    if (runId === null || work === null) return []
    const bodies = unwrap(reader.eventsOfKind(runId, 'reused', 100)).map(
      ({ body }) => (body ?? {}) as Readonly<Record<string, unknown>>,
    )
    if (bodies.length === 0) return []
    const sum = (name: string): number =>
      bodies.reduce((total, body) => total + (typeof body[name] === 'number' ? body[name] : 0), 0)
    return [
      {
        number,
        isModelReused: work.isModelReused,
        preparingMs: sum('preparingMs'),
        frozenRowsReused: work.frozenRowsReused,
        frozenRowsComputed: work.frozenRowsComputed,
        frozenMs: sum('frozenMs'),
      },
    ]
  })
}
