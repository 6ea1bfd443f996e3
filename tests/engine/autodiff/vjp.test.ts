// Every op's derivative against central differences in float64. The table is keyed by op: a new op without a row does
// not compile. Ops of the backward pass are checked as the derivative of their op, and refuse a second derivative.
import { describe, expect, test } from 'vitest'
import type { OpKind, Value } from '../../../src/engine/index.ts'
import { GraphError } from '../../../src/engine/index.ts'
import { Bench, checkGradients, differentiateAll } from '../support/gradient-check.ts'

type Build = (bench: Bench) => Value

type Row =
  /** Graphs of trained operands; each gives the op's result. */
  | { readonly differentiable: Readonly<Record<string, Build>> }
  /** The op on a trained operand; `derivativeOf` is the op whose derivative contains it. */
  | { readonly refuses: Build; readonly derivativeOf: OpKind | null }

const rows2by3 = [2, 3]
const ids = (bench: Bench): Value => bench.whole('ids', rows2by3, [4, 1, 4, 0, 3, 4])
const places = (bench: Bench): Value => bench.whole('positions', rows2by3, [0, 1, 2, 5, 2, 0])

const linearCase =
  (addend: 'none' | 'vector' | 'full'): Build =>
  (bench) => {
    const plus = { none: null, vector: [5], full: [2, 3, 5] }[addend]
    const x = bench.trained('x', [2, 3, 4])
    const weight = bench.trained('weight', [5, 4])
    const added = plus && bench.trained('addend', plus)
    return bench.builder.add('linear', [x, weight, added], { scale: 1.7 })[0]
  }

const ropeCase =
  (inverse: boolean): Build =>
  (bench) => {
    const x = bench.trained('x', [2, 3, 8])
    const tables = [bench.fixed('cos', [6, 2]), bench.fixed('sin', [6, 2])] as const
    return bench.builder.add('rope', [x, places(bench), ...tables], { heads: 2, inverse })[0]
  }

const attentionCase =
  (causal: boolean, hasMask: boolean): Build =>
  (bench) => {
    const q = bench.trained('q', [2, 3, 12])
    const k = bench.trained('k', [2, 3, 6])
    const v = bench.trained('v', [2, 3, 6])
    const mask = hasMask ? bench.fixed('mask', [2, 3, 3]) : null
    return bench.builder.add('attention', [q, k, v, mask], { heads: 4, kvHeads: 2, scale: 0.6, causal })[0]
  }

const table: Readonly<Record<OpKind, Row>> = {
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
  rmsNorm: {
    differentiable: {
      'input and weight': (bench) => {
        const inputs = [bench.trained('x', [2, 3, 4]), bench.trained('weight', [4])] as [Value, Value]
        return bench.builder.add('rmsNorm', inputs, { epsilon: 0.01 })[0]
      },
    },
  },
  rope: { differentiable: { forwards: ropeCase(false), backwards: ropeCase(true) } },
  attention: {
    differentiable: {
      causal: attentionCase(true, false),
      masked: attentionCase(false, true),
      'causal and masked': attentionCase(true, true),
      'one value as query, key and value': (bench) => {
        const x = bench.trained('x', [2, 3, 6])
        return bench.builder.add('attention', [x, x, x, null], {
          heads: 3,
          kvHeads: 3,
          scale: 1,
          causal: true,
        })[0]
      },
    },
  },
  swiglu: {
    differentiable: {
      'gate and up': (bench) =>
        bench.builder.add('swiglu', [bench.trained('gate', [2, 5], 4), bench.trained('up', [2, 5])], {})[0],
    },
  },
  add: {
    differentiable: {
      'two values': (bench) =>
        bench.builder.add('add', [bench.trained('a', [2, 5]), bench.trained('b', [2, 5])], {})[0],
      'a value and itself': (bench) => {
        const a = bench.trained('a', [2, 5])
        return bench.builder.add('add', [a, a], {})[0]
      },
    },
  },
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
      'losses used further': (bench) => {
        const targets = bench.whole('targets', [3], [1, 4, 1])
        const logits = bench.trained('logits', [3, 5], 3)
        return bench.builder.add('softmaxCrossEntropy', [logits, targets, bench.fixed('w', [3])], {})[0]
      },
    },
  },
  multiplyRows: {
    differentiable: {
      'fixed factors': (bench) =>
        bench.builder.add('multiplyRows', [bench.trained('x', [3, 4]), bench.fixed('factors', [3])], {})[0],
    },
  },
  tie: {
    differentiable: {
      'a value that waits for another': (bench) =>
        bench.builder.add('tie', [bench.trained('x', [2, 5]), bench.fixed('other', [3])], {})[0],
    },
  },
  ones: {
    refuses: (bench) => bench.builder.add('ones', [bench.trained('x', [2, 5])], {})[0],
    derivativeOf: null,
  },
  sumLeading: {
    refuses: (bench) => bench.builder.add('sumLeading', [bench.trained('x', [2, 5])], {})[0],
    derivativeOf: 'linear',
  },
  embeddingBackward: {
    refuses: (bench) =>
      bench.builder.add('embeddingBackward', [bench.trained('dy', [2, 3, 4]), ids(bench)], {
        vocabulary: 5,
      })[0],
    derivativeOf: 'embedding',
  },
  linearInputBackward: {
    refuses: (bench) => {
      const [dy, weight] = [bench.trained('dy', [2, 5]), bench.fixed('weight', [5, 4])]
      return bench.builder.add('linearInputBackward', [dy, weight, null], { scale: 1 })[0]
    },
    derivativeOf: 'linear',
  },
  linearWeightBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 5]), bench.fixed('x', [2, 4])]
      return bench.builder.add('linearWeightBackward', [dy, x], { scale: 1 })[0]
    },
    derivativeOf: 'linear',
  },
  rmsNormBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 4]), bench.fixed('x', [2, 4])]
      const [weight, invStd] = [bench.fixed('weight', [4]), bench.fixed('invStd', [2, 1])]
      return bench.builder.add('rmsNormBackward', [dy, x, weight, invStd], {})[0]
    },
    derivativeOf: 'rmsNorm',
  },
  rmsNormWeightBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 4]), bench.fixed('x', [2, 4])]
      return bench.builder.add('rmsNormWeightBackward', [dy, x, bench.fixed('invStd', [2, 1])], {})[0]
    },
    derivativeOf: 'rmsNorm',
  },
  attentionBackward: {
    refuses: (bench) => {
      const [dOut, q] = [bench.trained('dOut', [1, 2, 4]), bench.fixed('q', [1, 2, 4])]
      const [k, v] = [bench.fixed('k', [1, 2, 2]), bench.fixed('v', [1, 2, 2])]
      const inputs = [dOut, q, k, v, bench.fixed('probs', [1, 2, 2, 2])] as [
        Value,
        Value,
        Value,
        Value,
        Value,
      ]
      return bench.builder.add('attentionBackward', inputs, { heads: 2, kvHeads: 1, scale: 1 })[0]
    },
    derivativeOf: 'attention',
  },
  rememberingAttention: {
    refuses: (bench) => {
      const [q, k] = [bench.trained('q', [1, 2, 4]), bench.fixed('k', [1, 2, 2])]
      const past = [bench.fixed('pastK', [1, 3, 2]), bench.fixed('pastV', [1, 3, 2])] as const
      const inputs = [q, k, bench.fixed('v', [1, 2, 2]), ...past, bench.fixed('pastMask', [1, 3])] as const
      return bench.builder.add('rememberingAttention', [...inputs], { heads: 2, kvHeads: 1, scale: 1 })[0]
    },
    derivativeOf: null,
  },
  swigluBackward: {
    refuses: (bench) => {
      const [gate, up] = [bench.fixed('gate', [2, 5]), bench.fixed('up', [2, 5])]
      return bench.builder.add('swigluBackward', [bench.trained('dy', [2, 5]), gate, up], {})[0]
    },
    derivativeOf: 'swiglu',
  },
  gatherRowsBackward: {
    refuses: (bench) => {
      const [dy, rows] = [bench.trained('dy', [2, 4]), bench.whole('rows', [2], [0, 5])]
      return bench.builder.add('gatherRowsBackward', [dy, rows, bench.fixed('like', [2, 3, 4])], {})[0]
    },
    derivativeOf: 'gatherRows',
  },
}

/** silu(y) * c with random c: every cell of y gets a gradient of its own, and y's errors are seen. */
function lossOf(bench: Bench, build: Build): Value {
  return bench.builder.inRegion('test', () => {
    const y = build(bench)
    return bench.builder.add('swiglu', [y, bench.fixed('c', y.shape.map(Number))], {}, 'loss')[0]
  })
}

const cases = (kind: OpKind): readonly [string, Build][] => {
  const row = table[kind]
  return 'differentiable' in row ? Object.entries(row.differentiable) : []
}

describe.each(Object.keys(table) as OpKind[])('%s', (kind) => {
  const row = table[kind]
  test.each(cases(kind))('derivative: %s', (_, build) => {
    const bench = new Bench()
    const loss = lossOf(bench, build)
    const { graph, worst } = checkGradients(bench, [loss])
    expect(graph.nodes.some((node) => node.kind === kind)).toBe(true)
    expect(worst).toBeLessThan(1e-5)
  })

  if ('differentiable' in row) return
  test('has no derivative of its own', () => {
    const bench = new Bench()
    const loss = lossOf(bench, row.refuses)
    expect(() => differentiateAll(bench.builder.build(), [loss])).toThrow(GraphError)
    if (row.derivativeOf === null) return
    const kinds = cases(row.derivativeOf).flatMap(([, build]) => {
      const other = new Bench()
      return checkGradients(other, [lossOf(other, build)]).graph.nodes.map((node) => node.kind)
    })
    expect(kinds).toContain(kind)
  })
})

describe('softmaxCrossEntropy as the loss itself', () => {
  test('its second result is the gradient, with no further op', () => {
    const bench = new Bench()
    const losses = bench.builder.inRegion('test', () => {
      const targets = bench.whole('targets', [3], [1, 4, 1])
      const logits = bench.trained('logits', [3, 5], 3)
      return bench.builder.add('softmaxCrossEntropy', [logits, targets, bench.fixed('w', [3])], {})[0]
    })
    const { graph, worst } = checkGradients(bench, [losses])
    expect(worst).toBeLessThan(1e-5)
    expect(graph.nodes.map((node) => node.kind)).not.toContain('multiplyRows')
  })
})

describe('results that exist for the backward pass only', () => {
  test('have no derivative', () => {
    const bench = new Bench()
    const { builder } = bench
    const loss = builder.inRegion('test', () => {
      const inputs = [bench.trained('x', [2, 4]), bench.fixed('weight', [4])] as [Value, Value]
      const [, invStd] = builder.add('rmsNorm', inputs, { epsilon: 0.01 })
      return builder.add('tie', [invStd], {})[0]
    })
    expect(() => differentiateAll(bench.builder.build(), [loss])).toThrow('result 1 is not differentiable')
  })

  test('a mask or a loss weight that would need a gradient is refused', () => {
    const bench = new Bench()
    const losses = bench.builder.inRegion('test', () => {
      const targets = bench.whole('targets', [3], [1, 4, 1])
      const inputs = [bench.fixed('logits', [3, 5]), targets, bench.trained('w', [3])] as [
        Value,
        Value,
        Value,
      ]
      return bench.builder.add('softmaxCrossEntropy', inputs, {})[0]
    })
    expect(() => differentiateAll(bench.builder.build(), [losses])).toThrow(
      'operand 2 (w) is not differentiable',
    )
  })
})
