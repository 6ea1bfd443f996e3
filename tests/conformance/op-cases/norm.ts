// Root-mean-square and layer norms.
import type { Dim, Value } from '#engine/ir/types.ts'
import { type CaseBuilder, type OpCase, opCase, width, x3 } from './case-builder.ts'

interface NormCase {
  readonly shape?: readonly Dim[]
  readonly offset?: 0 | 1
  readonly epsilon?: number
  readonly fill?: (random: number) => number
}

const rms = (variant: string, { shape = x3, offset = 0, epsilon = 1e-5, fill }: NormCase): OpCase[] => {
  const operands = (c: CaseBuilder): [Value, Value] => [c.float('x', shape, fill), c.float('weight', [width])]
  return [
    opCase('rmsNorm', variant, (c) => c.builder.add('rmsNorm', operands(c), { epsilon, offset })),
    opCase('rmsNormBackward', variant, (c) => {
      const [x, weight] = operands(c)
      const [, invStd] = c.builder.add('rmsNorm', [x, weight], { epsilon, offset })
      return c.builder.add('rmsNormBackward', [c.float('dy', shape), x, weight, invStd], { offset })
    }),
    opCase('rmsNormWeightBackward', variant, (c) => {
      const [x, weight] = operands(c)
      const [, invStd] = c.builder.add('rmsNorm', [x, weight], { epsilon, offset })
      return c.builder.add('rmsNormWeightBackward', [c.float('dy', shape), x, invStd], {})
    }),
  ]
}

const layer = (
  variant: string,
  { shape = x3, epsilon = 1e-5, fill, hasBias }: NormCase & { readonly hasBias: boolean },
): OpCase[] => {
  const forward = (c: CaseBuilder) => {
    const [x, weight] = [c.float('x', shape, fill), c.float('weight', [width])]
    const bias = hasBias ? c.float('bias', [width]) : null
    const results = c.builder.add('layerNorm', [x, weight, bias], { epsilon })
    return { x, weight, results }
  }
  return [
    opCase('layerNorm', variant, (c) => forward(c).results),
    opCase('layerNorm', `${variant}, its result only`, (c) => forward(c).results.slice(0, 1)),
    opCase('layerNormBackward', variant, (c) => {
      const { x, weight, results } = forward(c)
      const [, mean, invStd] = results
      return c.builder.add('layerNormBackward', [c.float('dy', shape), x, weight, mean, invStd], {})
    }),
    opCase('layerNormWeightBackward', variant, (c) => {
      const { x, results } = forward(c)
      const [, mean, invStd] = results
      return c.builder.add('layerNormWeightBackward', [c.float('dy', shape), x, mean, invStd], {})
    }),
  ]
}

export const normCases: readonly OpCase[] = [
  ...rms('', {}),
  ...rms('of tiny numbers', { fill: (x) => x * 1e-4 }),
  ...rms('of picked rows', { shape: ['L', width] }),
  ...rms('weights around 0', { offset: 1 }),
  ...rms('of each head', { shape: ['B', 'S', 3, width] }),
  ...rms('of each head, weights around 0', { shape: ['B', 'S', 3, width], offset: 1, epsilon: 1e-6 }),
  ...layer('with a bias', { hasBias: true }),
  ...layer('without a bias', { hasBias: false }),
  ...layer('of tiny numbers', { hasBias: true, epsilon: 1e-12, fill: (x) => x * 1e-2 }),
  ...layer('far from 0', { hasBias: true, fill: (x) => x + 3 }),
  ...layer('of picked rows', { hasBias: true, shape: ['L', width] }),
  ...layer('of each head', { hasBias: false, shape: ['B', 'S', 3, width] }),
]
