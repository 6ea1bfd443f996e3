// What a search will do and cost, in plain sentences with the exact terms beside them. Pure.
import type { PlanOption } from '#shared/contract/index.ts'
import type { StudyPlan } from '#shared/contract/studies.ts'
import { fewestSeeds, type Pruning, type SearchSpace } from '#shared/study.ts'
import { formatBytes, formatDuration, roundAbout } from '#shared/units.ts'
import { confirmingRuns, keptForConfirming } from './study-budget.ts'
import { budgetSeconds, type StudyShape, workSeconds } from './study-estimate.ts'
import { hoursSentences, minutesADay, timeText } from './study-schedule.ts'

interface ToldPlan
  extends Omit<StudyPlan, 'sentences' | 'dimensions' | 'effort' | 'workSeconds'>,
    StudyShape {
  readonly space: SearchSpace
  readonly base: PlanOption
  /** Points that the ranges have; null where nobody can count them. */
  readonly points: number | null
  /** Results that the sampler knows before it goes by them. */
  readonly startupTrials: number
  /** Graphics cards that trials can take one of each, or 1. */
  readonly cards: number
  /** The largest of all that may be tried; null where not known. */
  readonly largest: PlanOption | null
}

export function studySentences(plan: ToldPlan): string[] {
  if (plan.blocking !== null) return []
  return [
    searchedSentence(plan),
    samplerSentence(plan),
    pruningSentence(plan.pruning, plan.trials?.high),
    budgetSentence(plan),
    ...wholeSentences(plan),
    ...hoursSentences(plan.schedule),
    ...confirmSentences(plan),
    'Trials are compared by the loss on validation rows. The locked rows of the proof are never read.',
    ...priorSentences(plan),
    ...parallelSentences(plan),
    ...memorySentences(plan),
  ]
}

function searchedSentence({ space, trials, sampler, points, budget }: ToldPlan): string {
  const count = trials === null ? 'as many trials as fit into its time' : trialsText(trials)
  const changed = space.length === 1 ? 'one setting' : `${space.length} settings`
  const of = sampler === 'grid' ? 'grid has' : 'ranges have'
  const all =
    points !== null && points === budget.trials ? ` The ${of} ${countText(points, 'point')} in all.` : ''
  return `It makes ${count}.${all} Each trial is a training run of its own with other values for ${changed} of the plan, on the same rows and from the same random start (seed).`
}

const trialsText = ({ low, high }: { low: number; high: number }): string =>
  low === high ? countText(low, 'trial') : `about ${low} to ${high} trials`

const countText = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`

function samplerSentence({ sampler, priors, startupTrials }: ToldPlan): string {
  const even = Math.max(0, startupTrials - priors)
  switch (sampler) {
    case 'tpe':
      return even === 0
        ? 'Each trial takes values near those that did well in earlier results and in the trials so far (TPE).'
        : `The first ${even === 1 ? 'trial lies' : `${even} trials lie`} spread evenly over the ranges; each later one takes values near those that did well so far (TPE).`
    case 'grid':
      return 'A few values of each range are tried in every combination (grid).'
    case 'random':
      return 'Each takes its values by chance (random).'
    case 'quasi-random':
      return 'They are spread evenly over the ranges (quasi-random).'
  }
}

/** How trials are given up, and from which on. `trials`: most that there are; null where that is not known. */
export function pruningSentence(pruning: Pruning | null, trials: number | null = null): string {
  if (pruning === null) return 'Every trial goes to its end.'
  const { rungs, reduction, startupTrials } = pruning
  if (trials !== null && trials <= startupTrials)
    return `Every trial goes to its end: giving up early (pruning, ASHA) begins only after ${startupTrials} trials, which are there to compare with.`
  const shares = rungs.map((share) => `${Math.round(100 * share)} %`).join(' and ')
  const part = reduction === 3 ? 'third' : `${Math.round(100 / reduction)} %`
  return `Trials are compared after ${shares} of their steps. Those that are not among the best ${part} by then are given up early (pruning, ASHA), so that most of the time goes to what promises something. The first ${startupTrials} trials are never given up: there is too little to compare them with.`
}

function budgetSentence({ budget, trialSeconds, nowMs, base }: ToldPlan): string {
  const each =
    trialSeconds === null
      ? ''
      : ` A trial that goes to its end takes ${aboutRange(trialSeconds)}${base.estimate.basis === 'guess' ? ', which is a guess' : ''}.`
  const ends = [
    budget.trials === null ? null : `after ${countText(budget.trials, 'trial')}`,
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
  const confirming = runs === 0 ? '' : `, with the ${runs} confirming runs at the end`
  return [`In all it is at work for ${aboutRange(work)}${confirming}${daysText(plan, work)}.`]
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

/** "about 12 min to 3.5 h"; one time where both are told alike. Rounded as on the screens beside it. */
function aboutRange({ low, high }: { low: number; high: number }): string {
  const [least, most] = [aboutText(low), aboutText(high)]
  if (low >= leastToldSeconds) return `about ${least === most ? most : `${least} to ${most}`}`
  return high < leastToldSeconds ? `less than ${leastToldSeconds} s` : `up to about ${most}`
}
/** No time is told as less: a product with many trials would not be what a reader reckons. */
const leastToldSeconds = 5

const units = { seconds: 's', minutes: 'min', hours: 'h' } as const
/** "40 s", "12 min", "3.5 h". */
function aboutText(seconds: number): string {
  const { count, unit } = roundAbout(1000 * seconds)
  return `${count} ${units[unit]}`
}

function dayText(atMs: number, nowMs: number): string {
  const days = Math.round((startOfDay(atMs) - startOfDay(nowMs)) / 86_400_000)
  if (days === 0) return ' today'
  return days === 1 ? ' tomorrow' : ` in ${days} days`
}

const startOfDay = (atMs: number): number => new Date(atMs).setHours(0, 0, 0, 0)

function confirmSentences(plan: ToldPlan): string[] {
  const { confirmSeeds } = plan
  const runs = confirmingRuns({ confirmSeeds })
  if (runs === 0)
    return [
      'The best settings are not trained again with other seeds. Nobody can say then whether they are better than the plan or were only lucky.',
    ]
  return [
    `At the end the plan as it is and the best settings are each trained with ${confirmSeeds} other seeds: ${runs} confirming runs. Only what is better by more than seeds change by chance is called better.`,
    ...confirmTimeSentences(plan),
  ]
}

/** Of a limit of time: what becomes of the confirming runs where it runs short. */
function confirmTimeSentences(plan: ToldPlan): string[] {
  const seconds = budgetSeconds(plan)
  if (seconds === null) return []
  const { confirmSeeds, parallel, trialSeconds } = plan
  const ms = { eachMs: 1000 * (trialSeconds?.high ?? 0), allMs: 1000 * seconds }
  if (trialSeconds === null || keptForConfirming({ confirmSeeds, parallel, ...ms }) > 0)
    return [
      confirmSeeds > fewestSeeds
        ? `Part of the time is kept for these runs. Where it runs short, fewer seeds are used, down to ${fewestSeeds}.`
        : 'Part of the time is kept for these runs. Where it runs short all the same, nothing is called better.',
    ]
  const rounds = 1 + Math.ceil(confirmingRuns({ confirmSeeds: fewestSeeds }) / parallel)
  return [
    `The time may be too short for these runs: then nobody can say whether the best settings are better than the plan or were only lucky. About ${aboutText(rounds * trialSeconds.high)} are enough for one trial and ${fewestSeeds} seeds.`,
  ]
}

const priorSentences = ({ priors }: ToldPlan): string[] =>
  priors === 0
    ? []
    : [
        `It begins from ${priors} earlier ${priors === 1 ? 'result' : 'results'} of this project with the same rows and otherwise the same settings.`,
      ]

/** Whatever the cards hold, each trial is a process that takes of the computer's own memory too. */
function parallelSentences({ parallel, cards, base, largest }: ToldPlan): string[] {
  const isKnown = largest !== null && largest.blocking === null
  const each = Math.max(base.estimate.memoryBytes, isKnown ? largest.estimate.memoryBytes : 0)
  const trials = parallel === 1 ? 'One trial runs at a time' : `${parallel} trials run at the same time`
  if (parallel < cards)
    return [
      `${trials}, although there are ${cards} graphics cards: each takes about ${formatBytes(each)} of this computer's own memory, and that is not enough for more.`,
    ]
  return parallel === 1
    ? []
    : [
        `${trials}, one on each graphics card. Together they take about ${formatBytes(parallel * each)} of this computer's own memory.`,
      ]
}

function memorySentences({ base, largest, parallel }: ToldPlan): string[] {
  if (largest === null) return []
  if (largest.blocking !== null) {
    const shared = parallel === 1 ? '' : ` for ${parallel} trials at the same time`
    return [
      `Some of the values would take more memory than this computer has${shared}: such trials are known beforehand and left out. The plan as it is takes about ${formatBytes(base.estimate.memoryBytes)}.`,
    ]
  }
  const most = Math.max(base.estimate.memoryBytes, largest.estimate.memoryBytes)
  return most === base.estimate.memoryBytes
    ? []
    : [`The largest of its trials takes about ${formatBytes(most)} of memory.`]
}
