// How well a model's confidence fits: of answers given with 80 % confidence about 80 % should be right. Expected
// calibration error in ten bins of equal width (Guo et al. 2017).

export const calibrationBins = 10
/** For every bin: answers, sum of their confidence, right ones. */
export const calibrationWidth = 3 * calibrationBins

/** Probability of the likeliest label among all labels, from log-likelihoods in nats that need not add up to 1. */
export function confidenceOf(logProbs: readonly number[]): number {
  const highest = Math.max(...logProbs)
  return 1 / logProbs.reduce((sum, value) => sum + Math.exp(value - highest), 0)
}

/** What one row adds, see `calibrationWidth`. A confidence on a border counts to the lower bin. */
export function calibrationStatistics(confidence: number, isRight: boolean): number[] {
  const sums = new Array<number>(calibrationWidth).fill(0)
  const bin = Math.min(calibrationBins - 1, Math.max(0, Math.ceil(confidence * calibrationBins) - 1))
  sums[3 * bin] = 1
  sums[3 * bin + 1] = confidence
  sums[3 * bin + 2] = isRight ? 1 : 0
  return sums
}

/** Mean gap between confidence and share of right answers over the bins, weighted by their answers. */
export function calibrationErrorOf(sums: ArrayLike<number>): number {
  let [gaps, answers] = [0, 0]
  for (let bin = 0; bin < calibrationBins; bin += 1) {
    gaps += Math.abs(sums[3 * bin + 1]! - sums[3 * bin + 2]!)
    answers += sums[3 * bin]!
  }
  return answers === 0 ? 0 : gaps / answers
}
