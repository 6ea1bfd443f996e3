// Rotary embedding and attention, with everything that hides keys or bends scores.
import type { AttentionAttributes, OpTable } from '../../../../src/engine/index.ts'
import type { Bench } from '../../support/gradient-check.ts'
import type { Build, Rows } from './cases.ts'

const ropeCase =
  (inverse: boolean, rotated: number): Build =>
  (bench) => {
    const x = bench.trained('x', [2, 3, 8])
    const positions = bench.whole('positions', [2, 3], [0, 1, 2, 5, 2, 0])
    const tables = [bench.fixed('cos', [6, rotated / 2]), bench.fixed('sin', [6, rotated / 2])] as const
    return bench.builder.add('rope', [x, positions, ...tables], { heads: 2, inverse })[0]
  }

interface AttentionCase extends Partial<AttentionAttributes> {
  readonly keys?: number
  readonly segments?: { readonly queries: readonly number[]; readonly keys: readonly number[] }
  readonly hasMask?: boolean
  readonly bias?: 'fixed' | 'trained'
}

/** Two rows of five queries, four heads on two key heads. */
const attentionCase =
  ({ keys = 5, segments, hasMask, bias, ...attributes }: AttentionCase): Build =>
  (bench) => {
    const querySegments = segments ? bench.whole('querySegments', [2, 5], segments.queries) : null
    const isItself = segments && segments.queries === segments.keys
    const inputs: OpTable['attention']['inputs'] = [
      bench.trained('q', [2, 5, 12], 2),
      bench.trained('k', [2, keys, 6], 2),
      bench.trained('v', [2, keys, 6]),
      querySegments,
      segments && !isItself ? bench.whole('keySegments', [2, keys], segments.keys) : querySegments,
      hasMask ? bench.fixed('mask', [2, 5, keys]) : null,
      bias ? bench[bias]('bias', [5, keys, 4]) : null,
    ]
    const all = {
      heads: 4,
      kvHeads: 2,
      scale: 0.6,
      causal: false,
      window: null,
      softCap: null,
      sharesStart: false,
      ...attributes,
    }
    return bench.builder.add('attention', inputs, all)[0]
  }

const documents = [0, 0, 0, 1, 2, 0, 1, 1, 1, 7]
const packed = { queries: documents, keys: documents }

/** Behind a start of two positions that all documents see. */
const started = [0, 0, 1, 1, 2, 0, 0, 1, 2, 2]
const behindStart = { queries: started, keys: started }

/** Keys of another side, of other number: the last query of the second row sees none. */
const otherSide = { queries: [0, 0, 0, 0, 1, 0, 0, 1, 1, 2], keys: [0, 0, 1, 0, 1, 1] }

const forBackward = (bench: Bench, hasBias: boolean): OpTable['attentionBackward']['inputs'] => [
  bench.trained('dOut', [1, 2, 4]),
  bench.fixed('out', [1, 2, 4]),
  bench.fixed('logSumExp', [1, 2, 2]),
  bench.fixed('q', [1, 2, 4]),
  bench.fixed('k', [1, 2, 2]),
  bench.fixed('v', [1, 2, 2]),
  null,
  null,
  null,
  hasBias ? bench.fixed('bias', [2, 2, 2]) : null,
]

const plain = {
  heads: 2,
  kvHeads: 1,
  scale: 1,
  causal: false,
  window: null,
  softCap: null,
  sharesStart: false,
}

export const attentionCases = {
  rope: {
    differentiable: {
      forwards: ropeCase(false, 4),
      backwards: ropeCase(true, 4),
      'part of each head': ropeCase(false, 2),
    },
  },
  attention: {
    differentiable: {
      'every key seen': attentionCase({}),
      causal: attentionCase({ causal: true }),
      masked: attentionCase({ hasMask: true }),
      'causal and masked': attentionCase({ causal: true, hasMask: true }),
      'causal documents': attentionCase({ causal: true, segments: packed }),
      'documents seen whole': attentionCase({ segments: packed }),
      'documents behind a shared start': attentionCase({
        causal: true,
        segments: behindStart,
        sharesStart: true,
      }),
      'a causal window': attentionCase({ causal: true, window: 2 }),
      'a window to both sides': attentionCase({ window: 2 }),
      'a window of one': attentionCase({ window: 1 }),
      'capped scores': attentionCase({ causal: true, softCap: 0.8 }),
      'a trained bias': attentionCase({ bias: 'trained' }),
      'a trained bias behind capped scores': attentionCase({ bias: 'trained', softCap: 0.8 }),
      'keys of another side': attentionCase({ keys: 3 }),
      'keys of another side in segments, none for one query': attentionCase({ keys: 3, segments: otherSide }),
      everything: attentionCase({
        causal: true,
        window: 3,
        softCap: 1.2,
        segments: packed,
        hasMask: true,
        bias: 'trained',
      }),
      'everything but a trained bias': attentionCase({
        causal: true,
        window: 3,
        softCap: 1.2,
        segments: packed,
        hasMask: true,
        bias: 'fixed',
      }),
      'one value as query, key and value': (bench) => {
        const x = bench.trained('x', [2, 3, 6])
        const attributes = { ...plain, heads: 3, kvHeads: 3, causal: true }
        return bench.builder.add('attention', [x, x, x, null, null, null, null], attributes)[0]
      },
    },
  },
  attentionBackward: {
    refuses: (bench) => bench.builder.add('attentionBackward', forBackward(bench, false), plain)[0],
    derivativeOf: 'attention',
  },
  attentionBiasBackward: {
    refuses: (bench) => bench.builder.add('attentionBiasBackward', forBackward(bench, true), plain)[0],
    derivativeOf: 'attention',
  },
  rememberingAttention: {
    refuses: (bench) => {
      const [q, k] = [bench.trained('q', [1, 2, 4]), bench.fixed('k', [1, 2, 2])]
      const past = [bench.fixed('pastK', [1, 3, 2]), bench.fixed('pastV', [1, 3, 2])] as const
      const inputs = [q, k, bench.fixed('v', [1, 2, 2]), ...past, bench.fixed('pastMask', [1, 3])] as const
      const attributes = { heads: 2, kvHeads: 1, scale: 1, softCap: null }
      return bench.builder.add('rememberingAttention', [...inputs], attributes)[0]
    },
    derivativeOf: null,
  },
} satisfies Partial<Rows>
