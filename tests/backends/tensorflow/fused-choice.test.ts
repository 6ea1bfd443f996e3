// Which nodes our own operators compute, and what of the loss is computed at all.
import { describe, expect, test } from 'vitest'
import { lowerGraph } from '#backends/tensorflow/lower.ts'
import { GraphBuilder } from '#engine/ir/graph-builder.ts'
import type { AttentionAttributes, Dim, Graph, OpTable, Value } from '#engine/ir/types.ts'
import { optimizerSettings } from '#shared/recipe.ts'
import { bothProducts, flag, isOurs, lower, ofOperator, type Products, weightsOf } from './lowered.ts'
import { wideCheckpointed, wideLora, wideTrainings } from './wide-training.ts'

describe('who is named', () => {
  test('our operators only where they are there, and never in the graph of a card', () => {
    for (const { built } of wideTrainings)
      for (const products of bothProducts) {
        const { graph } = built
        const resident = { settings: optimizerSettings.parse({}), rates: new Map() }
        const ofCard = {
          weights: weightsOf(graph),
          products,
          residence: 'resident',
          hasKernels: true,
        } as const
        expect(lower(graph, products).nodes.some(isOurs)).toBe(true)
        expect(lower(graph, products, false).nodes.filter(isOurs)).toEqual([])
        expect(lowerGraph(graph, ofCard).nodes.filter(isOurs)).toEqual([])
        expect(lowerGraph(graph, { ...ofCard, resident }).nodes.filter(isOurs)).toEqual([])
      }
  })

  /** Attention of heads of 32 with these attributes, as `c` changes its operands. */
  function attentionOperators(
    attributes: Partial<AttentionAttributes>,
    change: (
      builder: GraphBuilder,
      inputs: OpTable['attention']['inputs'],
    ) => OpTable['attention']['inputs'] = (_, inputs) => inputs,
    width = 32,
  ): readonly string[] {
    const builder = new GraphBuilder()
    const shape: readonly Dim[] = ['B', 'S', 2 * width]
    const [q, k, v] = ['q', 'k', 'v'].map((name) => builder.input(name, 'float32', shape))
    const inputs = change(builder, [q!, k!, v!, null, null, null, null])
    const all: AttentionAttributes = {
      ...{ heads: 2, kvHeads: 2, scale: 1, causal: true, window: null, softCap: null, sharesStart: false },
      ...attributes,
    }
    const dOut = builder.input('dOut', 'float32', shape)
    builder.inRegion('layer.0', () => {
      const results = builder.add('attention', inputs, all, 'out', 'sums')
      builder.output(results[0])
      for (const each of builder.add('attentionBackward', [dOut, ...results, ...inputs], all))
        builder.output(each)
    })
    const { nodes } = lower(builder.build(), 'float32')
    return nodes.filter(isOurs).map(({ operator }) => operator)
  }

  const both = ['TunewrightAttention', 'TunewrightAttentionBackward']
  const segments = (builder: GraphBuilder): Value => builder.input('segments', 'int64', ['B', 'S'])

  test('attention of one sequence is ours: causal or not, in a window, in segments, with a shared start', () => {
    expect(attentionOperators({})).toEqual(both)
    expect(attentionOperators({ causal: false })).toEqual(both)
    expect(attentionOperators({ window: 5 })).toEqual(both)
    expect(
      attentionOperators({ sharesStart: true }, (builder, [q, k, v]) => {
        const rows = segments(builder)
        return [q, k, v, rows, rows, null, null]
      }),
    ).toEqual(both)
  })

  test('masks, biases, caps, other sequences and narrow heads stay with the loop over blocks', () => {
    expect(attentionOperators({ softCap: 5 })).toEqual([])
    expect(attentionOperators({}, undefined, 8)).toEqual([])
    expect(
      attentionOperators({}, (builder, [q, k, v]) => {
        const mask = builder.input('mask', 'float32', ['B', 'S', 'S'])
        return [q, k, v, null, null, mask, null]
      }),
    ).toEqual([])
    expect(
      attentionOperators({ causal: false }, (builder, [q, k, v]) => {
        const bias = builder.input('bias', 'float32', ['S', 'S', 2])
        return [q, k, v, null, null, null, bias]
      }),
    ).toEqual([])
    expect(
      attentionOperators({ causal: false }, (builder, [q]) => {
        const [k, v] = ['other k', 'other v'].map((name) => builder.input(name, 'float32', ['B', 'T', 64]))
        return [q, k!, v!, null, null, null, null]
      }),
    ).toEqual([])
    expect(
      attentionOperators({ causal: false }, (builder, [q, k, v]) => {
        const other = builder.input('other', 'int64', ['B', 'S'])
        return [q, k, v, segments(builder), other, null, null]
      }),
    ).toEqual([])
  })
})

describe('the loss', () => {
  const wanted = (graph: Graph, products: Products): readonly (readonly boolean[])[] =>
    ofOperator(lower(graph, products), 'TunewrightCrossEntropy').map((node) => [
      flag(node, 'gives_full'),
      flag(node, 'gives_half'),
    ])

  test('its gradient comes as the next product reads it', () => {
    expect(wanted(wideCheckpointed.built.graph, 'float32')).toEqual([
      [true, false],
      [true, false],
    ])
    expect(wanted(wideLora.built.graph, 'bfloat16')).toEqual([[false, true]])
    const all = wideTrainings.find(({ title }) => title === 'all weights')!
    // The gradient of the vocabulary's weights is a product in float32.
    expect(wanted(all.built.graph, 'bfloat16')).toEqual([
      [true, false],
      [true, false],
    ])
  })

  test('nothing is computed of it that nobody reads', () => {
    const builder = new GraphBuilder()
    const [logits, weights] = [
      builder.input('logits', 'float32', ['L', 80]),
      builder.input('weights', 'float32', ['L']),
    ]
    const targets = builder.input('targets', 'int64', ['L'])
    builder.inRegion('loss.0', () =>
      builder.output(builder.add('softmaxCrossEntropy', [logits, targets, weights], { smoothing: 0 })[0]),
    )
    const graph = builder.build()
    for (const products of bothProducts) expect(wanted(graph, products)).toEqual([[false, false]])
  })
})
