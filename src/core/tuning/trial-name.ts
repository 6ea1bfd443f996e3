// What the run of a trial is called when it is made; a person may name it anew. Pure.
import type { StudyTrial } from '#shared/study.ts'

const confirmedWords = { preset: 'plan', winner: 'best settings' } as const

/** Runs that confirm what was found are counted by themselves: "confirming run 2 (plan)". */
export function nameOfTrial(
  study: string,
  { number, purpose }: Pick<StudyTrial, 'number' | 'purpose'>,
  earlier: readonly Pick<StudyTrial, 'purpose'>[],
): string {
  const start = study.slice(0, 400)
  if (purpose === 'search') return `${start}, trial ${number + 1}`
  const before = earlier.filter((trial) => trial.purpose !== 'search').length
  return `${start}, confirming run ${before + 1} (${confirmedWords[purpose]})`
}
