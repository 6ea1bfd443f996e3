// Proofs and answers for a journal of many years (many-experiments.ts): the same for the same run, without a pattern that a
// person would see.

/** A number from 0 to 1 of a run and a step. */
export const noise = (n: number, step: number): number =>
  Math.abs(Math.sin(n * 12.9898 + step * 78.233) * 43_758.5453) % 1

const labels = ['keep', 'too fast', 'forgets', 'for the clinic', 'baseline']
const labelSide = { precision: 0.5, recall: 0.5, f1: 0.5, predicted: 16 }

/** Answers of both versions to 20 of the locked rows; without `wordsPerAnswer` an answer is one of two labels. */
export function proofOf(runId: string, datasetFingerprint: string, n: number, wordsPerAnswer: number) {
  const value = 0.3 + noise(n, 1) * 0.65
  const interval = (middle: number) => ({ value: middle, low: middle - 0.07, high: middle + 0.05 })
  const both = { base: interval(0.5), tuned: interval(value), difference: interval(value - 0.5) }
  const kind = value > 0.57 ? 'better' : value < 0.43 ? 'worse' : 'no-measurable-difference'
  const answers = Array.from({ length: 20 }, (_, row) => {
    const isRight = noise(n, row) < value
    const label = isRight ? 'money' : 'shipping'
    return {
      rowId: `row-${row}`,
      expected: 'money',
      answer: wordsPerAnswer > 0 ? sentence(n * 20 + row, wordsPerAnswer) : label,
      scores: { accuracy: isRight ? 1 : 0 },
    }
  })
  const evaluation = (subject: 'base' | 'tuned') => ({
    runId,
    subject,
    datasetFingerprint,
    metrics: {},
    answers,
  })
  const body = {
    version: 1,
    rows: 82,
    leftOut: [],
    metric: 'accuracy',
    baseline: { metric: 'accuracy', ...both.base },
    tuned: { metric: 'accuracy', ...both.tuned },
    difference: both.difference,
    verdict: { kind, sentence: 'As measured on the locked rows.' },
    comparisons: ['accuracy', 'macroF1', 'calibrationError', 'lossNats'].map((metric) => ({
      metric,
      isHigherBetter: true,
      ...both,
    })),
    // A table of labels makes most of a real proof's text.
    labels: {
      labels,
      rows: labels.map((label) => ({ label, support: 16, base: labelSide, tuned: labelSide })),
      base: labels.map(() => labels.map((_, column) => column)),
      tuned: labels.map(() => labels.map((_, column) => column)),
    },
    intervals: { method: 'paired bootstrap', resamples: 4000, seed: 1, level: 0.95 },
    backend: 'onnx-cpu',
    seconds: 40,
    scoringSeconds: 30,
    answeringSeconds: 0,
  }
  return { base: evaluation('base'), tuned: evaluation('tuned'), comparison: { runId, body } }
}

/** Like text: few words are very frequent, and most of 20,000 are rare. */
const sentence = (seed: number, words: number): string =>
  Array.from({ length: words }, (_, at) => {
    const rank = Math.floor(20_000 ** noise(seed, at))
    return `${syllables[rank % 20]}${syllables[Math.floor(rank / 20) % 20]}${syllables[Math.floor(rank / 400) % 20]}${rank}`
  }).join(' ')

const syllables = 'ba ce di fo gu ka le mi no pu ra se ti vo xu za ne li so tu'.split(' ')
