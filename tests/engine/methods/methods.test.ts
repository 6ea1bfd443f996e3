// Training methods: which weights are trained, under which names, and that graphs list the same.
import { describe, expect, test } from 'vitest'
import type { MethodSpec, ModelConfig, Task } from '../../../src/engine/index.ts'
import {
  adapterShapes,
  buildScoringGraph,
  buildTrainingGraph,
  lowestTrainedLayer,
  parameterShapes,
  trainableShapes,
} from '../../../src/engine/index.ts'
import { adapterScale } from '../../../src/engine/methods/methods.ts'
import { tinyLora } from '../support/tiny-methods.ts'
import { tinyConfig } from '../support/tiny-models.ts'

const config = tinyConfig({ num_hidden_layers: 3 })
const lora = { ...tinyLora, rank: 4, alpha: 8 }
const classes: Task = { kind: 'sequence-classes', classes: 3 }
const namesOf = (shapes: readonly { readonly name: string }[]): string[] => shapes.map(({ name }) => name)
const options = { lossChunks: 1, gradientCheckpointing: true }

describe('adapters', () => {
  test('have the names and shapes of PEFT', () => {
    const shapes = adapterShapes(config, { ...lora, targets: ['k_proj', 'down_proj'], topLayers: 1 })
    expect(shapes).toEqual([
      { name: 'model.layers.2.self_attn.k_proj.lora_A.weight', shape: [4, 8] },
      { name: 'model.layers.2.self_attn.k_proj.lora_B.weight', shape: [8, 4] },
      { name: 'model.layers.2.mlp.down_proj.lora_A.weight', shape: [4, 12] },
      { name: 'model.layers.2.mlp.down_proj.lora_B.weight', shape: [8, 4] },
    ])
  })

  test('decomposed, have a magnitude for each row of the weight', () => {
    const shapes = adapterShapes(config, { ...lora, targets: ['gate_proj'], topLayers: 1, decomposed: true })
    expect(shapes).toEqual([
      { name: 'model.layers.2.mlp.gate_proj.lora_A.weight', shape: [4, 8] },
      { name: 'model.layers.2.mlp.gate_proj.lora_B.weight', shape: [12, 4] },
      { name: 'model.layers.2.mlp.gate_proj.lora_magnitude_vector', shape: [12] },
    ])
  })

  test('more top blocks than there are means all', () => {
    expect(adapterShapes(config, { ...lora, topLayers: 99 })).toEqual(adapterShapes(config, lora))
  })

  test('scale by alpha / r, rank-stabilised by alpha / sqrt(r)', () => {
    expect(adapterScale(lora)).toBe(2)
    expect(adapterScale({ ...lora, scaling: 'rank-stabilised' })).toBe(4)
  })
})

describe('what is trained', () => {
  const methods: readonly [string, MethodSpec, ModelConfig, Task, readonly string[]][] = [
    ['lora', lora, config, { kind: 'language-model' }, namesOf(adapterShapes(config, lora))],
    ['lora and a new head', lora, config, classes, ['score.weight', ...namesOf(adapterShapes(config, lora))]],
    ['a new head', { kind: 'head' }, config, classes, ['score.weight']],
    [
      'full',
      { kind: 'full', topLayers: null },
      config,
      { kind: 'language-model' },
      namesOf(parameterShapes(config)),
    ],
    [
      'full, the topmost block',
      { kind: 'full', topLayers: 1 },
      config,
      { kind: 'language-model' },
      namesOf(parameterShapes(config)).filter(
        (name) => name.startsWith('model.layers.2.') || /^model\.norm|^lm_head/.test(name),
      ),
    ],
    ['none', { kind: 'none' }, config, { kind: 'language-model' }, []],
  ]

  test.each(methods)(
    '%s: method and graph agree, everything else is frozen',
    (_, method, model, task, names) => {
      const built = buildScoringGraph(model, method, { lossChunks: 1, task })
      expect(namesOf(built.trainable)).toEqual(names)
      expect(built.trainable).toEqual(trainableShapes(model, method, task))
      const frozen = namesOf(built.frozen).filter((name) => !name.startsWith('rope.'))
      const kept = namesOf(parameterShapes(model, task)).filter((name) => !names.includes(name))
      expect(frozen.sort()).toEqual(kept.sort())
    },
  )

  test('the topmost blocks of a tied model leave its embeddings frozen, though logits come from them', () => {
    const tied = tinyConfig({ tie_word_embeddings: true })
    const names = namesOf(trainableShapes(tied, { kind: 'full', topLayers: 2 }))
    expect(names).toEqual(namesOf(parameterShapes(tied)).filter((name) => !name.includes('embed_tokens')))
  })

  test('the lowest block that is trained', () => {
    expect(lowestTrainedLayer(config, lora)).toBe(0)
    expect(lowestTrainedLayer(config, { ...lora, topLayers: 2 })).toBe(1)
    expect(lowestTrainedLayer(config, { kind: 'full', topLayers: 9 })).toBe(0)
    expect(lowestTrainedLayer(config, { kind: 'head' })).toBe(3)
  })

  test('a training graph gives one gradient for each trained weight, in that order', () => {
    const built = buildTrainingGraph(config, { ...lora, decomposed: true }, { ...options, lossChunks: 2 })
    const names = built.graph.outputs.map((value) => value.name)
    expect(names).toEqual(['losses.0', 'losses.1', ...built.trainable.map(({ name }) => `grad.${name}`)])
  })

  test.each<[string, MethodSpec, Task]>([
    ['LoRA on the topmost block', { ...lora, topLayers: 1 }, { kind: 'language-model' }],
    ['the topmost block itself', { kind: 'full', topLayers: 1 }, { kind: 'language-model' }],
    ['a head', { kind: 'head' }, classes],
  ])('%s: blocks below the lowest trained one have no backward pass', (_, method, task) => {
    const { graph } = buildTrainingGraph(config, method, { ...options, task })
    const regions = new Set(graph.nodes.map((node) => node.region))
    for (let layer = 0; layer < config.layers; layer += 1) {
      const isTrained = layer >= lowestTrainedLayer(config, method)
      expect(regions).toContain(`layer.${layer}`)
      expect(regions.has(`layer.${layer}.backward`)).toBe(isTrained)
      expect(regions.has(`layer.${layer}.recompute`)).toBe(isTrained)
    }
    expect(regions).not.toContain('embedding.backward')
  })

  test('a method that trains nothing has no training graph', () => {
    expect(() => buildTrainingGraph(config, { kind: 'none' }, options)).toThrow('nothing to train')
    expect(() => buildTrainingGraph(config, { kind: 'head' }, options)).toThrow('nothing to train')
  })
})
