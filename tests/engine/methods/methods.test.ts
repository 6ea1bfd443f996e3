// Training methods: which weights are trained, how adapters start, and that an adapter at its start changes nothing.
import { describe, expect, test } from 'vitest'
import type { MethodSpec } from '../../../src/engine/index.ts'
import {
  adapterShapes,
  buildLogitsGraph,
  buildScoringGraph,
  buildTrainingGraph,
  initialiseAdapter,
  interpret,
  parameterShapes,
} from '../../../src/engine/index.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { countOf, norm, wholeTensor } from '../support/numbers.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../support/tiny-models.ts'

const config = tinyConfig({ num_hidden_layers: 3 })
const lora: MethodSpec = { kind: 'lora', rank: 2, alpha: 4, targets: linearNames, topLayers: null }

describe('what is trained', () => {
  test('adapters have the names and shapes of PEFT', () => {
    const shapes = adapterShapes(config, { ...lora, targets: ['k_proj', 'down_proj'], topLayers: 1 })
    expect(shapes).toEqual([
      { name: 'model.layers.2.self_attn.k_proj.lora_A.weight', shape: [2, 8] },
      { name: 'model.layers.2.self_attn.k_proj.lora_B.weight', shape: [8, 2] },
      { name: 'model.layers.2.mlp.down_proj.lora_A.weight', shape: [2, 12] },
      { name: 'model.layers.2.mlp.down_proj.lora_B.weight', shape: [8, 2] },
    ])
  })

  test('more top blocks than there are means all', () => {
    expect(adapterShapes(config, { ...lora, topLayers: 99 })).toEqual(adapterShapes(config, lora))
  })

  test.each<[string, MethodSpec]>([
    ['lora', lora],
    ['full', { kind: 'full' }],
    ['none', { kind: 'none' }],
  ])('%s: graphs list the same weights as the method', (_, method) => {
    const built = buildScoringGraph(config, method, { lossChunks: 1, mask: 'causal' })
    const frozen = built.frozen.filter(({ name }) => !name.startsWith('rope.'))
    const [trained, kept] =
      method.kind === 'full'
        ? [parameterShapes(config), []]
        : [adapterShapes(config, method), parameterShapes(config)]
    expect(built.trainable).toEqual(trained)
    expect(frozen).toEqual(kept)
  })

  test('a training graph gives one gradient for each trained weight, in that order', () => {
    const built = buildTrainingGraph(config, lora, { lossChunks: 2, gradientCheckpointing: true })
    const names = built.graph.outputs.map((value) => value.name)
    expect(names).toEqual(['losses.0', 'losses.1', ...built.trainable.map(({ name }) => `grad.${name}`)])
  })

  test('blocks below the lowest trained one have no backward pass', () => {
    const options = { lossChunks: 1, gradientCheckpointing: true }
    const { graph } = buildTrainingGraph(config, { ...lora, topLayers: 1 }, options)
    const regions = new Set(graph.nodes.map((node) => node.region))
    expect(regions).toContain('layer.2.backward')
    for (const block of ['layer.0', 'layer.1']) {
      expect(regions).toContain(block)
      expect(regions).not.toContain(`${block}.backward`)
      expect(regions).not.toContain(`${block}.recompute`)
    }
    const below = graph.nodes.flatMap((node) => node.outputs.map((value) => value.name))
    expect(below).not.toContain('d.layer.1.down_proj')
  })

  test('a method that trains nothing has no training graph', () => {
    const options = { lossChunks: 1, gradientCheckpointing: false }
    expect(() => buildTrainingGraph(config, { kind: 'none' }, options)).toThrow('nothing to train')
  })
})

describe('initialiseAdapter', () => {
  const shapes = adapterShapes(tinyConfig({ hidden_size: 64, intermediate_size: 100 }), { ...lora, rank: 16 })
  const start = initialiseAdapter(shapes, 42)

  test('B is zero; A is uniform within 1/sqrt(inputs)', () => {
    for (const { name, shape } of shapes) {
      const data = start.get(name) ?? new Float32Array()
      expect(data.length).toBe(countOf(shape))
      if (name.includes('lora_B')) expect(norm(data)).toBe(0)
      else {
        const bound = 1 / Math.sqrt(shape[1] ?? 0)
        expect(Math.max(...data)).toBeLessThanOrEqual(Math.fround(bound))
        expect(Math.min(...data)).toBeGreaterThanOrEqual(-Math.fround(bound))
        // The variance of a uniform number in [-b, b] is b^2 / 3.
        const variance = norm(data) ** 2 / data.length
        expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan(0.15)
      }
    }
  })

  test('is a pure function of seed and name', () => {
    const [first] = shapes
    if (!first) throw new Error('no adapter')
    expect(initialiseAdapter([first], 42).get(first.name)).toEqual(start.get(first.name))
    expect(initialiseAdapter([first], 43).get(first.name)).not.toEqual(start.get(first.name))
    const [a, b] = [...start.values()].filter((data) => norm(data) > 0)
    expect(a?.slice(0, 8)).not.toEqual(b?.slice(0, 8))
  })

  test('a fresh adapter leaves the logits as they were, to the bit', () => {
    const base = buildLogitsGraph(config, { kind: 'none' })
    const adapted = buildLogitsGraph(config, lora)
    const feeds = new Map([...weightFeeds(base, config), ...trainingFeeds(config, 1)])
    feeds.set('rows', wholeTensor([3], [0, 4, 9]))
    const start = initialiseAdapter(adapted.trainable, 7)
    const both = new Map(feeds)
    for (const { name, shape } of adapted.trainable)
      both.set(name, { shape, data: start.get(name) ?? new Float32Array() })
    expect(interpret(adapted.graph, both).get('logits')).toEqual(interpret(base.graph, feeds).get('logits'))
  })
})
