// What the rules find in a run's curve (diagnosis-rules.ts, unrest.ts) before it has words (diagnosis-sentences.ts).
import type { Recipe } from '#shared/recipe.ts'

export interface DiagnosedPlan {
  /** Of what is looked at. */
  readonly totalSteps: number
  /** Steps of a first stage, which are not looked at: what is told of a step counts them. 0 without. */
  readonly firstStep: number
  readonly recipe: Pick<Recipe, 'optimizer' | 'schedule' | 'evaluation'>
  /** How many labels there are; null where answers are free text. */
  readonly labels: number | null
  readonly validationRows: number
}

interface Findings {
  'too-early': object
  /** `isSeen`: only training rows are known, because no rows are held back for watching. `isFalling`: also of late. */
  'still-learning': { from: number; to: number; isSeen: boolean; isFalling: boolean }
  /** `chance`: the loss of guessing among the labels, where `to` is above it. */
  converged: { from: number; to: number; isSeen: boolean; chance: number | null }
  memorising: { best: number; now: number; trainFrom: number; trainTo: number }
  'rate-too-low': { from: number; to: number }
  /** "dead" compares gradient norms, the others losses. */
  'rate-too-high': { how: 'worse' | 'thrown' | 'rose' | 'dead'; from: number; to: number; loss: number }
  unstable: { isSpiky: boolean; spikes: number; highest: number }
  'stopped-early': { best: number }
  diverged: object
}
export type FindingKind = keyof Findings
/** Exactly one of these stands at a time. */
export type MainKind = Exclude<FindingKind, 'unstable' | 'stopped-early' | 'diverged'>
/** What a rule found: since which step, and the numbers that show it. */
export type Finding<K extends FindingKind = FindingKind> = {
  [Each in K]: { readonly kind: Each; readonly step: number } & Readonly<Findings[Each]>
}[K]
