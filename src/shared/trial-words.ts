// What a trial of a search is for, in the same words on the screens and in the terminal. Pure.
import type { StudyTrial, TrialPurpose } from './study.ts'

/** With the place of its seed: of trials of the search all have the same one. */
export const trialPurposeWords = {
  search: 'search',
  preset: 'confirms the plan, seed {seed}',
  winner: 'confirms the best trial, seed {seed}',
} as const satisfies Readonly<Record<TrialPurpose, string>>

export const trialPurposeText = ({ purpose, seed }: Pick<StudyTrial, 'purpose' | 'seed'>): string =>
  trialPurposeWords[purpose].replace('{seed}', String(seed))

/** Why a trial of another journal has no loss that counts. */
export const distrustWords = {
  damaged: 'An event of its run is damaged in that journal, so its loss cannot be trusted.',
  untrue: 'Its loss in that journal is not what its run measured, so it does not count.',
} as const

const distrusted: ReadonlySet<string> = new Set(Object.values(distrustWords))
export const isDistrusted = ({ reason }: Pick<StudyTrial, 'reason'>): boolean =>
  reason !== null && distrusted.has(reason)

/** Of a search whose trials could not all be taken at their word: what is told of it may be other than what was found. */
export const leftOutWords = {
  one: '1 trial cannot be trusted and is left out',
  many: '{count} trials cannot be trusted and are left out',
} as const
export const leftOutText = (count: number): string =>
  (count === 1 ? leftOutWords.one : leftOutWords.many).replace('{count}', String(count))

/** Of what the loss is that a search is told by. */
const lossOfWords = { mean: 'mean of {seeds} seeds', trial: 'one trial' } as const

/** The same, with the loss. */
export const bestLossWords = {
  of: lossOfWords,
  mean: `loss {loss}, ${lossOfWords.mean}`,
  trial: `lowest loss {loss}, ${lossOfWords.trial}`,
} as const

interface BestLoss {
  readonly lossNats: number
  readonly mean: { readonly lossNats: number; readonly seeds: number } | null
}

/**
 * The loss that a search is told by wherever it stands: the mean of its best settings over other seeds once they are
 * enough, else that of the one trial, which is the lowest of many by luck too.
 */
export const toldLoss = ({ lossNats, mean }: BestLoss) =>
  mean === null
    ? ({ kind: 'trial', lossNats, seeds: 1 } as const)
    : ({ kind: 'mean', lossNats: mean.lossNats, seeds: mean.seeds } as const)
