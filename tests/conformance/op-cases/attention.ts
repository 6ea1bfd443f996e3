// Rotary embedding and attention: every way of hiding keys and bending scores, and lengths down to one and beyond what
// a backend may take in one piece.
import type { AttentionAttributes, Dim, OpTable, Value } from '#engine/ir/types.ts'
import { type CaseBuilder, type OpCase, opCase, type Sizes } from './case-builder.ts'

const heads = 6
const headWidth = 4

type SegmentOf = (place: number, index: number) => number

interface AttentionCase extends Partial<AttentionAttributes> {
  /** Keys of another side, T of them; else the queries' own. */
  readonly isCross?: boolean
  readonly querySegments?: SegmentOf
  /** Where keys are of another side; else as the queries'. */
  readonly keySegments?: SegmentOf
  readonly mask?: (random: number, index: number) => number
  readonly hasBias?: boolean
  readonly queryScale?: number
  readonly sizes?: Sizes
}

const attributesOf = (one: AttentionCase): AttentionAttributes => ({
  heads: one.heads ?? heads,
  kvHeads: one.kvHeads ?? 2,
  scale: one.scale ?? 0.5,
  causal: one.causal ?? false,
  window: one.window ?? null,
  softCap: one.softCap ?? null,
  sharesStart: one.sharesStart ?? false,
})

function attentionOperands(c: CaseBuilder, one: AttentionCase): OpTable['attention']['inputs'] {
  const keys: Dim = one.isCross ? 'T' : 'S'
  const { heads: queryHeads, kvHeads } = attributesOf(one)
  const kvWidth = kvHeads * headWidth
  const segments = one.querySegments ? c.wholeOf('segments', ['B', 'S'], one.querySegments) : null
  return [
    c.float('q', ['B', 'S', queryHeads * headWidth], (x) => (one.queryScale ?? 2) * x),
    c.float('k', ['B', keys, kvWidth]),
    c.float('v', ['B', keys, kvWidth]),
    segments,
    one.keySegments ? c.wholeOf('keySegments', ['B', keys], one.keySegments) : segments,
    one.mask ? c.float('mask', ['B', 'S', keys], one.mask) : null,
    one.hasBias ? c.float('bias', ['S', keys, queryHeads]) : null,
  ]
}

function runForward(c: CaseBuilder, one: AttentionCase) {
  const inputs = attentionOperands(c, one)
  const results = c.builder.add('attention', inputs, attributesOf(one), 'out', 'logSumExp')
  const dOut = c.float('dOut', inputs[0].shape)
  const forBackward: OpTable['attentionBackward']['inputs'] = [dOut, ...results, ...inputs]
  return { results, forBackward }
}

const forwardOnly = (variant: string, one: AttentionCase): OpCase =>
  opCase(
    'attention',
    variant,
    (c) => c.builder.add('attention', attentionOperands(c, one), attributesOf(one), 'out', 'logSumExp'),
    one.sizes,
  )

const attention = (variant: string, one: AttentionCase): OpCase[] => {
  const attributes = attributesOf(one)
  return [
    forwardOnly(variant, one),
    opCase(
      'attentionBackward',
      variant,
      (c) => c.builder.add('attentionBackward', runForward(c, one).forBackward, attributes),
      one.sizes,
    ),
    ...(one.hasBias
      ? [
          opCase(
            'attentionBiasBackward',
            variant,
            (c) => c.builder.add('attentionBiasBackward', runForward(c, one).forBackward, attributes),
            one.sizes,
          ),
        ]
      : []),
  ]
}

/** As a training step has it: the result goes on, both backward ops read it, nothing else reads logSumExp. */
const wholeStep = (variant: string, one: AttentionCase): OpCase =>
  opCase(
    'attentionBackward',
    `${variant}, with its forward output in use`,
    (c): Value[] => {
      const { results, forBackward } = runForward(c, one)
      const attributes = attributesOf(one)
      const bias = one.hasBias ? c.builder.add('attentionBiasBackward', forBackward, attributes) : []
      return [results[0], ...c.builder.add('attentionBackward', forBackward, attributes), ...bias]
    },
    one.sizes,
  )

/** Blocks of a packed row: positions 0-2 and 3-4 do not see each other. */
const blockMask = (_: number, index: number): number => {
  const [query, key] = [Math.floor(index / 5) % 5, index % 5]
  return query < 3 === key < 3 ? 0 : -1e9
}

/** Rows of 5: documents of 3 and 2 positions; documents of 1, 2 and 1 positions with padding of 1. */
const packed: SegmentOf = (_, index) => [0, 0, 0, 1, 1, 0, 1, 1, 2, 3][index]!

/** Rows of 5: one without padding, one with padding of 3. */
const padded: SegmentOf = (place, index) => (index < 5 || place < 2 ? 0 : 1)

/** Rows of 5: a start of 2 positions that all see, documents of 2 and 1 behind it. */
const behindStart: SegmentOf = (place) => [0, 0, 1, 1, 2][place]!

/** Keys of another side, 4 a row: 4 and 3 of one document; its padding has a number that no query has. */
const otherSide: SegmentOf = (place, index) => (index < 4 || place < 3 ? 0 : 9)

/** Few heads: the reference takes its time. */
const longRow = { heads: 2, kvHeads: 1, sizes: { B: 2, S: 260, T: 140 } }
/** Documents of 7, 14, 21 ... positions. */
const growing: SegmentOf = (place) => Math.floor((Math.sqrt(1 + (8 * place) / 7) - 1) / 2)

const shortCases: readonly OpCase[] = [
  ...attention('every key its own head', { kvHeads: heads }),
  ...attention('one key head', { kvHeads: 1, causal: true }),
  ...attention('causal, grouped', { causal: true }),
  wholeStep('causal, grouped', { causal: true }),
  ...attention('masked', { mask: blockMask }),
  ...attention('causal and masked', { kvHeads: 3, causal: true, mask: blockMask }),
  wholeStep('causal and masked', { kvHeads: 3, causal: true, mask: blockMask }),
  // Scores are 0 here: beside -1e9 float32 would round others away, and float64 would not. Its gradient is undefined.
  forwardOnly('causal, everything masked', { kvHeads: 3, causal: true, mask: () => -1e9, queryScale: 0 }),
  opCase('attention', 'nothing but its output asked for', (c) =>
    runForward(c, { causal: true }).results.slice(0, 1),
  ),
]

const hidingCases: readonly OpCase[] = [
  ...attention('causal documents', { causal: true, querySegments: packed }),
  wholeStep('causal documents', { causal: true, querySegments: packed }),
  ...attention('documents seen whole', { querySegments: packed }),
  ...attention('padded rows', { querySegments: padded }),
  wholeStep('padded rows', { querySegments: padded }),
  ...attention('one document', { causal: true, querySegments: () => 0 }),
  ...attention('every position its own document', { querySegments: (place) => place }),
  ...attention('causal window of 1', { causal: true, window: 1 }),
  ...attention('causal window of 2', { causal: true, window: 2 }),
  ...attention('causal window as long as the row', { causal: true, window: 5 }),
  ...attention('causal window longer than the row', { causal: true, window: 4096 }),
  ...attention('window of 1 to both sides', { window: 1 }),
  ...attention('window of 3 to both sides', { window: 3 }),
  ...attention('window longer than the row to both sides', { window: 4096 }),
  ...attention('documents behind a shared start', {
    causal: true,
    querySegments: behindStart,
    sharesStart: true,
  }),
  wholeStep('documents behind a shared start', {
    causal: true,
    querySegments: behindStart,
    sharesStart: true,
  }),
  ...attention('documents that share no start', {
    causal: true,
    querySegments: (place) => 1 + Math.floor(place / 3),
    sharesStart: true,
  }),
  ...attention('one document behind a start of one position', {
    ...{ causal: true, sharesStart: true, kvHeads: heads },
    querySegments: (place) => Math.min(1, place),
  }),
  ...attention('capped scores of documents behind a shared start', {
    ...{ causal: true, sharesStart: true, softCap: 1.5, queryScale: 6 },
    querySegments: behindStart,
  }),
  ...attention('causal documents in a window', { causal: true, window: 2, querySegments: packed }),
]

const bendingCases: readonly OpCase[] = [
  ...attention('capped scores', { causal: true, softCap: 1.5, queryScale: 6 }),
  ...attention('capped scores in a window', { causal: true, softCap: 1.5, queryScale: 6, window: 2 }),
  ...attention('bias', { hasBias: true }),
  ...attention('causal with bias', { causal: true, hasBias: true }),
  wholeStep('causal with bias', { causal: true, hasBias: true }),
  ...attention('padded rows with bias', { kvHeads: heads, scale: 1, hasBias: true, querySegments: padded }),
  ...attention('everything', {
    causal: true,
    window: 3,
    softCap: 2,
    querySegments: packed,
    mask: (x) => x,
    hasBias: true,
  }),
  wholeStep('everything', {
    causal: true,
    window: 3,
    softCap: 2,
    querySegments: packed,
    mask: (x) => x,
    hasBias: true,
  }),
]

const sideCases: readonly OpCase[] = [
  ...attention('of another side', { isCross: true, kvHeads: heads }),
  ...attention('of another side, grouped, in a window', { isCross: true, window: 2 }),
  ...attention('of another side with bias and mask', { isCross: true, hasBias: true, mask: (x) => x }),
  ...attention('of another side with padding', {
    isCross: true,
    querySegments: () => 0,
    keySegments: otherSide,
  }),
  ...attention('of another side, queries that see nothing', {
    isCross: true,
    querySegments: padded,
    keySegments: otherSide,
  }),
  wholeStep('of another side, queries that see nothing', {
    isCross: true,
    querySegments: padded,
    keySegments: otherSide,
  }),
  ...attention('of another side, longer', { isCross: true, sizes: { S: 3, T: 9 } }),
]

const lengthCases: readonly OpCase[] = [
  ...attention('one position', { causal: true, sizes: { S: 1 } }),
  ...attention('one position in everything', {
    causal: true,
    window: 1,
    softCap: 2,
    querySegments: () => 3,
    hasBias: true,
    sizes: { S: 1 },
  }),
  ...attention('one position, one row, to both sides', { sizes: { B: 1, S: 1 } }),
  ...attention('one key of another side', { isCross: true, sizes: { T: 1 } }),
  ...attention('a long row, causal', { causal: true, ...longRow }),
  wholeStep('a long row, causal', { causal: true, ...longRow }),
  ...attention('a long row in a causal window', { causal: true, window: 37, ...longRow }),
  wholeStep('a long row in a causal window', { causal: true, window: 37, ...longRow }),
  ...attention('a long row of documents', { causal: true, querySegments: growing, ...longRow }),
  ...[50, 200].flatMap((start) => [
    ...attention(`a long row of documents behind ${start} shared positions`, {
      ...{ causal: true, sharesStart: true, ...longRow },
      querySegments: (place) => (place < start ? 0 : 1 + growing(place - start, 0)),
    }),
    wholeStep(`a long row of documents behind ${start} shared positions`, {
      ...{ causal: true, sharesStart: true, ...longRow },
      querySegments: (place) => (place < start ? 0 : 1 + growing(place - start, 0)),
    }),
  ]),
  ...attention('a long row of documents seen whole', { querySegments: growing, ...longRow }),
  ...attention('a long row, capped, in a window to both sides', { window: 37, softCap: 2, ...longRow }),
  ...attention('a long row with bias', { causal: true, hasBias: true, ...longRow }),
  ...attention('a long row of another side', { isCross: true, ...longRow }),
]

const remembering = (
  variant: string,
  kvHeads: number,
  positions: Dim,
  mask: (index: number) => number,
  softCap: number | null = null,
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
      { heads, kvHeads, scale: 0.5, softCap },
    )
  })

const rope = (variant: string, inverse: boolean, rotated: number, headCount = heads): OpCase =>
  opCase('rope', variant, (c) =>
    c.builder.add(
      'rope',
      [
        c.float('x', ['B', 'S', headCount * headWidth]),
        c.whole('positions', ['B', 'S'], 16),
        c.float('cos', [16, rotated / 2]),
        c.float('sin', [16, rotated / 2]),
      ],
      { heads: headCount, inverse },
    ),
  )

export const attentionCases: readonly OpCase[] = [
  rope('forward', false, headWidth),
  rope('inverse', true, headWidth),
  rope('of part of each head', false, 2),
  rope('of part of each head, inverse', true, 2),
  rope('of one head', false, headWidth, 1),
  rope('of part of one head', false, 2, 1),
  ...shortCases,
  ...hidingCases,
  ...bendingCases,
  ...sideCases,
  ...lengthCases,
  remembering('every key its own head', heads, 'S', () => 0),
  remembering('grouped, rows of two lengths', 2, 'S', (index) => (index < 5 ? 0 : -1e9)),
  remembering('one new position', 3, 1, (index) => (index === 1 ? -1e9 : 0)),
  remembering('nothing remembered', 2, 'S', () => -1e9),
  remembering('capped scores', 2, 'S', (index) => (index < 5 ? 0 : -1e9), 1.5),
]
