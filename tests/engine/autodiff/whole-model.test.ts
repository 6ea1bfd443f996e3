// Gradients of a whole small Llama: against central differences in float64, and the same bits under every ordering.
import { describe, expect, test } from 'vitest'
import type {
  Graph,
  MethodSpec,
  ModelConfig,
  OpNode,
  TrainingGraphOptions,
  Value,
} from '../../../src/engine/index.ts'
import { buildTrainingGraph, interpret } from '../../../src/engine/index.ts'
import { eliminateDeadCode } from '../../../src/engine/passes/eliminate-dead-code.ts'
import type { Feeds } from '../support/feeds.ts'
import { worstGradientError } from '../support/gradient-check.ts'
import { tinyLora as lora } from '../support/tiny-methods.ts'
import { tinyConfig, trainingFeeds, weightFeeds } from '../support/tiny-models.ts'

const models: Readonly<Record<string, ModelConfig>> = {
  untied: tinyConfig(),
  tied: tinyConfig({ tie_word_embeddings: true }),
  biased: tinyConfig({ attention_bias: true, mlp_bias: true, num_key_value_heads: 1 }),
}
const methods: Readonly<Record<string, MethodSpec>> = {
  full: { kind: 'full', topLayers: null },
  'LoRA on all linears': lora,
  'LoRA on some linears of the top block': { ...lora, targets: ['q_proj', 'down_proj'], topLayers: 1 },
}

interface Case {
  readonly config: ModelConfig
  readonly method: MethodSpec
  readonly options: Omit<TrainingGraphOptions, 'gradientCheckpointing'>
}

const plainCases: readonly [string, Case][] = Object.entries(models).flatMap(([model, config]) =>
  Object.entries(methods).map(([name, method]): [string, Case] => [
    `${model}, ${name}`,
    { config, method, options: { lossChunks: 2 } },
  ]),
)
const biased = models.biased!
const cases: readonly [string, Case][] = [
  ...plainCases,
  ['DoRA', { config: biased, method: { ...lora, decomposed: true }, options: { lossChunks: 2 } }],
  [
    'DoRA of rank 1',
    { config: biased, method: { ...lora, decomposed: true, rank: 1 }, options: { lossChunks: 1 } },
  ],
  [
    'rank-stabilised LoRA',
    { config: biased, method: { ...lora, scaling: 'rank-stabilised' }, options: { lossChunks: 2 } },
  ],
  [
    'the topmost block of a tied model',
    { config: models.tied!, method: { kind: 'full', topLayers: 1 }, options: { lossChunks: 2 } },
  ],
  [
    'LoRA and a new head, smoothed targets',
    {
      config: biased,
      method: lora,
      options: { lossChunks: 2, task: { kind: 'sequence-classes', classes: 13 }, labelSmoothing: 0.1 },
    },
  ],
]

function gradients({ config, method, options }: Case, gradientCheckpointing: boolean) {
  const built = buildTrainingGraph(config, method, { ...options, gradientCheckpointing })
  const feeds = new Map([...weightFeeds(built, config), ...trainingFeeds(config, options.lossChunks)])
  const results = interpret(built.graph, feeds)
  return { built, feeds, values: new Map([...results].map(([name, { data }]) => [name, data])) }
}

/** The losses alone, DoRA's norms fed as the numbers that they are for these weights: the gradient holds them constant. */
function lossesOf(graph: Graph, feeds: Feeds): { readonly graph: Graph; readonly feeds: Feeds } {
  const outputs = graph.outputs.filter(({ name }) => name.startsWith('losses.'))
  const forward = eliminateDeadCode({ ...graph, outputs })
  const isNorms = ({ kind }: OpNode): boolean => kind === 'adaptedRowNorms'
  const norms = forward.nodes.filter(isNorms).flatMap((node): readonly Value[] => node.outputs)
  const held = new Map(feeds)
  for (const [name, { shape, data }] of interpret({ ...forward, outputs: norms }, feeds))
    held.set(name, { shape, data: Float64Array.from(data) })
  const parameters = [...graph.parameters, ...norms.map((value) => ({ value, isTrainable: false }))]
  return {
    graph: { ...forward, parameters, nodes: forward.nodes.filter((node) => !isNorms(node)) },
    feeds: held,
  }
}

describe.each(cases)('%s', (_, one) => {
  test.each([false, true])('against central differences, checkpointing %s', (isCheckpointed) => {
    const { built, values, feeds } = gradients(one, isCheckpointed)
    const { graph, feeds: held } = lossesOf(built.graph, feeds)
    expect(worstGradientError(graph, graph.outputs, values, held, 4)).toBeLessThan(1e-5)
  })

  test('checkpointing changes no bit', () => {
    const kept = gradients(one, false).values
    const recomputed = gradients(one, true).values
    expect([...recomputed.keys()]).toEqual([...kept.keys()])
    for (const [name, data] of kept) expect(recomputed.get(name), name).toEqual(data)
  })
})
