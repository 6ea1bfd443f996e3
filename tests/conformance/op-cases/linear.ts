// Tables, matrix products and sums.
import type { Dim } from '#engine/ir/types.ts'
import { type CaseBuilder, type OpCase, opCase, vocabulary, width, x3 } from './case-builder.ts'

const productCases = (kind: 'linear' | 'linearInputBackward'): OpCase[] => {
  const [inner, outer] = kind === 'linear' ? [width, 9] : [9, width]
  const run = (c: CaseBuilder, leading: readonly Dim[], addendShape: readonly Dim[] | null, scale: number) =>
    c.builder.add(
      kind,
      [
        c.float('x', [...leading, inner]),
        c.float('weight', [9, width]),
        addendShape ? c.float('addend', addendShape) : null,
      ],
      { scale },
    )
  return [
    opCase(kind, 'plain', (c) => run(c, ['B', 'S'], null, 1)),
    opCase(kind, 'scaled', (c) => run(c, ['B', 'S'], null, 0.25)),
    opCase(kind, 'with an addend', (c) => run(c, ['B', 'S'], ['B', 'S', outer], 2)),
    opCase(kind, 'with a bias', (c) => run(c, ['B', 'S'], [outer], 1)),
    opCase(kind, 'scaled, with a bias', (c) => run(c, ['B', 'S'], [outer], -0.5)),
    opCase(kind, 'of picked rows', (c) => run(c, ['L'], null, 1)),
    opCase(kind, 'of picked rows with an addend', (c) => run(c, ['L'], ['L', outer], 0.5)),
    opCase(kind, 'of one vector for each row', (c) => run(c, ['B'], [outer], 1)),
    opCase(kind, 'of one position', (c) => run(c, ['B', 'S'], [outer], 1), { B: 1, S: 1 }),
  ]
}

const pooled = (variant: string, weight: (random: number, index: number) => number): OpCase[] => [
  opCase('weightedSum', variant, (c) =>
    c.builder.add('weightedSum', [c.float('x', x3), c.float('weights', ['B', 'S'], weight)], {}),
  ),
  opCase('weightedSumBackward', variant, (c) =>
    c.builder.add(
      'weightedSumBackward',
      [c.float('dy', ['B', width]), c.float('weights', ['B', 'S'], weight)],
      {},
    ),
  ),
]

const rowNorms = (variant: string, scale: number, grow: number, isInputFirst = false): OpCase =>
  opCase('adaptedRowNorms', variant, (c) =>
    c.builder.add(
      'adaptedRowNorms',
      [
        c.float('weight', isInputFirst ? [width, 9] : [9, width]),
        c.float('a', [3, width]),
        c.float('b', [9, 3], (x) => grow * x),
      ],
      { scale, isInputFirst },
    ),
  )

export const linearCases: readonly OpCase[] = [
  opCase('embedding', '', (c) =>
    c.builder.add(
      'embedding',
      [c.float('table', [vocabulary, width]), c.whole('ids', ['B', 'S'], vocabulary)],
      {},
    ),
  ),
  opCase('embeddingBackward', 'with repeated ids', (c) =>
    c.builder.add('embeddingBackward', [c.float('dy', x3), c.whole('ids', ['B', 'S'], 3)], { vocabulary }),
  ),
  ...productCases('linear'),
  ...productCases('linearInputBackward'),
  opCase('linearWeightBackward', '', (c) =>
    c.builder.add('linearWeightBackward', [c.float('dy', ['B', 'S', 9]), c.float('x', x3)], { scale: 0.5 }),
  ),
  opCase('linearWeightBackward', 'of picked rows', (c) =>
    c.builder.add('linearWeightBackward', [c.float('dy', ['L', 9]), c.float('x', ['L', width])], {
      scale: 1,
    }),
  ),
  opCase('sumLeading', '', (c) => c.builder.add('sumLeading', [c.float('x', x3)], {})),
  opCase('sumLeading', 'of picked rows', (c) =>
    c.builder.add('sumLeading', [c.float('x', ['L', width])], {}),
  ),
  rowNorms('', 2, 1),
  rowNorms('of an adapter that is still zero', 2, 0),
  rowNorms('of a weight kept input first', 0.5, 1, true),
  ...pooled('', (x) => x),
  ...pooled('means of rows of two lengths', (_, index) => (index < 5 ? 1 / 5 : index < 7 ? 1 / 2 : 0)),
]
