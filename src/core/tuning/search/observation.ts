// What the search knows of a trial, and what it is asked. Only values: no journal, no clock.
import type { Dimension, PriorTrial, SamplerKind, StudiedSettings, TrialStatus } from '#shared/study.ts'

export interface Observation {
  readonly number: number
  readonly settings: StudiedSettings
  /** Null where the trial has not ended or came to no loss. */
  readonly lossNats: number | null
  /** `planned` ones count as bad until they end (constant liar), `failed`, `stopped` and `skipped` ones for good. */
  readonly status: TrialStatus
  /** Share of its steps that it reached. */
  readonly lastShare: number
}

export interface SuggestRequest {
  readonly space: readonly Dimension[]
  readonly sampler: SamplerKind
  readonly seed: number
  /** Of the trial that is asked for, from 0. */
  readonly number: number
  /** Results that TPE waits for; priors count. */
  readonly startupTrials: number
  /** Every trial of the search so far, in any order. */
  readonly history: readonly Observation[]
  readonly priors: readonly Pick<PriorTrial, 'settings' | 'lossNats'>[]
  /** Trials that the study's budget allows; the grid's fineness goes by it. Null or left out where not known. */
  readonly trials?: number | null
}
