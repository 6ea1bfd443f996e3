// Gradients of a whole small Llama: against central differences in float64, and the same bits under every ordering.
import { describe, expect, test } from 'vitest'
import type { MethodSpec, ModelConfig } from '../../../src/engine/index.ts'
import { buildScoringGraph, buildTrainingGraph, interpret } from '../../../src/engine/index.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { worstGradientError } from '../support/gradient-check.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../support/tiny-models.ts'

const lora: MethodSpec = { kind: 'lora', rank: 2, alpha: 3, targets: linearNames, topLayers: null }
const models: Readonly<Record<string, ModelConfig>> = {
  untied: tinyConfig(),
  tied: tinyConfig({ tie_word_embeddings: true }),
  biased: tinyConfig({ attention_bias: true, mlp_bias: true, num_key_value_heads: 1 }),
}
const methods: Readonly<Record<string, MethodSpec>> = {
  full: { kind: 'full' },
  'LoRA on all linears': lora,
  'LoRA on some linears of the top block': { ...lora, targets: ['q_proj', 'down_proj'], topLayers: 1 },
}

function gradients(
  config: ModelConfig,
  method: MethodSpec,
  lossChunks: number,
  gradientCheckpointing: boolean,
) {
  const built = buildTrainingGraph(config, method, { lossChunks, gradientCheckpointing })
  const feeds = new Map([...weightFeeds(built, config), ...trainingFeeds(config, lossChunks)])
  const results = interpret(built.graph, feeds)
  return { feeds, results, values: new Map([...results].map(([name, { data }]) => [name, data])) }
}

describe.each(Object.entries(models))('%s', (_, config) => {
  describe.each(Object.entries(methods))('%s', (_, method) => {
    test.each([
      [1, false],
      [2, true],
    ])('against central differences: %i chunks, checkpointing %s', (lossChunks, isCheckpointed) => {
      const { values, feeds } = gradients(config, method, lossChunks, isCheckpointed)
      const { graph } = buildScoringGraph(config, method, { lossChunks, mask: 'causal' })
      expect(worstGradientError(graph, graph.outputs, values, feeds, 6)).toBeLessThan(1e-5)
    })

    test('checkpointing changes no bit', () => {
      const kept = gradients(config, method, 2, false).values
      const recomputed = gradients(config, method, 2, true).values
      expect([...recomputed.keys()]).toEqual([...kept.keys()])
      for (const [name, data] of kept) expect(recomputed.get(name), name).toEqual(data)
    })
  })
})
