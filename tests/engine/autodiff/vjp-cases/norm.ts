// Root-mean-square and layer norms.
import type { Value } from '../../../../src/engine/index.ts'
import type { Build, Rows } from './cases.ts'

const rmsCase =
  (offset: 0 | 1): Build =>
  (bench) => {
    const inputs: [Value, Value] = [bench.trained('x', [2, 3, 4]), bench.trained('weight', [4])]
    return bench.builder.add('rmsNorm', inputs, { epsilon: 0.01, offset })[0]
  }

const layerCase =
  (hasBias: boolean): Build =>
  (bench) => {
    const [x, weight] = [bench.trained('x', [2, 3, 4]), bench.trained('weight', [4])]
    const bias = hasBias ? bench.trained('bias', [4]) : null
    return bench.builder.add('layerNorm', [x, weight, bias], { epsilon: 0.01 })[0]
  }

export const normCases = {
  rmsNorm: {
    differentiable: { 'input and weight': rmsCase(0), 'weights around 0': rmsCase(1) },
  },
  layerNorm: { differentiable: { 'with bias': layerCase(true), 'without bias': layerCase(false) } },
  rmsNormBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 4]), bench.fixed('x', [2, 4])]
      const [weight, invStd] = [bench.fixed('weight', [4]), bench.fixed('invStd', [2, 1])]
      return bench.builder.add('rmsNormBackward', [dy, x, weight, invStd], { offset: 0 })[0]
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
  layerNormBackward: {
    refuses: (bench) => {
      const [dy, x, weight] = [bench.trained('dy', [2, 4]), bench.fixed('x', [2, 4]), bench.fixed('w', [4])]
      const [mean, invStd] = [bench.fixed('mean', [2, 1]), bench.fixed('invStd', [2, 1])]
      return bench.builder.add('layerNormBackward', [dy, x, weight, mean, invStd], {})[0]
    },
    derivativeOf: 'layerNorm',
  },
  layerNormWeightBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 4]), bench.fixed('x', [2, 4])]
      const [mean, invStd] = [bench.fixed('mean', [2, 1]), bench.fixed('invStd', [2, 1])]
      return bench.builder.add('layerNormWeightBackward', [dy, x, mean, invStd], {})[0]
    },
    derivativeOf: 'layerNorm',
  },
} satisfies Partial<Rows>
