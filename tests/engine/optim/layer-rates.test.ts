import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { layerLinears, parameterShapes, parseModelConfig, type Task } from '../../../src/engine/index.ts'
import { adapterName } from '../../../src/engine/methods/methods.ts'
import { layerRates } from '../../../src/engine/optim/layer-rates.ts'
import { unwrap } from '../../../src/shared/result.ts'

const published: Readonly<Record<string, { readonly config: object }>> = JSON.parse(
  readFileSync(new URL('../../golden/published-configs.json', import.meta.url), 'utf8'),
)
const configOf = (name: string) => unwrap(parseModelConfig(published[name]?.config))

/** Rate of each weight with a decay of 1/2. */
function halved(name: string, task?: Task): Map<string, number> {
  const config = configOf(name)
  const names = parameterShapes(config, task).map((shape) => shape.name)
  const rates = layerRates(config, names, 0.5)
  return new Map(names.map((weight, i) => [weight, rates[i]!]))
}

describe('layer-wise rates', () => {
  it('halve from block to block below the topmost; embeddings lowest, last norm 1', () => {
    const rates = halved('SmolLM2-135M')
    expect(rates.get('model.embed_tokens.weight')).toBe(0.5 ** 30)
    expect(rates.get('model.layers.0.mlp.up_proj.weight')).toBe(0.5 ** 29)
    expect(rates.get('model.layers.28.input_layernorm.weight')).toBe(0.5)
    expect(rates.get('model.layers.29.self_attn.q_proj.weight')).toBe(1)
    expect(rates.get('model.norm.weight')).toBe(1)
  })

  it.each(Object.keys(published))('of %s: one for each block, embeddings below, the rest above', (name) => {
    const config = configOf(name)
    const adapters = config.blocks.map((_, layer) => adapterName(layerLinears(config, layer)[0]!.path, 'A'))
    expect(layerRates(config, adapters, 0.5)).toEqual(adapters.map((_, i) => 0.5 ** (config.layers - 1 - i)))
    const rates = halved(name)
    expect(rates.get(config.embedding.tokens)).toBe(0.5 ** config.layers)
    const lowest = [...rates.values()].filter((rate) => rate === 0.5 ** config.layers)
    expect(lowest.length).toBeLessThanOrEqual(5)
    if (config.finalNorm) expect(rates.get(`${config.finalNorm}.weight`)).toBe(1)
  })

  it("count a T5 encoder's blocks below its decoder's, position tables with their blocks", () => {
    const rates = halved('t5-small')
    const query = 'layer.0.SelfAttention.q.weight'
    expect(rates.get('shared.weight')).toBe(0.5 ** 12)
    expect(rates.get(`encoder.block.5.${query}`)).toBe(0.5 ** 6)
    expect(rates.get('encoder.final_layer_norm.weight')).toBe(0.5 ** 6)
    expect(rates.get(`decoder.block.0.${query}`)).toBe(0.5 ** 5)
    const table = 'block.0.layer.0.SelfAttention.relative_attention_bias.weight'
    expect(rates.get(`encoder.${table}`)).toBe(0.5 ** 11)
    expect(rates.get(`decoder.${table}`)).toBe(0.5 ** 5)
  })

  it('leave a new head at the whole rate', () => {
    const rates = halved('roberta-base', { kind: 'sequence-classes', classes: 3 })
    expect(rates.get('classifier.out_proj.weight')).toBe(1)
    expect(rates.get('classifier.dense.bias')).toBe(1)
    expect(rates.get('roberta.embeddings.LayerNorm.bias')).toBe(0.5 ** 12)
  })
})
