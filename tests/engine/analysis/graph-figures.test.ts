// Figures of deep models worked out from shallow ones are those of the whole graph, to the byte.
import { describe, expect, it } from 'vitest'
import { type FiguresRequest, graphFigures } from '../../../src/engine/analysis/graph-figures.ts'
import { graphFlops } from '../../../src/engine/analysis/graph-flops.ts'
import { liveMemory } from '../../../src/engine/analysis/live-memory.ts'
import {
  buildScoringGraph,
  buildTrainingGraph,
  lowestTrainedLayer,
  type MethodSpec,
  parseModelConfig,
} from '../../../src/engine/index.ts'
import { linearNames } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'

const common = { vocab_size: 300, num_attention_heads: 4, max_position_embeddings: 64 }
const wide = { ...common, hidden_size: 32, intermediate_size: 48, num_key_value_heads: 2, rms_norm_eps: 1e-5 }
const models = {
  llama: { model_type: 'llama', ...wide, num_hidden_layers: 9, tie_word_embeddings: true },
  gemma2: {
    model_type: 'gemma2',
    ...wide,
    num_hidden_layers: 8,
    head_dim: 8,
    query_pre_attn_scalar: 8,
    sliding_window: 16,
    attn_logit_softcapping: 50,
    final_logit_softcapping: 30,
  },
  bert: {
    model_type: 'bert',
    ...common,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 7,
    type_vocab_size: 2,
    layer_norm_eps: 1e-12,
    hidden_act: 'gelu',
  },
  t5: {
    model_type: 't5',
    vocab_size: 300,
    d_model: 32,
    d_ff: 48,
    d_kv: 8,
    num_heads: 4,
    num_layers: 3,
    num_decoder_layers: 3,
    relative_attention_num_buckets: 8,
    relative_attention_max_distance: 16,
    feed_forward_proj: 'relu',
    layer_norm_epsilon: 1e-6,
  },
}

const lora = (topLayers: number | null): MethodSpec => ({
  kind: 'lora',
  rank: 4,
  alpha: 8,
  targets: linearNames,
  topLayers,
  scaling: 'standard',
  decomposed: false,
})
const methods: Readonly<Record<string, MethodSpec>> = {
  'LoRA on all blocks': lora(null),
  'LoRA on the uppermost five': lora(5),
  'LoRA on the uppermost one': lora(1),
  'all weights': { kind: 'full', topLayers: null },
  'the weights of five blocks': { kind: 'full', topLayers: 5 },
}

const sizes = new Map(
  Object.entries({ B: 3, S: 24, T: 20, P: 24, L0: 30, L1: 30 }).map(([name, size]) => [name, size]),
)

function compare(request: FiguresRequest): void {
  const { graph } = request.build(request.config, request.method)
  const whole = liveMemory(graph, sizes, request.scratchBytes)
  expect(graphFigures(request)).toEqual({
    nodes: graph.nodes.length,
    flops: graphFlops(graph, sizes),
    peakBytes: whole.peakBytes,
    outputBytes: whole.outputBytes,
    scratchBytes: Math.max(...graph.nodes.map((node) => request.scratchBytes?.(node, sizes) ?? 0)),
  })
}

describe.each(Object.entries(models))('%s', (_, source) => {
  const config = unwrap(parseModelConfig(source))
  const isText = config.kind !== 'encoder'
  const task = isText
    ? ({ kind: 'language-model' } as const)
    : ({ kind: 'sequence-classes', classes: 3 } as const)
  const lossChunks = isText ? 2 : 1

  it.each(Object.entries(methods))('%s', (_name, method) => {
    for (const gradientCheckpointing of [true, false])
      compare({
        config,
        method,
        sizes,
        build: (short, of) => buildTrainingGraph(short, of, { task, lossChunks, gradientCheckpointing }),
        scratchBytes: ({ kind }) => (kind === 'attentionBackward' ? 100_000 : 0),
      })
    compare({
      config,
      method,
      sizes,
      build: (short, of) => buildScoringGraph(short, of, { task, lossChunks }),
    })
  })

  it('above blocks that are computed once', () => {
    if (config.kind === 'sequence-to-sequence') return
    compare({
      config,
      method: lora(4),
      sizes,
      build: (short, of) =>
        buildTrainingGraph(short, of, {
          task,
          lossChunks,
          gradientCheckpointing: true,
          fromLayer: lowestTrainedLayer(short, of),
        }),
    })
  })
})
