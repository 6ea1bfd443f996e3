// What a search will do and cost, in plain sentences with the exact terms beside them. Pure.
import type { PlanOption } from '#shared/contract/index.ts'
import type { StudyPlan } from '#shared/contract/studies.ts'
import type { SearchSpace } from '#shared/study.ts'
import { formatBytes, formatDuration } from '#shared/units.ts'
import { confirmingRuns } from './study-budget.ts'
import { type StudyShape, workSeconds } from './study-estimate.ts'
import { hoursSentences, minutesADay, timeText } from './study-schedule.ts'

interface ToldPlan extends Omit<StudyPlan, 'sentences' | 'dimensions' | 'effort'>, StudyShape {
  readonly space: SearchSpace
  readonly base: PlanOption
  /** The largest of all that may be tried; null where not known. */
  readonly largest: PlanOption | null
}

export function studySentences(plan: ToldPlan): string[] {
  if (plan.blocking !== null) return []
  return [
    searchedSentence(plan),
    samplerSentence(plan),
    ...pruningSentences(plan),
    budgetSentence(plan),
    ...wholeSentences(plan),
    ...hoursSentences(plan.schedule),
    confirmSentence(plan),
    'Trials are compared by the loss on validation rows. The locked rows of the proof are never read.',
    ...priorSentences(plan),
    ...parallelSentences(plan),
    ...memorySentences(plan),
  ]
}

function searchedSentence({ space, trials }: ToldPlan): string {
  const count = trials === null ? 'settings' : `${rangeText(trials)} settings`
  return `It tries ${count}, each a run of its own on the same rows and with the same seed, and changes ${space.length === 1 ? 'one setting' : `${space.length} settings`} of the plan.`
}

const rangeText = ({ low, high }: { low: number; high: number }): string =>
  low === high ? `${low}` : `about ${low} to ${high}`

function samplerSentence({ sampler }: ToldPlan): string {
  switch (sampler) {
    case 'tpe':
      return 'The first ones are spread evenly over the ranges; each later one is drawn where the results so far promise most (TPE).'
    case 'grid':
      return 'It goes through a grid over the ranges.'
    case 'random':
      return 'Each is drawn at random.'
    case 'quasi-random':
      return 'They are spread evenly over the ranges (quasi-random).'
  }
}

function pruningSentences({ pruning }: ToldPlan): string[] {
  if (pruning === null) return ['Every trial goes to its end.']
  const shares = pruning.rungs.map((share) => `${Math.round(100 * share)} %`).join(' and ')
  const part = pruning.reduction === 3 ? 'third' : `${Math.round(100 / pruning.reduction)} %`
  return [
    `Trials are compared after ${shares} of their steps. Those that are not among the best ${part} by then are given up (ASHA), so that most of the time goes to what promises something.`,
  ]
}

function budgetSentence({ budget, trialSeconds, nowMs, base }: ToldPlan): string {
  const each =
    trialSeconds === null
      ? ''
      : ` A trial that goes to its end takes about ${aboutRange(trialSeconds)}${base.estimate.basis === 'guess' ? ', which is a guess' : ''}.`
  const ends = [
    budget.trials === null ? null : `after ${budget.trials} trials`,
    budget.workMs === null ? null : `after ${formatDuration(budget.workMs)} of work`,
    budget.untilMs === null ? null : `at ${timeText(budget.untilMs)}${dayText(budget.untilMs, nowMs)}`,
  ].filter((end) => end !== null)
  return `It ends ${ends.join(' or ')}${ends.length > 1 ? ', whichever comes first' : ''}.${each}`
}

/** How long all of it takes: the one figure by which an effort is chosen. */
function wholeSentences(plan: ToldPlan): string[] {
  const work = workSeconds(plan)
  if (work === null) return []
  const runs = confirmingRuns(plan)
  const confirming = runs === 0 ? '' : `, with the ${runs} runs at the end`
  return [`In all it is at work for about ${aboutRange(work)}${confirming}${daysText(plan, work)}.`]
}

/** Nothing where it may work at any time, or comes to its end within one day's hours. */
function daysText({ schedule }: ToldPlan, { low, high }: { low: number; high: number }): string {
  const minutes = minutesADay(schedule)
  if (minutes === 24 * 60) return ''
  const [least, most] = [low, high].map((seconds) => Math.max(1, Math.ceil(seconds / 60 / minutes)))
  if (most === 1) return ''
  const days = least === most ? `${most}` : `${least} to ${most}`
  return `: ${days} days with ${aboutText(60 * minutes)} each`
}

/** "12 min to 3.5 h"; one time where both are told alike. */
function aboutRange({ low, high }: { low: number; high: number }): string {
  const [least, most] = [aboutText(low), aboutText(high)]
  return least === most ? most : `${least} to ${most}`
}

/** "40 s", "12 min", "3.5 h". */
function aboutText(seconds: number): string {
  if (seconds < 1.5) return 'a second'
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  const hours = seconds / 3600
  return `${Number(hours.toFixed(hours < 10 ? 1 : 0))} h`
}

function dayText(atMs: number, nowMs: number): string {
  const days = Math.round((startOfDay(atMs) - startOfDay(nowMs)) / 86_400_000)
  if (days === 0) return ' today'
  return days === 1 ? ' tomorrow' : ` in ${days} days`
}

const startOfDay = (atMs: number): number => new Date(atMs).setHours(0, 0, 0, 0)

function confirmSentence({ confirmSeeds }: ToldPlan): string {
  if (confirmingRuns({ confirmSeeds }) === 0)
    return 'The best trial is not computed again with other seeds, so that nobody can say whether it is better than the plan by luck.'
  return `At the end the plan as it is and the best settings are each trained with ${confirmSeeds} other seeds. Only what is better beyond the difference between seeds is called better.`
}

const priorSentences = ({ priors }: ToldPlan): string[] =>
  priors === 0
    ? []
    : [
        `It begins from ${priors} earlier ${priors === 1 ? 'result' : 'results'} of this project with the same rows and otherwise the same settings.`,
      ]

const parallelSentences = ({ parallel }: ToldPlan): string[] =>
  parallel === 1 ? [] : [`${parallel} trials run at the same time, one on each graphics card.`]

function memorySentences({ base, largest }: ToldPlan): string[] {
  if (largest === null) return []
  if (largest.blocking !== null)
    return [
      `Some of the settings would take more memory than this computer has: such trials are known beforehand, and skipped. The plan as it is takes about ${formatBytes(base.estimate.memoryBytes)}.`,
    ]
  const most = Math.max(base.estimate.memoryBytes, largest.estimate.memoryBytes)
  return most === base.estimate.memoryBytes
    ? []
    : [`The largest of its trials takes about ${formatBytes(most)} of memory.`]
}
