// One small graph per op and variant, with random feeds. Every backend must agree with the reference interpreter.
import type { Tensor } from '#engine/backend-port.ts'
import { counterRandom } from '#engine/index.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { Dim, Graph, OpKind, Value } from '#engine/ir/types.ts'
import { countOf, wholeTensor } from '../engine/support/numbers.ts'

export interface OpCase {
  readonly name: string
  readonly kind: OpKind
  readonly graph: Graph
  readonly feeds: ReadonlyMap<string, Tensor>
}

/** Sizes that are all different, so that swapped dimensions show. */
const sizes: Readonly<Record<string, number>> = { B: 2, S: 5, L: 7, M: 3 }
const width = 12
const vocabulary = 11
const heads = 6
const headWidth = 4

/** Builds one case: its graph and its feeds grow together. */
class CaseBuilder {
  readonly builder = new GraphBuilder()
  readonly feeds = new Map<string, Tensor>()
  readonly #caseName: string

  constructor(caseName: string) {
    this.#caseName = caseName
  }

  #random(name: string): (index: number) => number {
    return counterRandom(17, `${this.#caseName}: ${name}`)
  }

  #bind(shape: readonly Dim[]): number[] {
    return shape.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]!))
  }

  float(
    name: string,
    shape: readonly Dim[],
    fill: (random: number, index: number) => number = (x) => x,
  ): Value {
    const [bound, random] = [this.#bind(shape), this.#random(name)]
    const data = Float32Array.from({ length: countOf(bound) }, (_, i) => fill(2 * random(i) - 1, i))
    this.feeds.set(name, { dtype: 'float32', shape: bound, data })
    return this.builder.input(name, 'float32', shape)
  }

  whole(name: string, shape: readonly Dim[], below: number): Value {
    const [bound, random] = [this.#bind(shape), this.#random(name)]
    const numbers = Array.from({ length: countOf(bound) }, (_, i) => Math.floor(random(i) * below))
    this.feeds.set(name, wholeTensor(bound, numbers))
    return this.builder.input(name, 'int64', shape)
  }
}

function opCase(kind: OpKind, variant: string, make: (c: CaseBuilder) => readonly Value[]): OpCase {
  const name = variant === '' ? kind : `${kind}, ${variant}`
  const c = new CaseBuilder(name)
  for (const value of c.builder.inRegion('layer.0', () => make(c))) c.builder.output(value)
  return { name, kind, graph: c.builder.build(), feeds: c.feeds }
}

const x3: readonly Dim[] = ['B', 'S', width]

const linearCases = (kind: 'linear' | 'linearInputBackward'): OpCase[] => {
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
    opCase(kind, 'of picked rows', (c) => run(c, ['L'], null, 1)),
    opCase(kind, 'of picked rows with an addend', (c) => run(c, ['L'], ['L', outer], 0.5)),
    ...(kind === 'linear' ? [opCase(kind, 'with a bias', (c) => run(c, ['B', 'S'], [outer], 1))] : []),
  ]
}

const attentionCase = (
  variant: string,
  options: {
    kvHeads: number
    causal: boolean
    mask?: (random: number, index: number) => number
    queryScale?: number
  },
): OpCase[] => {
  const { kvHeads, causal } = options
  const attributes = { heads, kvHeads, scale: 0.5 }
  const operands = (c: CaseBuilder): [Value, Value, Value] => [
    c.float('q', ['B', 'S', heads * headWidth], (x) => (options.queryScale ?? 2) * x),
    c.float('k', ['B', 'S', kvHeads * headWidth]),
    c.float('v', ['B', 'S', kvHeads * headWidth]),
  ]
  const forward = (c: CaseBuilder, [q, k, v]: [Value, Value, Value]) =>
    c.builder.add(
      'attention',
      [q, k, v, options.mask ? c.float('mask', ['B', 'S', 'S'], options.mask) : null],
      { ...attributes, causal },
      'out',
      'probs',
    )
  return [
    opCase('attention', variant, (c) => forward(c, operands(c))),
    opCase('attentionBackward', variant, (c) => {
      const qkv = operands(c)
      const [, probs] = forward(c, qkv)
      const dOut = c.float('dOut', ['B', 'S', heads * headWidth])
      return c.builder.add('attentionBackward', [dOut, ...qkv, probs], attributes)
    }),
    opCase('attentionBackward', `${variant}, with its forward output in use`, (c) => {
      const qkv = operands(c)
      const [out, probs] = forward(c, qkv)
      const dOut = c.float('dOut', ['B', 'S', heads * headWidth])
      return [out, ...c.builder.add('attentionBackward', [dOut, ...qkv, probs], attributes)]
    }),
  ]
}

const rememberingCase = (
  variant: string,
  kvHeads: number,
  positions: Dim,
  mask: (index: number) => number,
): OpCase =>
  opCase('rememberingAttention', variant, (c) => {
    const present = ['B', positions]
    return c.builder.add(
      'rememberingAttention',
      [
        c.float('q', [...present, heads * headWidth], (x) => 2 * x),
        c.float('k', [...present, kvHeads * headWidth]),
        c.float('v', [...present, kvHeads * headWidth]),
        c.float('pastK', ['B', 'M', kvHeads * headWidth]),
        c.float('pastV', ['B', 'M', kvHeads * headWidth]),
        c.float('pastMask', ['B', 'M'], (_, index) => mask(index)),
      ],
      { heads, kvHeads, scale: 0.5 },
    )
  })

const rope = (variant: string, inverse: boolean): OpCase =>
  opCase('rope', variant, (c) =>
    c.builder.add(
      'rope',
      [
        c.float('x', ['B', 'S', heads * headWidth]),
        c.whole('positions', ['B', 'S'], 16),
        c.float('cos', [16, headWidth / 2]),
        c.float('sin', [16, headWidth / 2]),
      ],
      { heads, inverse },
    ),
  )

const crossEntropy = (variant: string, logit: (random: number) => number): OpCase =>
  opCase('softmaxCrossEntropy', variant, (c) =>
    c.builder.add(
      'softmaxCrossEntropy',
      [
        c.float('logits', ['L', vocabulary], logit),
        c.whole('targets', ['L'], vocabulary),
        c.float('weights', ['L'], (x, index) => (index === 2 ? 0 : x + 1.5)),
      ],
      {},
    ),
  )

/** Blocks of a packed row: positions 0-2 and 3-4 do not see each other. */
const blockMask = (_: number, index: number): number => {
  const [query, key] = [Math.floor(index / 5) % 5, index % 5]
  return query < 3 === key < 3 ? 0 : -1e9
}

export const opCases: readonly OpCase[] = [
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
  ...linearCases('linear'),
  ...linearCases('linearInputBackward'),
  opCase('linearWeightBackward', '', (c) =>
    c.builder.add('linearWeightBackward', [c.float('dy', ['B', 'S', 9]), c.float('x', x3)], { scale: 0.5 }),
  ),
  opCase('linearWeightBackward', 'of picked rows', (c) =>
    c.builder.add('linearWeightBackward', [c.float('dy', ['L', 9]), c.float('x', ['L', width])], {
      scale: 1,
    }),
  ),
  opCase('sumLeading', '', (c) => c.builder.add('sumLeading', [c.float('x', x3)], {})),
  opCase('rmsNorm', '', (c) =>
    c.builder.add('rmsNorm', [c.float('x', x3), c.float('weight', [width])], { epsilon: 1e-5 }),
  ),
  opCase('rmsNorm', 'of tiny numbers', (c) =>
    c.builder.add('rmsNorm', [c.float('x', x3, (x) => x * 1e-4), c.float('weight', [width])], {
      epsilon: 1e-5,
    }),
  ),
  opCase('rmsNormBackward', '', (c) => {
    const x = c.float('x', x3)
    const weight = c.float('weight', [width])
    const [, invStd] = c.builder.add('rmsNorm', [x, weight], { epsilon: 1e-5 })
    return c.builder.add('rmsNormBackward', [c.float('dy', x3), x, weight, invStd], {})
  }),
  opCase('rmsNormWeightBackward', '', (c) =>
    c.builder.add(
      'rmsNormWeightBackward',
      [c.float('dy', x3), c.float('x', x3), c.float('invStd', ['B', 'S', 1], (x) => x + 2)],
      {},
    ),
  ),
  rope('forward', false),
  rope('inverse', true),
  ...attentionCase('every key its own head', { kvHeads: heads, causal: false }),
  ...attentionCase('causal, grouped', { kvHeads: 2, causal: true }),
  ...attentionCase('masked', { kvHeads: 2, causal: false, mask: blockMask }),
  ...attentionCase('causal and masked', { kvHeads: 3, causal: true, mask: blockMask }),
  // Scores are 0 here: beside -1e9 float32 would round others away, and float64 would not.
  ...attentionCase('causal, everything masked', {
    kvHeads: 3,
    causal: true,
    mask: () => -1e9,
    queryScale: 0,
  }),
  rememberingCase('every key its own head', heads, 'S', () => 0),
  rememberingCase('grouped, rows of two lengths', 2, 'S', (index) => (index < 5 ? 0 : -1e9)),
  rememberingCase('one new position', 3, 1, (index) => (index === 1 ? -1e9 : 0)),
  rememberingCase('nothing remembered', 2, 'S', () => -1e9),
  opCase('swiglu', '', (c) =>
    c.builder.add('swiglu', [c.float('gate', x3, (x) => 20 * x), c.float('up', x3)], {}),
  ),
  opCase('swigluBackward', '', (c) =>
    c.builder.add(
      'swigluBackward',
      [c.float('dy', x3), c.float('gate', x3, (x) => 20 * x), c.float('up', x3)],
      {},
    ),
  ),
  opCase('add', '', (c) => c.builder.add('add', [c.float('a', x3), c.float('b', x3)], {})),
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
  crossEntropy('', (x) => 3 * x),
  crossEntropy('of logits hundreds apart', (x) => 300 * x),
  opCase('softmaxCrossEntropy', 'with the products that read its gradient', (c) => {
    const logits = c.float('logits', ['L', vocabulary])
    const weights = c.float('weights', ['L'], (x) => x + 1.5)
    const inputs = [logits, c.whole('targets', ['L'], vocabulary), weights] as const
    const [losses, dLogits] = c.builder.add('softmaxCrossEntropy', [...inputs], {})
    const table = c.float('table', [vocabulary, width])
    const x = c.float('x', ['L', width])
    const [dx] = c.builder.add('linearInputBackward', [dLogits, table, null], { scale: 1 })
    const [dSum] = c.builder.add('linearInputBackward', [dLogits, table, x], { scale: 2 })
    const [dTable] = c.builder.add('linearWeightBackward', [dLogits, x], { scale: 3 })
    return [losses, dx, dSum, dTable]
  }),
  opCase('multiplyRows', '', (c) =>
    c.builder.add('multiplyRows', [c.float('x', ['L', vocabulary]), c.float('factors', ['L'])], {}),
  ),
  opCase('ones', '', (c) => c.builder.add('ones', [c.float('like', x3)], {})),
  opCase('tie', '', (c) =>
    c.builder.add('tie', [c.float('x', x3), c.float('a', ['L']), c.float('b', [3])], {}),
  ),
]
