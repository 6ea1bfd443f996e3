// Unrest in a run's curve: steps at which it leaps up, stretches in which it goes up instead of down. Pure. Sources: Godbole
// et al., "Deep Learning Tuning Playbook" (2023), FAQ on optimisation failures (outliers of the gradient's norm); Chowdhery
// et al., "PaLM" (arXiv 2204.02311), on training instability (spikes that come in spite of clipping).
import {
  bestOf,
  type DiagnosedCurve,
  levelOf,
  surely,
  type TrainLoss,
  type ValidationLoss,
} from './curve-view.ts'
import type { DiagnosedPlan, Finding, MainKind } from './finding.ts'
import { deviationOf, median, noiseOf } from './robust.ts'

/**
 * Steps at which loss and gradient norm leap up together, or a stretch in which the training loss lies well above what it
 * had reached. Each is judged by what was there before it, so what was said once is not taken back.
 */
export function unrest(
  { train, validation }: DiagnosedCurve,
  { totalSteps }: DiagnosedPlan,
  main: MainKind,
): Finding<'unstable'> | null {
  const spikes = spikesOf(train)
  // Of rows not seen the loss also rises where a model memorises: then that is said.
  const rises = [
    ...risesOf(train, totalSteps),
    ...(main === 'memorising' ? [] : validation.filter((_, i) => isRise(validation, i))),
  ].sort((a, b) => a.step - b.step)
  const isSpiky = spikes.length >= leastSpikes
  const [first] = isSpiky ? spikes.slice(leastSpikes - 1) : rises
  if (first === undefined) return null
  const highest = Math.max(...[...spikes, ...rises].map(({ lossNats }) => lossNats))
  return { kind: 'unstable', step: first.step, isSpiky, spikes: spikes.length, highest }
}
const leastSpikes = 2

/** Steps before one that it is compared with, and those that tell how far steps usually lie from each other. */
const spikeWindow = 15
const usualWindow = 60

function spikesOf(train: readonly TrainLoss[]): TrainLoss[] {
  /** How far each step lies above the ones before it, in usual distances. */
  const leaps = (read: (point: TrainLoss) => number): number[] => {
    const values = train.map(read)
    const away = values.map((value, i) => value - median(values.slice(Math.max(0, i - spikeWindow), i)))
    return away.map((distance, i) => {
      const before = away.slice(Math.max(1, i - usualWindow), i).map(Math.abs)
      const usual = deviationOf(before)
      return before.length < spikeWindow || usual === 0 ? 0 : distance / usual
    })
  }
  const losses = leaps(({ lossNats }) => lossNats)
  const norms = leaps(({ gradNorm }) => Math.log(Math.max(gradNorm, 1e-12)))
  const isSpike = (i: number): boolean => losses[i]! > 5 && norms[i]! > 3
  // One spike may last for a few steps.
  return train.filter((_, i) => isSpike(i) && ![i - 1, i - 2, i - 3].some((j) => j >= 0 && isSpike(j)))
}

/** The second measurement in a row that lies a tenth above the lowest before both. */
function isRise(validation: readonly ValidationLoss[], i: number): boolean {
  const lowest = bestOf(validation.slice(0, Math.max(0, i - 1)))
  return lowest !== null && [i - 1, i].every((j) => validation[j]!.lossNats > 1.1 * lowest.lossNats)
}

/** Stretches of a tenth of the plan whose loss is a tenth, and more than chance, above the lowest one before. */
function risesOf(train: readonly TrainLoss[], totalSteps: number): { step: number; lossNats: number }[] {
  const length = Math.max(8, Math.round(totalSteps / 10))
  const found: { step: number; lossNats: number }[] = []
  let lowest = Number.POSITIVE_INFINITY
  let start = 0
  for (let end = 1; end <= train.length; end += 1) {
    if (train[end - 1]!.step < train[start]!.step + length - 1) continue
    const noise = noiseOf(train.slice(0, end).map(({ lossNats }) => lossNats))
    const { loss, error } = levelOf(train.slice(start, end), noise)
    if (loss > lowest + Math.max(surely * Math.SQRT2 * error, 0.1 * lowest))
      found.push({ step: train[start]!.step, lossNats: loss })
    lowest = Math.min(lowest, loss)
    start = end
  }
  return found
}
