// What passes leave: no dead node, ties no larger than needed; and one whole training graph as text.
import { describe, expect, test } from 'vitest'
import type { Graph, MethodSpec, Value } from '../../../src/engine/index.ts'
import {
  buildTrainingGraph,
  differentiate,
  GraphBuilder,
  interpret,
  printGraph,
  verifyGraph,
} from '../../../src/engine/index.ts'
import { operandsOf } from '../../../src/engine/ir/rewrite.ts'
import { checkpointRegions } from '../../../src/engine/passes/checkpoint-regions.ts'
import { eliminateDeadCode } from '../../../src/engine/passes/eliminate-dead-code.ts'
import { orderGradients } from '../../../src/engine/passes/order-gradients.ts'
import { runPasses } from '../../../src/engine/passes/run-passes.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { Bench, differentiateAll } from '../support/gradient-check.ts'
import { tinyLora as lora, wholeModel } from '../support/tiny-methods.ts'
import { tinyConfig } from '../support/tiny-models.ts'

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
    for (const method of [lora, wholeModel])
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
    return builder.add('gatedActivation', [s, x], { kind: 'silu' }, 'y')[0]
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

/** Two blocks that cut a fused projection, use two of its three parts, and put parts together again. */
function fusedBlocks(bench: Bench): Value {
  const { builder } = bench
  let x = builder.inRegion(
    'embedding',
    () => builder.add('tie', [bench.fixed('x', [2, 3, 4])], {}, 'x.in')[0],
  )
  for (const layer of [0, 1])
    x = builder.inRegion(`layer.${layer}`, () => {
      const [weight, down] = [bench.trained(`fused.${layer}`, [9, 4]), bench.trained(`down.${layer}`, [4, 7])]
      const [fused] = builder.add('linear', [x, weight, null], { scale: 1 }, `fused.${layer}.y`)
      const [a, , c] = builder.add('slices', [fused], { widths: [4, 2, 3] }, `part.${layer}`)
      const [gated] = builder.add('gatedActivation', [a, x], { kind: 'gelu' }, `gated.${layer}`)
      const [joined] = builder.add('concatLast', [c!, gated], {}, `joined.${layer}`)
      return builder.add('linear', [joined, down, x], { scale: 1 }, `block.${layer}`)[0]
    })
  builder.output(x)
  return x
}

test('ops with many results and operands: passes change no bit, and nothing useless is left', () => {
  const bench = new Bench()
  const loss = fusedBlocks(bench)
  const plain = differentiateAll(bench.builder.build(), [loss])
  const passed = runPasses(plain, [eliminateDeadCode, orderGradients, checkpointRegions, eliminateDeadCode])
  expect(uselessNodes(passed)).toEqual([])
  const repeated = passed.nodes.filter((node) => node.region === 'layer.0.recompute').map(({ kind }) => kind)
  expect(repeated).toContain('slices')
  expect(repeated).toContain('concatLast')
  const [expected, actual] = [interpret(plain, bench.feeds), interpret(passed, bench.feeds)]
  expect([...actual.keys()]).toEqual([...expected.keys()])
  for (const [name, { data }] of expected) expect(actual.get(name)?.data, name).toEqual(data)
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
      model.layers.0.self_attn.v_proj.lora_A.weight: float32[2,8] trainable
      model.layers.0.self_attn.v_proj.lora_B.weight: float32[8,2] trainable
      model.layers.0.mlp.down_proj.lora_A.weight: float32[2,12] trainable
      model.layers.0.mlp.down_proj.lora_B.weight: float32[8,2] trainable
      model.embed_tokens.weight: float32[13,8]
      model.layers.0.input_layernorm.weight: float32[8]
      model.layers.0.self_attn.q_proj.weight: float32[16,8]
      model.layers.0.self_attn.k_proj.weight: float32[8,8]
      model.layers.0.self_attn.v_proj.weight: float32[8,8]
      rope.cos: float32[P,2]
      rope.sin: float32[P,2]
      model.layers.0.self_attn.o_proj.weight: float32[8,16]
      model.layers.0.post_attention_layernorm.weight: float32[8]
      model.layers.0.mlp.gate_proj.weight: float32[12,8]
      model.layers.0.mlp.up_proj.weight: float32[12,8]
      model.layers.0.mlp.down_proj.weight: float32[8,12]
      model.norm.weight: float32[8]
    region embedding
      embedded: float32[B,S,8] = embedding(model.embed_tokens.weight, ids)
    region layer.0
      layer.0.attention.norm: float32[B,S,8], layer.0.attention.norm.inv_std: float32[B,S,1] = rmsNorm(embedded, model.layers.0.input_layernorm.weight) epsilon=0.00001 offset=0
      model.layers.0.self_attn.q_proj: float32[B,S,16] = linear(layer.0.attention.norm, model.layers.0.self_attn.q_proj.weight, _) scale=1
      model.layers.0.self_attn.k_proj: float32[B,S,8] = linear(layer.0.attention.norm, model.layers.0.self_attn.k_proj.weight, _) scale=1
      model.layers.0.self_attn.v_proj.base: float32[B,S,8] = linear(layer.0.attention.norm, model.layers.0.self_attn.v_proj.weight, _) scale=1
      model.layers.0.self_attn.v_proj.lora: float32[B,S,2] = linear(layer.0.attention.norm, model.layers.0.self_attn.v_proj.lora_A.weight, _) scale=1
      model.layers.0.self_attn.v_proj: float32[B,S,8] = linear(model.layers.0.self_attn.v_proj.lora, model.layers.0.self_attn.v_proj.lora_B.weight, model.layers.0.self_attn.v_proj.base) scale=1.5
      layer.0.attention.q.rotated: float32[B,S,16] = rope(model.layers.0.self_attn.q_proj, positions, rope.cos, rope.sin) heads=4 inverse=false
      layer.0.attention.k.rotated: float32[B,S,8] = rope(model.layers.0.self_attn.k_proj, positions, rope.cos, rope.sin) heads=2 inverse=false
      layer.0.attention: float32[B,S,16], layer.0.attention.log_sum_exp: float32[B,4,S] = attention(layer.0.attention.q.rotated, layer.0.attention.k.rotated, model.layers.0.self_attn.v_proj, _, _, _, _) heads=4 kvHeads=2 scale=0.5 causal=true window=null softCap=null sharesStart=false
      model.layers.0.self_attn.o_proj: float32[B,S,8] = linear(layer.0.attention, model.layers.0.self_attn.o_proj.weight, embedded) scale=1
      layer.0.mlp.norm: float32[B,S,8], layer.0.mlp.norm.inv_std: float32[B,S,1] = rmsNorm(model.layers.0.self_attn.o_proj, model.layers.0.post_attention_layernorm.weight) epsilon=0.00001 offset=0
      model.layers.0.mlp.gate_proj: float32[B,S,12] = linear(layer.0.mlp.norm, model.layers.0.mlp.gate_proj.weight, _) scale=1
      model.layers.0.mlp.up_proj: float32[B,S,12] = linear(layer.0.mlp.norm, model.layers.0.mlp.up_proj.weight, _) scale=1
      layer.0.mlp.gated: float32[B,S,12] = gatedActivation(model.layers.0.mlp.gate_proj, model.layers.0.mlp.up_proj) kind=silu
      model.layers.0.mlp.down_proj.base: float32[B,S,8] = linear(layer.0.mlp.gated, model.layers.0.mlp.down_proj.weight, model.layers.0.self_attn.o_proj) scale=1
      model.layers.0.mlp.down_proj.lora: float32[B,S,2] = linear(layer.0.mlp.gated, model.layers.0.mlp.down_proj.lora_A.weight, _) scale=1
      model.layers.0.mlp.down_proj: float32[B,S,8] = linear(model.layers.0.mlp.down_proj.lora, model.layers.0.mlp.down_proj.lora_B.weight, model.layers.0.mlp.down_proj.base) scale=1.5
    region head
      hidden: float32[B,S,8], hidden.inv_std: float32[B,S,1] = rmsNorm(model.layers.0.mlp.down_proj, model.norm.weight) epsilon=0.00001 offset=0
    region loss.0
      gathered.0: float32[L0,8] = gatherRows(hidden, rows.0)
    region loss.1
      gathered.1: float32[L1,8] = gatherRows(hidden, rows.1)
      logits.1: float32[L1,13] = linear(gathered.1, model.embed_tokens.weight, _) scale=1
      losses.1: float32[L1], d.logits.1: float32[L1,13] = softmaxCrossEntropy(logits.1, targets.1, weights.1) smoothing=0
    region loss.1.backward
      d.gathered.1: float32[L1,8] = linearInputBackward(d.logits.1, model.embed_tokens.weight, _) scale=1
      d.hidden: float32[B,S,8] = gatherRowsBackward(d.gathered.1, rows.1, hidden)
    region loss.0
      gathered.0.in_order: float32[L0,8] = tie(gathered.0, d.hidden)
      logits.0: float32[L0,13] = linear(gathered.0.in_order, model.embed_tokens.weight, _) scale=1
      losses.0: float32[L0], d.logits.0: float32[L0,13] = softmaxCrossEntropy(logits.0, targets.0, weights.0) smoothing=0
    region loss.0.backward
      d.gathered.0: float32[L0,8] = linearInputBackward(d.logits.0, model.embed_tokens.weight, _) scale=1
      d.hidden#2: float32[B,S,8] = gatherRowsBackward(d.gathered.0, rows.0, hidden)
      d.hidden#3: float32[B,S,8] = add(d.hidden, d.hidden#2)
    region head.backward
      d.model.layers.0.mlp.down_proj: float32[B,S,8] = rmsNormBackward(d.hidden#3, model.layers.0.mlp.down_proj, model.norm.weight, hidden.inv_std) offset=0
    region layer.0.backward
      d.model.layers.0.mlp.down_proj.lora: float32[B,S,2] = linearInputBackward(d.model.layers.0.mlp.down_proj, model.layers.0.mlp.down_proj.lora_B.weight, _) scale=1.5
    region layer.0.recompute
      embedded.kept: float32[B,S,8] = tie(embedded, d.model.layers.0.mlp.down_proj)
      layer.0.attention.norm.again: float32[B,S,8], layer.0.attention.norm.inv_std.again: float32[B,S,1] = rmsNorm(embedded.kept, model.layers.0.input_layernorm.weight) epsilon=0.00001 offset=0
      model.layers.0.self_attn.q_proj.again: float32[B,S,16] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.q_proj.weight, _) scale=1
      layer.0.attention.q.rotated.again: float32[B,S,16] = rope(model.layers.0.self_attn.q_proj.again, positions, rope.cos, rope.sin) heads=4 inverse=false
      model.layers.0.self_attn.k_proj.again: float32[B,S,8] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.k_proj.weight, _) scale=1
      layer.0.attention.k.rotated.again: float32[B,S,8] = rope(model.layers.0.self_attn.k_proj.again, positions, rope.cos, rope.sin) heads=2 inverse=false
      model.layers.0.self_attn.v_proj.lora.again: float32[B,S,2] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.v_proj.lora_A.weight, _) scale=1
      model.layers.0.self_attn.v_proj.base.again: float32[B,S,8] = linear(layer.0.attention.norm.again, model.layers.0.self_attn.v_proj.weight, _) scale=1
      model.layers.0.self_attn.v_proj.again: float32[B,S,8] = linear(model.layers.0.self_attn.v_proj.lora.again, model.layers.0.self_attn.v_proj.lora_B.weight, model.layers.0.self_attn.v_proj.base.again) scale=1.5
      layer.0.attention.again: float32[B,S,16], layer.0.attention.log_sum_exp.again: float32[B,4,S] = attention(layer.0.attention.q.rotated.again, layer.0.attention.k.rotated.again, model.layers.0.self_attn.v_proj.again, _, _, _, _) heads=4 kvHeads=2 scale=0.5 causal=true window=null softCap=null sharesStart=false
      model.layers.0.self_attn.o_proj.again: float32[B,S,8] = linear(layer.0.attention.again, model.layers.0.self_attn.o_proj.weight, embedded.kept) scale=1
      layer.0.mlp.norm.again: float32[B,S,8], layer.0.mlp.norm.inv_std.again: float32[B,S,1] = rmsNorm(model.layers.0.self_attn.o_proj.again, model.layers.0.post_attention_layernorm.weight) epsilon=0.00001 offset=0
      model.layers.0.mlp.gate_proj.again: float32[B,S,12] = linear(layer.0.mlp.norm.again, model.layers.0.mlp.gate_proj.weight, _) scale=1
      model.layers.0.mlp.up_proj.again: float32[B,S,12] = linear(layer.0.mlp.norm.again, model.layers.0.mlp.up_proj.weight, _) scale=1
      layer.0.mlp.gated.again: float32[B,S,12] = gatedActivation(model.layers.0.mlp.gate_proj.again, model.layers.0.mlp.up_proj.again) kind=silu
      model.layers.0.mlp.down_proj.lora.again: float32[B,S,2] = linear(layer.0.mlp.gated.again, model.layers.0.mlp.down_proj.lora_A.weight, _) scale=1
    region layer.0.backward
      grad.model.layers.0.mlp.down_proj.lora_B.weight: float32[8,2] = linearWeightBackward(d.model.layers.0.mlp.down_proj, model.layers.0.mlp.down_proj.lora.again) scale=1.5
      d.layer.0.mlp.gated: float32[B,S,12] = linearInputBackward(d.model.layers.0.mlp.down_proj.lora, model.layers.0.mlp.down_proj.lora_A.weight, _) scale=1
      grad.model.layers.0.mlp.down_proj.lora_A.weight: float32[2,12] = linearWeightBackward(d.model.layers.0.mlp.down_proj.lora, layer.0.mlp.gated.again) scale=1
      d.layer.0.mlp.gated#2: float32[B,S,12] = linearInputBackward(d.model.layers.0.mlp.down_proj, model.layers.0.mlp.down_proj.weight, d.layer.0.mlp.gated) scale=1
      d.model.layers.0.mlp.gate_proj: float32[B,S,12], d.model.layers.0.mlp.up_proj: float32[B,S,12] = gatedActivationBackward(d.layer.0.mlp.gated#2, model.layers.0.mlp.gate_proj.again, model.layers.0.mlp.up_proj.again) kind=silu
      d.layer.0.mlp.norm: float32[B,S,8] = linearInputBackward(d.model.layers.0.mlp.up_proj, model.layers.0.mlp.up_proj.weight, _) scale=1
      d.layer.0.mlp.norm#2: float32[B,S,8] = linearInputBackward(d.model.layers.0.mlp.gate_proj, model.layers.0.mlp.gate_proj.weight, d.layer.0.mlp.norm) scale=1
      d.model.layers.0.self_attn.o_proj: float32[B,S,8] = rmsNormBackward(d.layer.0.mlp.norm#2, model.layers.0.self_attn.o_proj.again, model.layers.0.post_attention_layernorm.weight, layer.0.mlp.norm.inv_std.again) offset=0
      d.model.layers.0.self_attn.o_proj#2: float32[B,S,8] = add(d.model.layers.0.mlp.down_proj, d.model.layers.0.self_attn.o_proj)
      d.layer.0.attention: float32[B,S,16] = linearInputBackward(d.model.layers.0.self_attn.o_proj#2, model.layers.0.self_attn.o_proj.weight, _) scale=1
      d.layer.0.attention.q.rotated: float32[B,S,16], d.layer.0.attention.k.rotated: float32[B,S,8], d.model.layers.0.self_attn.v_proj: float32[B,S,8] = attentionBackward(d.layer.0.attention, layer.0.attention.again, layer.0.attention.log_sum_exp.again, layer.0.attention.q.rotated.again, layer.0.attention.k.rotated.again, model.layers.0.self_attn.v_proj.again, _, _, _, _) heads=4 kvHeads=2 scale=0.5 causal=true window=null softCap=null sharesStart=false
      d.model.layers.0.self_attn.v_proj.lora: float32[B,S,2] = linearInputBackward(d.model.layers.0.self_attn.v_proj, model.layers.0.self_attn.v_proj.lora_B.weight, _) scale=1.5
      grad.model.layers.0.self_attn.v_proj.lora_B.weight: float32[8,2] = linearWeightBackward(d.model.layers.0.self_attn.v_proj, model.layers.0.self_attn.v_proj.lora.again) scale=1.5
      grad.model.layers.0.self_attn.v_proj.lora_A.weight: float32[2,8] = linearWeightBackward(d.model.layers.0.self_attn.v_proj.lora, layer.0.attention.norm.again) scale=1
    outputs
      losses.0
      losses.1
      grad.model.layers.0.self_attn.v_proj.lora_A.weight
      grad.model.layers.0.self_attn.v_proj.lora_B.weight
      grad.model.layers.0.mlp.down_proj.lora_A.weight
      grad.model.layers.0.mlp.down_proj.lora_B.weight"
  `)
})
