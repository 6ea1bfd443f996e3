// Our cross-entropy in TensorFlow beside plain double arithmetic.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CrossEntropyCase, crossEntropyOf, scoresOf } from './cross-entropy-case.ts'
import { crossEntropyInGraph as inGraph } from './run-graph.ts'
import { type Given, hasOperators } from './run-operator.ts'
import { distance, gives, rounded } from './terms.ts'

/** Few rows are divided, many are not; parts of 4,096 classes with and without a rest; vectors with and without one. */
const cases: readonly CrossEntropyCase[] = [
  { rows: 1, classes: 1 },
  { rows: 1, classes: 3 },
  { rows: 9, classes: 2 },
  { rows: 70, classes: 117, smoothing: 0.1 },
  { rows: 3, classes: 4096 },
  { rows: 5, classes: 4097, smoothing: 0.25 },
  { rows: 1, classes: 49_152 },
  { rows: 21, classes: 49_152, smoothing: 0.1 },
  { rows: 2, classes: 128_261, spread: 40 },
  { rows: 12, classes: 9000, spread: 200, smoothing: 0.05 },
  { rows: 0, classes: 10 },
]

describe.runIf(hasOperators())('cross-entropy', () => {
  test.each(cases)('$rows rows of $classes classes, smoothing $smoothing, spread $spread', (one) => {
    const given = scoresOf(one)
    const [losses, full, half] = crossEntropyOf(given, one, gives(true, true))
    const wanted = inDouble(given, one)
    expect(distance(losses!, wanted.losses)).toBeLessThan(2e-7)
    expect(distance(full!, wanted.gradients)).toBeLessThan(5e-7)
    expect(half).toEqual(rounded(full!))
    const empty = new Float32Array(0)
    expect(crossEntropyOf(given, one, gives(false, false))).toEqual([losses, empty, empty])
    expect(crossEntropyOf(given, one, gives(false, true))).toEqual([losses, empty, half])
    expect(crossEntropyOf(given, one, gives(true, false))).toEqual([losses, full, empty])
  })

  test('49,152 equal scores lose nothing of their sum', () => {
    const one = { rows: 2, classes: 49_152 }
    const given = scoresOf(one)
    given.logits.data.fill(-3.25)
    given.weights.data.fill(1)
    const [losses] = crossEntropyOf(given, one, gives(false, false))
    for (const loss of losses!) expect(loss).toBe(Math.fround(Math.log(49_152)))
  })

  test('scores of minus infinity have no share', () => {
    const one = { rows: 2, classes: 12_300 }
    const given = scoresOf(one)
    // A whole part of the first row, and more.
    given.logits.data.fill(Number.NEGATIVE_INFINITY, 3000, 9000)
    given.targets.data.fill(10)
    const [losses, full] = crossEntropyOf(given, one, gives(true, false))
    const wanted = inDouble(given, one)
    expect(distance(losses!, wanted.losses)).toBeLessThan(2e-7)
    expect(distance(full!, wanted.gradients)).toBeLessThan(5e-7)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('a score of %d spoils its row, and no other', (score) => {
    for (const rows of [3, 30]) {
      const one = { rows, classes: 5000 }
      const given = scoresOf(one)
      given.logits.data[5000 + 4500] = score
      const [losses, full] = crossEntropyOf(given, one, gives(true, false))
      expect([...losses!].map(Number.isNaN)).toEqual(Array.from({ length: rows }, (_, row) => row === 1))
      expect(full!.slice(0, 5000).some(Number.isNaN)).toBe(false)
      expect(full!.slice(10_000).some(Number.isNaN)).toBe(false)
      expect(full!.slice(5000, 10_000).some(Number.isNaN)).toBe(true)
    }
  })

  test('bits are the same with one thread, two and five', () => {
    const hashOf = (threads: number): string =>
      execFileSync(process.execPath, [join(import.meta.dirname, 'cross-entropy-bits.ts'), String(threads)], {
        encoding: 'utf8',
      })
    const one = hashOf(1)
    expect(one).toMatch(/^[0-9a-f]{64}$/)
    expect([2, 5].map(hashOf)).toEqual([one, one])
  })

  test.each([3, 40])(
    '%i rows of logits that nobody else reads: the gradient takes their memory',
    async (rows) => {
      const one = { rows, classes: 5000, smoothing: 0.1 }
      const given = scoresOf(one)
      const [losses, full, half] = crossEntropyOf(given, one, gives(true, true))
      expect(await inGraph(given, one, [])).toEqual([losses, full, half])
      // Where somebody does, they stay as they are.
      const more = await inGraph(given, one, ['logits'])
      expect(more).toEqual([losses, full, half, given.logits.data])
    },
  )

  test('refused: what does not fit', () => {
    const one = { rows: 3, classes: 10 }
    const { logits, targets, weights } = scoresOf(one)
    const run =
      (changed: Record<string, Given>, smoothing = 0) =>
      () =>
        crossEntropyOf({ logits, targets, weights, ...changed }, { ...one, smoothing }, gives(true, true))
    const two = { shape: [2], data: new Float32Array(2) }
    expect(run({ weights: two })).toThrow('weights: expected [3], got [2]')
    expect(run({ targets: { shape: [2], data: Int32Array.of(1, 1) } })).toThrow(
      'targets: expected [3], got [2]',
    )
    expect(run({ logits: { shape: [30], data: logits.data } })).toThrow('logits: expected a matrix')
    expect(run({ logits: { shape: [3, 0], data: new Float32Array(0) } })).toThrow('targets: one is no class')
    for (const wrong of [-1, 10])
      expect(run({ targets: { shape: [3], data: Int32Array.of(0, 1, wrong) } })).toThrow(
        'targets: one is no class',
      )
    expect(run({}, 1)).toThrow('smoothing: expected a number from 0 to below 1')
  })
})

/** softmaxCrossEntropy by its definition. */
function inDouble({ logits, targets, weights }: ReturnType<typeof scoresOf>, one: CrossEntropyCase) {
  const { rows, classes } = one
  const smoothing = Math.fround(one.smoothing ?? 0)
  const losses = new Float64Array(rows)
  const gradients = new Float64Array(rows * classes)
  for (let row = 0; row < rows; row += 1) {
    const scores = Float64Array.from(logits.data.subarray(row * classes, (row + 1) * classes))
    const top = scores.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY)
    const sum = scores.reduce((all, each) => all + Math.exp(each - top), 0)
    const mean = smoothing === 0 ? 0 : scores.reduce((all, each) => all + each, 0) / classes
    const [target, weight] = [targets.data[row]!, weights.data[row]!]
    losses[row] = weight * (top + Math.log(sum) - (1 - smoothing) * scores[target]! - smoothing * mean)
    for (let c = 0; c < classes; c += 1) {
      const wanted = (c === target ? 1 - smoothing : 0) + smoothing / classes
      gradients[row * classes + c] = weight * (Math.exp(scores[c]! - top) / sum - wanted)
    }
  }
  return { losses, gradients }
}
