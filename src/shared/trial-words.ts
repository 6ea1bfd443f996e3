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
