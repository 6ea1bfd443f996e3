// What passes leave: no dead node, ties no larger than needed; and one whole training graph as text.
import { describe, expect, test } from 'vitest'
import type { Graph, MethodSpec } from '../../../src/engine/index.ts'
import {
  buildTrainingGraph,
  differentiate,
  GraphBuilder,
  printGraph,
  verifyGraph,
} from '../../../src/engine/index.ts'
import { operandsOf } from '../../../src/engine/ir/rewrite.ts'
import { checkpointRegions } from '../../../src/engine/passes/checkpoint-regions.ts'
import { eliminateDeadCode } from '../../../src/engine/passes/eliminate-dead-code.ts'
import { orderGradients } from '../../../src/engine/passes/order-gradients.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { tinyConfig } from '../support/tiny-models.ts'

const lora: MethodSpec = { kind: 'lora', rank: 2, alpha: 3, targets: linearNames, topLayers: null }
const options = { lossChunks: 3, gradientCheckpointing: true }

function uselessNodes(graph: Graph): readonly string[] {
  const used = new Set(graph.outputs.map((value) => value.id))
  for (const node of graph.nodes) for (const value of operandsOf(node)) used.add(value.id)
  return graph.nodes
    .filter((node) => !node.outputs.some((value) => used.has(value.id)))
    .map((node) => node.outputs[0].name)
}

describe('eliminateDeadCode', () => {
  test('removes what no output needs, chains too, and keeps inputs and weights', () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', 'float32', [4])
    builder.parameter('unused', [2], false)
    builder.inRegion('r', () => {
      const [kept] = builder.add('add', [x, x], {}, 'kept')
      const [dead] = builder.add('add', [kept, x], {}, 'dead')
      builder.add('add', [dead, x], {}, 'deader')
      builder.output(kept)
    })
    const graph = eliminateDeadCode(builder.build())
    expect(graph.nodes.map((node) => node.outputs[0].name)).toEqual(['kept'])
    expect(graph.inputs.length + graph.parameters.length).toBe(2)
  })

  test('a training graph has no node that nothing needs', () => {
    for (const method of [lora, { kind: 'full' }] satisfies MethodSpec[])
      expect(uselessNodes(buildTrainingGraph(tinyConfig(), method, options).graph)).toEqual([])
  })
})

describe('ties', () => {
  const ties = buildTrainingGraph(tinyConfig(), lora, options).graph.nodes.filter(
    (node) => node.kind === 'tie',
  )
  const dependencies = (region: string): readonly (readonly string[])[] =>
    ties
      .filter((node) => node.region === region)
      .map((node) => node.inputs.slice(1).map((value) => value?.name ?? ''))

  test('a chunk waits for the last result of the chunk before, and for nothing else', () => {
    expect(dependencies('loss.2')).toEqual([])
    expect(dependencies('loss.1')).toEqual([['d.hidden']])
    expect(dependencies('loss.0')).toEqual([['d.hidden#3']])
  })

  test('a block waits for exactly the weight gradients of the block above', () => {
    const [above = []] = dependencies('layer.1.backward')
    const names = linearNames.flatMap((name) => [`${name}.lora_A.weight`, `${name}.lora_B.weight`])
    expect(above.map((name) => name.split('.').slice(-3).join('.')).sort()).toEqual(names.sort())
    expect(dependencies('layer.0.backward')).toEqual([])
  })
})

// Guards against a cycle: a weight gradient that is computed from the very value that waits for it.
test('a gradient that goes on and is used at home too is tied for others only', () => {
  const builder = new GraphBuilder()
  const x = builder.input('x', 'float32', ['B', 4])
  const weights = ['w0', 'w1'].map((name) => builder.parameter(name, [4, 4], true)) as [never, never]
  const [w0, w1] = weights
  const [h] = builder.inRegion('layer.0', () => builder.add('linear', [x, w0, null], { scale: 1 }, 'h'))
  const y = builder.inRegion('layer.1', () => {
    const [t] = builder.add('linear', [x, w1, null], { scale: 1 }, 't')
    const [s] = builder.add('add', [h, t], {}, 's')
    return builder.add('swiglu', [s, x], {}, 'y')[0]
  })
  builder.output(y)
  const graph = orderGradients(differentiate(builder.build(), [y], weights))
  verifyGraph(graph)
  const text = printGraph(graph)
  expect(text).toContain('grad.w1: float32[4,4] = linearWeightBackward(d.s, x)')
  expect(text).toContain('d.s.in_order: float32[B,4] = tie(d.s, grad.w1)')
  expect(text).toContain('grad.w0: float32[4,4] = linearWeightBackward(d.s.in_order, x)')
  verifyGraph(checkpointRegions(graph))
})

test('one block, LoRA on two linears, two chunks, checkpointed: the whole graph', () => {
  const config = tinyConfig({ num_hidden_layers: 1, tie_word_embeddings: true })
  const method: MethodSpec = { ...lora, targets: ['v_proj', 'down_proj'] }
  const { graph } = buildTrainingGraph(config, method, { lossChunks: 2, gradientCheckpointing: true })
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "inputs
      ids: int64[B,S]
      positions: int64[B,S]
      rows.0: int64[L0]
      targets.0: int64[L0]
      weights.0: float32[L0]
      rows.1: int64[L1]
      targets.1: int64[L1]
      weights.1: float32[L1]
    weights
      model.embed_tokens.weight: float32[13,8]
      model.layers.0.input_layernorm.weight: float32[8]
      model.layers.0.self_attn.q_proj.weight: float32[16,8]
      model.layers.0.self_attn.k_proj.weight: float32[8,8]
      model.layers.0.self_attn.v_proj.weight: float32[8,8]
      model.layers.0.self_attn.o_proj.weight: float32[8,16]
      model.layers.0.post_attention_layernorm.weight: float32[8]
      model.layers.0.mlp.gate_proj.weight: float32[12,8]
      model.layers.0.mlp.up_proj.weight: float32[12,8]
      model.layers.0.mlp.down_proj.weight: float32[8,12]
      model.norm.weight: float32[8]
      model.layers.0.self_attn.v_proj.lora_A.weight: float32[2,8] trainable
      model.layers.0.self_attn.v_proj.lora_B.weight: float32[8,2] trainable
      model.layers.0.mlp.down_proj.lora_A.weight: float32[2,12] trainable
      model.layers.0.mlp.down_proj.lora_B.weight: float32[8,2] trainable
      rope.cos: float32[P,2]
      rope.sin: float32[P,2]
    region embedding
      embedded: float32[B,S,8] = embedding(model.embed_tokens.weight, ids)
    region layer.0
      layer.0.attention.norm: float32[B,S,8], layer.0.attention.inv_std: float32[B,S,1] = rmsNorm(embedded, model.layers.0.input_layernorm.weight) epsilon=0.00001
      layer.0.q_proj: float32[B,S,16] = linear(layer.0.attention.norm, model.layers.0.self_attn.q_proj.weight, _) scale=1
      layer.0.q.rotated: float32[B,S,16] = rope(layer.0.q_proj, positions, rope.cos, rope.sin) heads=4 inverse=false
      layer.0.k_proj: float32[B,S,8] = linear(layer.0.attention.norm, model.layers.0.self_attn.k_proj.weight, _) scale=1
      layer.0.k.rotated: float32[B,S,8] = rope(layer.0.k_proj, positions, rope.cos, rope.sin) heads=2 inverse=false
      layer.0.v_proj.lora: float32[B,S,2] = linear(layer.0.attention.norm, model.layers.0.self_attn.v_proj.lora_A.weight, _) scale=1
      layer.0.v_proj.base: float32[B,S,8] = linear(layer.0.attention.norm, model.layers.0.self_attn.v_proj.weight, _) scale=1
      layer.0.v_proj: float32[B,S,8] = linear(layer.0.v_proj.lora, model.layers.0.self_attn.v_proj.lora_B.weight, layer.0.v_proj.base) scale=1.5
      layer.0.attention: float32[B,S,16], layer.0.attention.probs: float32[B,4,S,S] = attention(layer.0.q.rotated, layer.0.k.rotated, layer.0.v_proj, _) heads=4 kvHeads=2 scale=0.5 causal=true
      layer.0.o_proj: float32[B,S,8] = linear(layer.0.attention, model.layers.0.self_attn.o_proj.weight, embedded) scale=1
      layer.0.mlp.norm: float32[B,S,8], layer.0.mlp.inv_std: float32[B,S,1] = rmsNorm(layer.0.o_proj, model.layers.0.post_attention_layernorm.weight) epsilon=0.00001
      layer.0.gate_proj: float32[B,S,12] = linear(layer.0.mlp.norm, model.layers.0.mlp.gate_proj.weight, _) scale=1
      layer.0.up_proj: float32[B,S,12] = linear(layer.0.mlp.norm, model.layers.0.mlp.up_proj.weight, _) scale=1
      layer.0.mlp.gated: float32[B,S,12] = swiglu(layer.0.gate_proj, layer.0.up_proj)
      layer.0.down_proj.lora: float32[B,S,2] = linear(layer.0.mlp.gated, model.layers.0.mlp.down_proj.lora_A.weight, _) scale=1
      layer.0.down_proj.base: float32[B,S,8] = linear(layer.0.mlp.gated, model.layers.0.mlp.down_proj.weight, layer.0.o_proj) scale=1
      layer.0.down_proj: float32[B,S,8] = linear(layer.0.down_proj.lora, model.layers.0.mlp.down_proj.lora_B.weight, layer.0.down_proj.base) scale=1.5
    region head
      hidden: float32[B,S,8], inv_std: float32[B,S,1] = rmsNorm(layer.0.down_proj, model.norm.weight) epsilon=0.00001
    region loss.0
      gathered.0: float32[L0,8] = gatherRows(hidden, rows.0)
    region loss.1
      gathered.1: float32[L1,8] = gatherRows(hidden, rows.1)
      logits.1: float32[L1,13] = linear(gathered.1, model.embed_tokens.weight, _) scale=1
      losses.1: float32[L1], d.logits.1: float32[L1,13] = softmaxCrossEntropy(logits.1, targets.1, weights.1)
    region loss.1.backward
      d.gathered.1: float32[L1,8] = linearInputBackward(d.logits.1, model.embed_tokens.weight, _) scale=1
      d.hidden: float32[B,S,8] = gatherRowsBackward(d.gathered.1, rows.1, hidden)
    region loss.0
      gathered.0.in_order: float32[L0,8] = tie(gathered.0, d.hidden)
      logits.0: float32[L0,13] = linear(gathered.0.in_order, model.embed_tokens.weight, _) scale=1
      losses.0: float32[L0], d.logits.0: float32[L0,13] = softmaxCrossEntropy(logits.0, targets.0, weights.0)
    region loss.0.backward
      d.gathered.0: float32[L0,8] = linearInputBackward(d.logits.0, model.embed_tokens.weight, _) scale=1
      d.hidden#2: float32[B,S,8] = gatherRowsBackward(d.gathered.0, rows.0, hidden)
      d.hidden#3: float32[B,S,8] = add(d.hidden, d.hidden#2)
    region head.backward
      d.layer.0.down_proj: float32[B,S,8] = rmsNormBackward(d.hidden#3, layer.0.down_proj, model.norm.weight, inv_std)
    region layer.0.backward
      d.layer.0.down_proj.lora: float32[B,S,2] = linearInputBackward(d.layer.0.down_proj, model.layers.0.mlp.down_proj.lora_B.weight, _) scale=1.5
    region layer.0.recompute
      embedded.kept: float32[B,S,8] = tie(embedded, d.layer.0.down_proj)
      layer.0.attention.norm.again: float32[B,S,8], layer.0.attention.inv_std.again: float32[B,S,1] = rmsNorm(embedded.kept, model.layers.0.input_layernorm.weight) epsilon=0.00001
      layer.0.q_proj.again: float32[B,S,16] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.q_proj.weight, _) scale=1
      layer.0.q.rotated.again: float32[B,S,16] = rope(layer.0.q_proj.again, positions, rope.cos, rope.sin) heads=4 inverse=false
      layer.0.k_proj.again: float32[B,S,8] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.k_proj.weight, _) scale=1
      layer.0.k.rotated.again: float32[B,S,8] = rope(layer.0.k_proj.again, positions, rope.cos, rope.sin) heads=2 inverse=false
      layer.0.v_proj.lora.again: float32[B,S,2] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.v_proj.lora_A.weight, _) scale=1
      layer.0.v_proj.base.again: float32[B,S,8] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.v_proj.weight, _) scale=1
      layer.0.v_proj.again: float32[B,S,8] = linear(layer.0.v_proj.lora.again, model.layers.0.self_attn.v_proj.lora_B.weight, layer.0.v_proj.base.again) scale=1.5
      layer.0.attention.again: float32[B,S,16], layer.0.attention.probs.again: float32[B,4,S,S] = attention(layer.0.q.rotated.again, layer.0.k.rotated.again, layer.0.v_proj.again, _) heads=4 kvHeads=2 scale=0.5 causal=true
      layer.0.o_proj.again: float32[B,S,8] = linear(layer.0.attention.again, model.layers.0.self_attn.o_proj.weight, embedded.kept) scale=1
      layer.0.mlp.norm.again: float32[B,S,8], layer.0.mlp.inv_std.again: float32[B,S,1] = rmsNorm(layer.0.o_proj.again, model.layers.0.post_attention_layernorm.weight) epsilon=0.00001
      layer.0.gate_proj.again: float32[B,S,12] = linear(layer.0.mlp.norm.again, model.layers.0.mlp.gate_proj.weight, _) scale=1
      layer.0.up_proj.again: float32[B,S,12] = linear(layer.0.mlp.norm.again, model.layers.0.mlp.up_proj.weight, _) scale=1
      layer.0.mlp.gated.again: float32[B,S,12] = swiglu(layer.0.gate_proj.again, layer.0.up_proj.again)
      layer.0.down_proj.lora.again: float32[B,S,2] = linear(layer.0.mlp.gated.again, model.layers.0.mlp.down_proj.lora_A.weight, _) scale=1
    region layer.0.backward
      grad.model.layers.0.mlp.down_proj.lora_B.weight: float32[8,2] = linearWeightBackward(d.layer.0.down_proj, layer.0.down_proj.lora.again) scale=1.5
      d.layer.0.mlp.gated: float32[B,S,12] = linearInputBackward(d.layer.0.down_proj, model.layers.0.mlp.down_proj.weight, _) scale=1
      d.layer.0.mlp.gated#2: float32[B,S,12] = linearInputBackward(d.layer.0.down_proj.lora, model.layers.0.mlp.down_proj.lora_A.weight, d.layer.0.mlp.gated) scale=1
      grad.model.layers.0.mlp.down_proj.lora_A.weight: float32[2,12] = linearWeightBackward(d.layer.0.down_proj.lora, layer.0.mlp.gated.again) scale=1
      d.layer.0.gate_proj: float32[B,S,12], d.layer.0.up_proj: float32[B,S,12] = swigluBackward(d.layer.0.mlp.gated#2, layer.0.gate_proj.again, layer.0.up_proj.again)
      d.layer.0.mlp.norm: float32[B,S,8] = linearInputBackward(d.layer.0.up_proj, model.layers.0.mlp.up_proj.weight, _) scale=1
      d.layer.0.mlp.norm#2: float32[B,S,8] = linearInputBackward(d.layer.0.gate_proj, model.layers.0.mlp.gate_proj.weight, d.layer.0.mlp.norm) scale=1
      d.layer.0.o_proj: float32[B,S,8] = rmsNormBackward(d.layer.0.mlp.norm#2, layer.0.o_proj.again, model.layers.0.post_attention_layernorm.weight, layer.0.mlp.inv_std.again)
      d.layer.0.o_proj#2: float32[B,S,8] = add(d.layer.0.down_proj, d.layer.0.o_proj)
      d.layer.0.attention: float32[B,S,16] = linearInputBackward(d.layer.0.o_proj#2, model.layers.0.self_attn.o_proj.weight, _) scale=1
      d.layer.0.q.rotated: float32[B,S,16], d.layer.0.k.rotated: float32[B,S,8], d.layer.0.v_proj: float32[B,S,8] = attentionBackward(d.layer.0.attention, layer.0.q.rotated.again, layer.0.k.rotated.again, layer.0.v_proj.again, layer.0.attention.probs.again) heads=4 kvHeads=2 scale=0.5
      d.layer.0.v_proj.lora: float32[B,S,2] = linearInputBackward(d.layer.0.v_proj, model.layers.0.self_attn.v_proj.lora_B.weight, _) scale=1.5
      grad.model.layers.0.self_attn.v_proj.lora_B.weight: float32[8,2] = linearWeightBackward(d.layer.0.v_proj, layer.0.v_proj.lora.again) scale=1.5
      grad.model.layers.0.self_attn.v_proj.lora_A.weight: float32[2,8] = linearWeightBackward(d.layer.0.v_proj.lora, layer.0.attention.norm.again) scale=1
    outputs
      losses.0
      losses.1
      grad.model.layers.0.self_attn.v_proj.lora_A.weight
      grad.model.layers.0.self_attn.v_proj.lora_B.weight
      grad.model.layers.0.mlp.down_proj.lora_A.weight
      grad.model.layers.0.mlp.down_proj.lora_B.weight"
  `)
})
