// What a frozen model can say of classes without any training: a place has the class whose mean state is nearest. The
// model of it is a Gaussian of one width around each mean, the width the one under which the rows are likeliest.

export interface NearestClass {
  /** log P of each class for a state [C]. */
  logProbs(state: ArrayLike<number>): Float64Array
}

interface State {
  readonly state: ArrayLike<number>
  readonly label: number
}

/** Doublings of the width that are tried, from the mean distance within classes. */
const tried = Array.from({ length: 33 }, (_, k) => (k - 8) / 2)

/** Of classes without a state nothing is known: they are never nearest. */
export function nearestClass(states: readonly State[], classes: number): NearestClass {
  const width = states[0]!.state.length
  const means = Array.from({ length: classes }, () => new Float64Array(width))
  const counts = new Array<number>(classes).fill(0)
  for (const { state, label } of states) {
    counts[label]! += 1
    for (let i = 0; i < width; i += 1) means[label]![i]! += state[i]!
  }
  for (const [label, mean] of means.entries())
    for (let i = 0; i < width; i += 1) mean[i]! /= Math.max(1, counts[label]!)
  const priors = counts.map((count) => Math.log(count / states.length))
  const distancesOf = (state: ArrayLike<number>): Float64Array =>
    Float64Array.from(means, (mean) => {
      let squares = 0
      for (let i = 0; i < width; i += 1) squares += (state[i]! - mean[i]!) ** 2
      return squares
    })
  const measured = states.map(({ state, label }) => ({ distances: distancesOf(state), label }))
  const usual = measured.reduce((sum, { distances, label }) => sum + distances[label]!, 0) / states.length
  const lossAt = (scale: number): number =>
    measured.reduce((sum, { distances, label }) => sum - logProbsOf(distances, priors, scale)[label]!, 0)
  const scales = tried.map((power) => 2 ** power / Math.max(usual, Number.MIN_VALUE))
  const best = scales.reduce((a, b) => (lossAt(b) < lossAt(a) ? b : a))
  return { logProbs: (state) => logProbsOf(distancesOf(state), priors, best) }
}

/** Softmax over log prior - scale x squared distance. */
function logProbsOf(distances: Float64Array, priors: readonly number[], scale: number): Float64Array {
  const scores = distances.map((squares, label) => priors[label]! - scale * squares)
  return logSoftmax(scores)
}

/** Scores of -Infinity stay so. */
export function logSoftmax(scores: ArrayLike<number>): Float64Array {
  const own = Float64Array.from(scores)
  const most = own.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const sum = own.reduce((total, score) => total + Math.exp(score - most), 0)
  return own.map((score) => score - most - Math.log(sum))
}
