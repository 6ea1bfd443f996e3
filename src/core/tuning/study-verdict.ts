// What a study found, said honestly: preset and winner over seeds that the search did not use, with an interval. Pure.
import type { StudyView } from '#shared/contract/studies.ts'
import { type JournalStudy, livingStudies, type StudyTrial } from '#shared/study.ts'
import { formatChange } from '#shared/units.ts'
import { bestTrial } from './decide-trial.ts'
import { compareSeeds } from './search/index.ts'

type Verdict = StudyView['verdict']

/** Losses of the runs that confirm, of those that came to their end. */
export function confirmedLosses(trials: readonly StudyTrial[], purpose: 'preset' | 'winner'): number[] {
  return trials.flatMap((trial) =>
    trial.purpose === purpose && trial.status === 'complete' && trial.lossNats !== null
      ? [trial.lossNats]
      : [],
  )
}

export function verdictOf(
  { status, spec, reason }: Pick<JournalStudy, 'status' | 'spec' | 'reason'>,
  trials: readonly StudyTrial[],
): Verdict {
  const best = bestTrial(trials)
  const isLiving = livingStudies.includes(status)
  if (best === null || best.lossNats === null)
    return isLiving
      ? plain('searching', 'The search is under way: no trial has come to its end yet.')
      : plain('nothing-found', 'Nothing was found: no trial came to its end.', reasonsOf(reason))
  const lowest = `Trial ${best.number + 1} has the lowest loss so far, ${best.lossNats.toFixed(4)} nats.`
  const [preset, winner] = [confirmedLosses(trials, 'preset'), confirmedLosses(trials, 'winner')]
  const isConfirming = isLiving && Math.min(preset.length, winner.length) < spec.confirmSeeds
  if (isConfirming) {
    const begun = trials.some(({ purpose }) => purpose !== 'search')
    return plain(
      'searching',
      begun
        ? 'The search is over; what it found is being computed again with other seeds.'
        : `The search is under way. ${lowest}`,
    )
  }
  const gain = compareSeeds(preset, winner)
  if (gain === null)
    return plain('not-confirmed', `${lowest} Whether it is better than the plan beyond luck is not known.`, [
      spec.confirmSeeds < 2
        ? 'The study was told not to compute it again with other seeds.'
        : 'The runs that would have shown it did not all come to their end.',
      ...reasonsOf(reason),
    ])
  const kind = gain.low > 0 ? 'better' : gain.high < 0 ? 'worse' : 'no-difference'
  return { kind, gain, sentence: sentenceOf(kind, gain), reasons: seedReasons(best, preset, winner) }
}

const plain = (
  kind: 'searching' | 'nothing-found' | 'not-confirmed',
  sentence: string,
  reasons: string[] = [],
): Verdict => ({ kind, sentence, reasons, gain: null })

const reasonsOf = (reason: string | null): string[] => (reason === null ? [] : [reason])

function sentenceOf(
  kind: 'better' | 'worse' | 'no-difference',
  { value, low, high }: NonNullable<Verdict['gain']>,
): string {
  const figures = `${formatChange(value, 4)} nats, 95 % interval ${formatChange(low, 4)} to ${formatChange(high, 4)}`
  const lower = `${value.toFixed(4)} nats (95 % interval ${low.toFixed(4)} to ${high.toFixed(4)})`
  switch (kind) {
    case 'better':
      return `Better than the plan as it was, also with seeds that the search did not use: its validation loss is lower by ${lower}.`
    case 'worse':
      return `Worse than the plan with other seeds, so keep the plan: what looked best was luck (difference ${figures}).`
    case 'no-difference':
      return `No better than the plan beyond what seeds change: the difference is ${figures}.`
  }
}

function seedReasons(best: StudyTrial, preset: readonly number[], winner: readonly number[]): string[] {
  const list = (losses: readonly number[]): string => losses.map((loss) => loss.toFixed(4)).join(', ')
  const mean = winner.reduce((sum, loss) => sum + loss, 0) / winner.length
  return [
    `Losses of the plan with ${preset.length} seeds: ${list(preset)}.`,
    `Losses of the best settings with ${winner.length} seeds: ${list(winner)}.`,
    ...(best.lossNats !== null && mean > best.lossNats
      ? [
          `When it was chosen its loss was ${best.lossNats.toFixed(4)}: the lowest of many is lower by luck too, and so it is not counted here.`,
        ]
      : []),
  ]
}
