// Every op's derivative against central differences in float64. The table is keyed by op: a new op without a row does
// not compile. Ops of the backward pass are checked as the derivative of their op, and refuse a second derivative.
import { describe, expect, test } from 'vitest'
import type { OpKind, OpTable, Value } from '../../../src/engine/index.ts'
import { GraphError, interpret } from '../../../src/engine/index.ts'
import { Bench, checkGradients, differentiateAll } from '../support/gradient-check.ts'
import { attentionCases } from './vjp-cases/attention.ts'
import type { Build, Rows } from './vjp-cases/cases.ts'
import { linearCases } from './vjp-cases/linear.ts'
import { lossCases } from './vjp-cases/loss.ts'
import { normCases } from './vjp-cases/norm.ts'
import { pointwiseCases } from './vjp-cases/pointwise.ts'

const table: Rows = {
  ...linearCases,
  ...normCases,
  ...attentionCases,
  ...pointwiseCases,
  ...lossCases,
}

/** silu(y) * c with random c: every cell of y gets a gradient of its own, and y's errors are seen. */
function lossOf(bench: Bench, build: Build): Value {
  return bench.builder.inRegion('test', () => {
    const y = build(bench)
    const inputs: [Value, Value] = [y, bench.fixed('loss.factors', y.shape.map(Number))]
    return bench.builder.add('gatedActivation', inputs, { kind: 'silu' }, 'loss')[0]
  })
}

const cases = (kind: OpKind): readonly [string, Build][] => {
  const row = table[kind]
  return 'differentiable' in row ? Object.entries(row.differentiable) : []
}

const kindsOf = (build: Build): readonly OpKind[] => {
  const bench = new Bench()
  return checkGradients(bench, [lossOf(bench, build)]).graph.nodes.map((node) => node.kind)
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
    expect(cases(row.derivativeOf).flatMap(([, build]) => kindsOf(build))).toContain(kind)
  })
})

test('the gradient of an attention bias is computed only where the bias is trained', () => {
  const { differentiable } = attentionCases.attention
  expect(kindsOf(differentiable.everything)).toContain('attentionBiasBackward')
  expect(kindsOf(differentiable['everything but a trained bias'])).not.toContain('attentionBiasBackward')
})

describe('softmaxCrossEntropy as the loss itself', () => {
  test.each([0, 0.15])('its second result is the gradient, with no further op: smoothing %s', (smoothing) => {
    const bench = new Bench()
    const losses = bench.builder.inRegion('test', () => {
      const targets = bench.whole('targets', [3], [1, 4, 1])
      const inputs = [bench.trained('logits', [3, 5], 3), targets, bench.fixed('w', [3])] as const
      return bench.builder.add('softmaxCrossEntropy', [...inputs], { smoothing })[0]
    })
    const { graph, worst } = checkGradients(bench, [losses])
    expect(worst).toBeLessThan(1e-5)
    expect(graph.nodes.map((node) => node.kind)).not.toContain('multiplyRows')
  })
})

/** y = m / norms * (x (W + 0.5 B A)^T), column by column, with the norms that `rowNorms` gives. */
function decomposed(bench: Bench, rowNorms: (inputs: OpTable['adaptedRowNorms']['inputs']) => Value): Value {
  return lossOf(bench, ({ builder }) => {
    const x = bench.trained('x', [2, 3, 4])
    const [weight, a, b] = [
      bench.fixed('weight', [5, 4]),
      bench.trained('a', [2, 4]),
      bench.trained('b', [5, 2]),
    ]
    const [plain] = builder.add('linear', [x, weight, null], { scale: 1 })
    const [low] = builder.add('linear', [x, a, null], { scale: 1 })
    const [adapted] = builder.add('linear', [low, b, plain], { scale: 0.5 })
    const norms = rowNorms([weight, a, b])
    const [factors] = builder.add('divideByConstants', [bench.trained('magnitude', [5]), norms], {})
    return builder.add('multiplyColumns', [adapted, factors], {})[0]
  })
}

describe('a decomposed adapter (DoRA)', () => {
  test('its norms are constants: gradients are those of a graph that is fed the norms', () => {
    const bench = new Bench()
    const loss = decomposed(
      bench,
      (inputs) =>
        bench.builder.add('adaptedRowNorms', inputs, { scale: 0.5, isInputFirst: false }, 'norms')[0],
    )
    const forward = bench.builder.build()
    const [norms] = forward.nodes.flatMap((node) => (node.kind === 'adaptedRowNorms' ? node.outputs : []))
    const numbers = interpret({ ...forward, outputs: [norms!] }, bench.feeds).get('norms')!.data
    const fed = new Bench()
    const fedLoss = decomposed(fed, () => fed.given('norms', [5], [...numbers]))
    expect(checkGradients(fed, [fedLoss]).worst).toBeLessThan(1e-5)

    const gradients = interpret(differentiateAll(forward, [loss]), bench.feeds)
    const expected = interpret(differentiateAll(fed.builder.build(), [fedLoss]), fed.feeds)
    expect([...gradients.keys()].sort()).toEqual(['grad.a', 'grad.b', 'grad.magnitude', 'grad.x'])
    for (const [name, { data }] of gradients) expect([...data], name).toEqual([...expected.get(name)!.data])
  })
})

describe('results that exist for the backward pass only', () => {
  test('have no derivative', () => {
    const bench = new Bench()
    const { builder } = bench
    const loss = builder.inRegion('test', () => {
      const inputs: [Value, Value] = [bench.trained('x', [2, 4]), bench.fixed('weight', [4])]
      const [, invStd] = builder.add('rmsNorm', inputs, { epsilon: 0.01, offset: 0 })
      return builder.add('tie', [invStd], {})[0]
    })
    expect(() => differentiateAll(bench.builder.build(), [loss])).toThrow('result 1 is not differentiable')
  })

  test('a mask or a loss weight that would need a gradient is refused', () => {
    const bench = new Bench()
    const losses = bench.builder.inRegion('test', () => {
      const targets = bench.whole('targets', [3], [1, 4, 1])
      const inputs = [bench.fixed('logits', [3, 5]), targets, bench.trained('w', [3])] as const
      return bench.builder.add('softmaxCrossEntropy', [...inputs], { smoothing: 0 })[0]
    })
    expect(() => differentiateAll(bench.builder.build(), [losses])).toThrow(
      'operand 2 (w) is not differentiable',
    )
  })
})
