// From hidden states to losses: labelled rows, cross-entropy.
import type { Build, Rows } from './cases.ts'

const crossEntropyCase =
  (smoothing: number): Build =>
  (bench) => {
    const targets = bench.whole('targets', [3], [1, 4, 1])
    const logits = bench.trained('logits', [3, 5], 3)
    const inputs = [logits, targets, bench.fixed('w', [3])] as const
    return bench.builder.add('softmaxCrossEntropy', [...inputs], { smoothing })[0]
  }

export const lossCases = {
  gatherRows: {
    differentiable: {
      'rows that repeat': (bench) => {
        const rows = bench.whole('rows', [4], [5, 0, 5, 2])
        return bench.builder.add('gatherRows', [bench.trained('x', [2, 3, 4]), rows], {})[0]
      },
    },
  },
  softmaxCrossEntropy: {
    differentiable: {
      'losses used further': crossEntropyCase(0),
      'smoothed targets': crossEntropyCase(0.15),
    },
  },
  multiplyRows: {
    differentiable: {
      'fixed factors': (bench) =>
        bench.builder.add('multiplyRows', [bench.trained('x', [3, 4]), bench.fixed('factors', [3])], {})[0],
    },
  },
  gatherRowsBackward: {
    refuses: (bench) => {
      const [dy, rows] = [bench.trained('dy', [2, 4]), bench.whole('rows', [2], [0, 5])]
      return bench.builder.add('gatherRowsBackward', [dy, rows, bench.fixed('like', [2, 3, 4])], {})[0]
    },
    derivativeOf: 'gatherRows',
  },
} satisfies Partial<Rows>
