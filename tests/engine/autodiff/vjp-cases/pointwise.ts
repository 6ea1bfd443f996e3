// What works number by number, and views and cuts along the last dimension.
import type { Activation } from '../../../../src/engine/index.ts'
import type { Build, Rows } from './cases.ts'

const everyKind = (build: (kind: Activation) => Build): Readonly<Record<Activation, Build>> => ({
  silu: build('silu'),
  gelu: build('gelu'),
  'gelu-tanh': build('gelu-tanh'),
  relu: build('relu'),
  tanh: build('tanh'),
})

export const pointwiseCases = {
  activation: {
    differentiable: everyKind((kind) => (bench) => {
      return bench.builder.add('activation', [bench.trained('x', [4, 5], 4)], { kind })[0]
    }),
  },
  gatedActivation: {
    differentiable: everyKind((kind) => (bench) => {
      const [gate, up] = [bench.trained('gate', [4, 5], 4), bench.trained('up', [4, 5])]
      return bench.builder.add('gatedActivation', [gate, up], { kind })[0]
    }),
  },
  scale: {
    differentiable: {
      'a factor': (bench) => bench.builder.add('scale', [bench.trained('x', [2, 5])], { factor: -1.7 })[0],
    },
  },
  softCap: {
    differentiable: {
      'numbers beyond the cap': (bench) =>
        bench.builder.add('softCap', [bench.trained('x', [2, 5], 4)], { cap: 1.5 })[0],
    },
  },
  multiply: {
    differentiable: {
      'two values': (bench) =>
        bench.builder.add('multiply', [bench.trained('a', [2, 5]), bench.trained('b', [2, 5])], {})[0],
      'a value and itself': (bench) => {
        const a = bench.trained('a', [2, 5])
        return bench.builder.add('multiply', [a, a], {})[0]
      },
    },
  },
  multiplyColumns: {
    differentiable: {
      'rows and factors': (bench) => {
        const [x, factors] = [bench.trained('x', [2, 3, 4]), bench.trained('factors', [4])]
        return bench.builder.add('multiplyColumns', [x, factors], {})[0]
      },
    },
  },
  divideByConstants: {
    differentiable: {
      'the dividend': (bench) =>
        bench.builder.add('divideByConstants', [bench.trained('a', [5]), bench.fixed('c', [5], 2)], {})[0],
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
  splitLast: {
    differentiable: {
      'each part normed by itself': (bench) => {
        const [parts] = bench.builder.add('splitLast', [bench.trained('x', [2, 3, 8])], { parts: 2 })
        return bench.builder.add('rmsNorm', [parts, bench.fixed('w', [4])], { epsilon: 0.01, offset: 0 })[0]
      },
    },
  },
  mergeLast: {
    differentiable: {
      'parts put together': (bench) => bench.builder.add('mergeLast', [bench.trained('x', [2, 3, 4])], {})[0],
    },
  },
  slices: {
    differentiable: {
      'all parts used, each in its way': (bench) => {
        const [a, b] = bench.builder.add('slices', [bench.trained('x', [2, 3, 6])], { widths: [3, 3] })
        return bench.builder.add('multiply', [a, b!], {})[0]
      },
      'one part that nothing needs': (bench) => {
        const [a, , c] = bench.builder.add('slices', [bench.trained('x', [2, 3, 7])], { widths: [2, 4, 1] })
        return bench.builder.add('concatLast', [c!, a], {})[0]
      },
    },
  },
  concatLast: {
    differentiable: {
      'three values': (bench) => {
        const [a, b] = [bench.trained('a', [2, 3, 2]), bench.trained('b', [2, 3, 1])]
        return bench.builder.add('concatLast', [a, b, bench.trained('c', [2, 3, 4])], {})[0]
      },
      'a value twice beside one that gets no gradient': (bench) => {
        const a = bench.trained('a', [2, 3, 2])
        return bench.builder.add('concatLast', [a, bench.fixed('b', [2, 3, 1]), a], {})[0]
      },
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
  activationBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 5]), bench.fixed('x', [2, 5])]
      return bench.builder.add('activationBackward', [dy, x], { kind: 'gelu' })[0]
    },
    derivativeOf: 'activation',
  },
  gatedActivationBackward: {
    refuses: (bench) => {
      const [gate, up] = [bench.fixed('gate', [2, 5]), bench.fixed('up', [2, 5])]
      const inputs = [bench.trained('dy', [2, 5]), gate, up] as const
      return bench.builder.add('gatedActivationBackward', [...inputs], { kind: 'silu' })[0]
    },
    derivativeOf: 'gatedActivation',
  },
  softCapBackward: {
    refuses: (bench) => {
      const [dy, y] = [bench.trained('dy', [2, 5]), bench.fixed('y', [2, 5])]
      return bench.builder.add('softCapBackward', [dy, y], { cap: 2 })[0]
    },
    derivativeOf: 'softCap',
  },
  multiplyColumnsBackward: {
    refuses: (bench) => {
      const [dy, x] = [bench.trained('dy', [2, 5]), bench.fixed('x', [2, 5])]
      return bench.builder.add('multiplyColumnsBackward', [dy, x], {})[0]
    },
    derivativeOf: 'multiplyColumns',
  },
} satisfies Partial<Rows>
