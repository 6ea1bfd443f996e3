// Tables, matrix products and sums.
import type { Bench } from '../../support/gradient-check.ts'
import type { Build, Rows } from './cases.ts'

const ids = (bench: Bench) => bench.whole('ids', [2, 3], [4, 1, 4, 0, 3, 4])

type Addend = 'none' | 'vector' | 'full'

const linearCase =
  (addend: Addend): Build =>
  (bench) => {
    const plus = { none: null, vector: [5], full: [2, 3, 5] }[addend]
    const x = bench.trained('x', [2, 3, 4])
    const weight = bench.trained('weight', [5, 4])
    const added = plus && bench.trained('addend', plus)
    return bench.builder.add('linear', [x, weight, added], { scale: 1.7 })[0]
  }

const turnedCase =
  (addend: Addend): Build =>
  (bench) => {
    const plus = { none: null, vector: [5], full: [2, 3, 5] }[addend]
    const x = bench.trained('x', [2, 3, 4])
    const weight = bench.trained('weight', [4, 5])
    const added = plus && bench.trained('addend', plus)
    return bench.builder.add('linearInputBackward', [x, weight, added], { scale: 1.7 })[0]
  }

export const linearCases = {
  embedding: {
    differentiable: {
      'tokens that repeat': (bench) =>
        bench.builder.add('embedding', [bench.trained('table', [5, 4]), ids(bench)], {})[0],
    },
  },
  linear: {
    differentiable: {
      'no addend': linearCase('none'),
      'addend a vector': linearCase('vector'),
      'addend of full shape': linearCase('full'),
      'two linears of one input': (bench) => {
        const x = bench.trained('x', [2, 3, 4])
        const [first] = bench.builder.add('linear', [x, bench.trained('a', [5, 4]), null], { scale: 1 })
        return bench.builder.add('linear', [x, bench.trained('b', [5, 4]), first], { scale: -0.5 })[0]
      },
    },
  },
  linearInputBackward: {
    differentiable: {
      'no addend': turnedCase('none'),
      'addend a vector': turnedCase('vector'),
      'addend of full shape': turnedCase('full'),
      'two of one input': (bench) => {
        const x = bench.trained('x', [2, 3, 4])
        const [a, b] = [bench.trained('a', [4, 5]), bench.trained('b', [4, 5])]
        const [first] = bench.builder.add('linearInputBackward', [x, a, null], { scale: 1 })
        return bench.builder.add('linearInputBackward', [x, b, first], { scale: -0.5 })[0]
      },
    },
  },
  weightedSum: {
    differentiable: {
      'fixed weights': (bench) =>
        bench.builder.add('weightedSum', [bench.trained('x', [2, 3, 4]), bench.fixed('w', [2, 3])], {})[0],
    },
  },
  adaptedRowNorms: {
    refuses: (bench) => {
      const [weight, a] = [bench.trained('weight', [5, 4]), bench.trained('a', [2, 4])]
      const inputs = [weight, a, bench.trained('b', [5, 2])] as const
      return bench.builder.add('adaptedRowNorms', [...inputs], { scale: 2, isInputFirst: false })[0]
    },
    derivativeOf: null,
  },
  sumLeading: {
    refuses: (bench) => bench.builder.add('sumLeading', [bench.trained('x', [2, 5])], {})[0],
    derivativeOf: 'linear',
  },
  embeddingBackward: {
    refuses: (bench) => {
      const dy = bench.trained('dy', [2, 3, 4])
      return bench.builder.add('embeddingBackward', [dy, ids(bench)], { vocabulary: 5 })[0]
    },
    derivativeOf: 'embedding',
  },
  linearWeightBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 5]), bench.fixed('x', [2, 4])]
      return bench.builder.add('linearWeightBackward', [dy, x], { scale: 1 })[0]
    },
    derivativeOf: 'linear',
  },
  weightedSumBackward: {
    refuses: (bench) => {
      const [dy, weights] = [bench.trained('dy', [2, 4]), bench.fixed('weights', [2, 3])]
      return bench.builder.add('weightedSumBackward', [dy, weights], {})[0]
    },
    derivativeOf: 'weightedSum',
  },
} satisfies Partial<Rows>
