// From hidden states to losses: labelled rows, cross-entropy.
import { type OpCase, opCase, vocabulary, width, x3 } from './case-builder.ts'

const crossEntropy = (variant: string, smoothing: number, logit: (random: number) => number): OpCase =>
  opCase('softmaxCrossEntropy', variant, (c) =>
    c.builder.add(
      'softmaxCrossEntropy',
      [
        c.float('logits', ['L', vocabulary], logit),
        c.whole('targets', ['L'], vocabulary),
        c.float('weights', ['L'], (x, index) => (index === 2 ? 0 : x + 1.5)),
      ],
      { smoothing },
    ),
  )

const withItsReaders = (variant: string, smoothing: number): OpCase =>
  opCase('softmaxCrossEntropy', variant, (c) => {
    const logits = c.float('logits', ['L', vocabulary])
    const weights = c.float('weights', ['L'], (x) => x + 1.5)
    const inputs = [logits, c.whole('targets', ['L'], vocabulary), weights] as const
    const [losses, dLogits] = c.builder.add('softmaxCrossEntropy', [...inputs], { smoothing })
    const table = c.float('table', [vocabulary, width])
    const x = c.float('x', ['L', width])
    const [dx] = c.builder.add('linearInputBackward', [dLogits, table, null], { scale: 1 })
    const [dSum] = c.builder.add('linearInputBackward', [dLogits, table, x], { scale: 2 })
    const [dTable] = c.builder.add('linearWeightBackward', [dLogits, x], { scale: 3 })
    return [losses, dx, dSum, dTable]
  })

export const lossCases: readonly OpCase[] = [
  opCase('gatherRows', '', (c) =>
    c.builder.add('gatherRows', [c.float('x', x3), c.whole('rows', ['L'], 10)], {}),
  ),
  opCase('gatherRowsBackward', 'with repeated rows', (c) =>
    c.builder.add(
      'gatherRowsBackward',
      [c.float('dy', ['L', width]), c.whole('rows', ['L'], 4), c.float('like', x3)],
      {},
    ),
  ),
  crossEntropy('', 0, (x) => 3 * x),
  crossEntropy('of logits hundreds apart', 0, (x) => 300 * x),
  crossEntropy('smoothed', 0.1, (x) => 3 * x),
  crossEntropy('smoothed, of logits hundreds apart', 0.1, (x) => 300 * x),
  withItsReaders('with the products that read its gradient', 0),
  withItsReaders('smoothed, with the products that read its gradient', 0.2),
  opCase('softmaxCrossEntropy', 'smoothed, of two classes', (c) =>
    c.builder.add(
      'softmaxCrossEntropy',
      [c.float('logits', ['L', 2]), c.whole('targets', ['L'], 2), c.float('weights', ['L'])],
      { smoothing: 0.3 },
    ),
  ),
  opCase('multiplyRows', '', (c) =>
    c.builder.add('multiplyRows', [c.float('x', ['L', vocabulary]), c.float('factors', ['L'])], {}),
  ),
]
