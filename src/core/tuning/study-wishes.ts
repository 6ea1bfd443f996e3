// What a search would be where a person left the choice to the program: ranges, sampler, limits and how losses are measured,
// by how hard it is to search. Pure.
import type { z } from 'zod'
import type { SearchEffort, studyCalls } from '#shared/contract/studies.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import { type Pruning, pruning as pruningSchema, type StudyBudget, studyBudget } from '#shared/study.ts'
import { nextTimeMs } from './study-schedule.ts'

/** As it comes out of the contract, defaults filled in. */
export type StudyWishes = Omit<
  z.output<(typeof studyCalls)['studies.plan']['input']>,
  'projectId' | 'preset' | 'changes'
>

const morningMinute = 7 * 60
/** A night that is nearly over is no night. */
const leastNightMs = 2 * 60 * 60 * 1000

/** Small models take seconds for a trial: more than so many in one night tell nothing new. */
const mostAtNight = 300

export function proposedBudget(effort: SearchEffort, nowMs: number): StudyBudget {
  if (effort === 'short') return studyBudget.parse({ trials: 12 })
  if (effort === 'thorough') return studyBudget.parse({ trials: 100 })
  const morningMs = nextTimeMs(morningMinute, nowMs)
  const untilMs = morningMs - nowMs < leastNightMs ? nextTimeMs(morningMinute, morningMs + 1) : morningMs
  return studyBudget.parse({ trials: mostAtNight, untilMs })
}

export const proposedSeeds = (effort: SearchEffort): number => (effort === 'thorough' ? 5 : 3)

/** Trials at random before anything is modelled. */
export const startupTrialsOf = (effort: SearchEffort): number => (effort === 'short' ? 6 : 10)

export const pruningOf = (isPruned: boolean): Pruning | null => (isPruned ? pruningSchema.parse({}) : null)

/** Besides the rungs a trial is measured here: its best version may lie before its end. */
const laterShares = [2 / 3, 1]
/** More validation rows make a measurement longer and the loss hardly surer. */
const enoughRows = 500

/**
 * How each trial is measured: at the same shares of its steps, on the same rows. No trial stops by itself, because it is
 * given up where others are better.
 */
export function measuredAlike(
  draft: RecipeDraft,
  pruning: Pruning | null,
  validationRows: number,
): RecipeDraft {
  const { mostRows } = draft.evaluation
  return {
    ...draft,
    evaluation: {
      ...draft.evaluation,
      everySteps: null,
      atShares: [...(pruning?.rungs ?? [1 / 3]), ...laterShares],
      mostRows: mostRows ?? (validationRows > enoughRows ? enoughRows : null),
      patience: null,
    },
    // The newest may lie ahead of what the journal holds after a kill: then the one before it is gone on from.
    checkpoints: { ...draft.checkpoints, keepLast: 2 },
  }
}
