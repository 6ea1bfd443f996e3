// Which of the steps' answers are shown: the newest until a person goes back to earlier ones.
import type { SampleAnswers } from '#shared/contract/training.ts'

type Answer = SampleAnswers['answers'][number]

export interface ShownSamples {
  readonly step: number
  /** Each with what the model said to the same row before it learnt; null at that step itself. */
  readonly answers: readonly (Answer & { readonly before: Answer | null })[]
  /** Steps to go to; null at the ends. */
  readonly earlier: number | null
  readonly later: number | null
}

/** Of a run that is over: its last check, where no answers were written at it; else null. */
export function unansweredCheck(
  samples: readonly SampleAnswers[],
  checks: readonly { readonly step: number }[],
): number | null {
  const [answered, checked] = [samples.at(-1)?.step, checks.at(-1)?.step]
  return answered !== undefined && checked !== undefined && checked > answered ? checked : null
}

/** `pinned`: the step that a person looks at; null follows the newest. */
export function shownSamples(samples: readonly SampleAnswers[], pinned: number | null): ShownSamples | null {
  const at = samples.findIndex(({ step }) => step === pinned)
  const index = at < 0 ? samples.length - 1 : at
  const shown = samples[index]
  if (shown === undefined) return null
  const base = samples.find(({ step }) => step === 0)?.answers ?? []
  const beforeOf = ({ rowId }: Answer): Answer | null =>
    shown.step === 0 ? null : (base.find((answer) => answer.rowId === rowId) ?? null)
  return {
    step: shown.step,
    answers: shown.answers.map((answer) => ({ ...answer, before: beforeOf(answer) })),
    earlier: samples[index - 1]?.step ?? null,
    later: samples[index + 1]?.step ?? null,
  }
}
