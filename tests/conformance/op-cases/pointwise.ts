// What works number by number, and views and cuts along the last dimension.
import type { Activation, Value } from '#engine/ir/types.ts'
import { type CaseBuilder, type OpCase, opCase, width, x3 } from './case-builder.ts'

/** Both ends of the scale, and 0 itself. */
const wide = (random: number, index: number): number => (index % 7 === 0 ? 0 : 20 * random)

const activationCases = (kind: Activation): OpCase[] => [
  opCase('activation', kind, (c) => c.builder.add('activation', [c.float('x', x3, wide)], { kind })),
  opCase('activation', `${kind} near 0`, (c) => c.builder.add('activation', [c.float('x', x3)], { kind })),
  opCase('activationBackward', kind, (c) =>
    c.builder.add('activationBackward', [c.float('dy', x3), c.float('x', x3, wide)], { kind }),
  ),
  opCase('activationBackward', `${kind} near 0`, (c) =>
    c.builder.add('activationBackward', [c.float('dy', x3), c.float('x', x3)], { kind }),
  ),
  opCase('gatedActivation', kind, (c) =>
    c.builder.add('gatedActivation', [c.float('gate', x3, wide), c.float('up', x3)], { kind }),
  ),
  opCase('gatedActivationBackward', kind, (c) =>
    c.builder.add(
      'gatedActivationBackward',
      [c.float('dy', x3), c.float('gate', x3, wide), c.float('up', x3)],
      { kind },
    ),
  ),
]

const fused = (c: CaseBuilder): Value => c.float('x', ['B', 'S', 7])

const viewCases: readonly OpCase[] = [
  opCase('splitLast', '', (c) => c.builder.add('splitLast', [c.float('x', x3)], { parts: 3 })),
  opCase('splitLast', 'into one part', (c) => c.builder.add('splitLast', [c.float('x', x3)], { parts: 1 })),
  opCase('splitLast', 'of picked rows', (c) =>
    c.builder.add('splitLast', [c.float('x', ['L', width])], { parts: 4 }),
  ),
  opCase('mergeLast', '', (c) => c.builder.add('mergeLast', [c.float('x', ['B', 'S', 3, 4])], {})),
  opCase('mergeLast', 'behind a norm of each part', (c) => {
    const [parts] = c.builder.add('splitLast', [c.float('x', x3)], { parts: 3 })
    const inputs: [Value, Value] = [parts, c.float('weight', [4])]
    const [normed] = c.builder.add('rmsNorm', inputs, { epsilon: 1e-5, offset: 0 })
    return c.builder.add('mergeLast', [normed], {})
  }),
  opCase('slices', '', (c) => c.builder.add('slices', [fused(c)], { widths: [4, 1, 2] })),
  opCase('slices', 'one part', (c) => c.builder.add('slices', [fused(c)], { widths: [7] })),
  opCase('slices', 'not all of them asked for', (c) => {
    const [, second] = c.builder.add('slices', [fused(c)], { widths: [4, 1, 2] })
    return [second!]
  }),
  opCase('concatLast', '', (c) =>
    c.builder.add(
      'concatLast',
      [c.float('a', ['B', 'S', 4]), c.float('b', ['B', 'S', 1]), c.float('c', ['B', 'S', 2])],
      {},
    ),
  ),
  opCase('concatLast', 'one value', (c) => c.builder.add('concatLast', [c.float('a', x3)], {})),
  opCase('concatLast', 'a value twice', (c) => {
    const a = c.float('a', ['L', 4])
    return c.builder.add('concatLast', [a, c.float('b', ['L', 2]), a], {})
  }),
]

const scalingCases: readonly OpCase[] = [
  opCase('scale', '', (c) => c.builder.add('scale', [c.float('x', x3)], { factor: -22.6 })),
  opCase('scale', 'to zeros', (c) => c.builder.add('scale', [c.float('x', x3)], { factor: 0 })),
  opCase('softCap', '', (c) =>
    c.builder.add('softCap', [c.float('x', ['L', width], (x) => 90 * x)], { cap: 30 }),
  ),
  opCase('softCapBackward', '', (c) => {
    const [y] = c.builder.add('softCap', [c.float('x', ['L', width], (x) => 90 * x)], { cap: 30 })
    return c.builder.add('softCapBackward', [c.float('dy', ['L', width]), y], { cap: 30 })
  }),
  opCase('multiply', '', (c) => c.builder.add('multiply', [c.float('a', x3), c.float('b', x3)], {})),
  opCase('multiply', 'a value and itself', (c) => {
    const a = c.float('a', x3)
    return c.builder.add('multiply', [a, a], {})
  }),
  opCase('multiplyColumns', '', (c) =>
    c.builder.add('multiplyColumns', [c.float('x', x3), c.float('factors', [width])], {}),
  ),
  opCase(
    'multiplyColumns',
    'of a square',
    (c) => c.builder.add('multiplyColumns', [c.float('x', ['S', width]), c.float('factors', [width])], {}),
    { S: width },
  ),
  opCase('multiplyColumnsBackward', '', (c) =>
    c.builder.add('multiplyColumnsBackward', [c.float('dy', x3), c.float('x', x3)], {}),
  ),
  opCase('divideByConstants', '', (c) =>
    c.builder.add(
      'divideByConstants',
      [c.float('a', [width]), c.float('constants', [width], (x) => x + 2)],
      {},
    ),
  ),
  opCase('add', '', (c) => c.builder.add('add', [c.float('a', x3), c.float('b', x3)], {})),
]

export const pointwiseCases: readonly OpCase[] = [
  ...activationCases('silu'),
  ...activationCases('gelu'),
  ...activationCases('gelu-tanh'),
  ...activationCases('relu'),
  ...activationCases('tanh'),
  ...scalingCases,
  ...viewCases,
  opCase('ones', '', (c) => c.builder.add('ones', [c.float('like', x3)], {})),
  opCase('tie', '', (c) =>
    c.builder.add('tie', [c.float('x', x3), c.float('a', ['L']), c.float('b', [3])], {}),
  ),
]
