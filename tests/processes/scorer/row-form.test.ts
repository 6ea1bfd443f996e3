// Answers of a row laid out for a graph, beside each answer alone: small random models with and without windows, made
// here, and the shared golden ones. What is fed never grows with the square of a row.
import { describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import {
  type BuiltGraph,
  buildLogitsGraph,
  interpret,
  type ModelConfig,
  type NumericTensor,
  ropeWeights,
  type Tensor,
} from '#engine/index.ts'
import { sumByAnswer } from '#processes/scorer/branch-batch.ts'
import { type RowForm, rowForms } from '#processes/scorer/row-form.ts'
import { unwrap } from '#shared/result.ts'
import { batchFeeds, bindFeeds } from '../../engine/support/feeds.ts'
import { wholeTensor } from '../../engine/support/numbers.ts'
import { tinyConfig, weightFeeds } from '../../engine/support/tiny-models.ts'
import { openTinyGoldens, type RunGraph, tinyFeeds } from '../../support/tiny-golden.ts'

type Numbers = ReadonlyMap<string, NumericTensor>

interface Model {
  readonly config: ModelConfig
  readonly weights: Numbers
}

const places = 32

function ownModel(changes: Readonly<Record<string, unknown>>): Model {
  const config = tinyConfig({ vocab_size: 64, max_position_embeddings: places, ...changes })
  return { config, weights: weightFeeds(buildLogitsGraph(config, { kind: 'none' }), config) }
}

const gemma = {
  hidden_activation: 'gelu_pytorch_tanh',
  query_pre_attn_scalar: 4,
  sliding_window: 6,
  tie_word_embeddings: true,
}
const ownModels: readonly (readonly [string, Model])[] = [
  ['llama', ownModel({})],
  ['mistral', ownModel({ model_type: 'mistral', sliding_window: 6 })],
  ['gemma2', ownModel({ model_type: 'gemma2', attn_logit_softcapping: 3, ...gemma })],
  ['gemma3', ownModel({ model_type: 'gemma3_text', sliding_window_pattern: 2, ...gemma })],
]

const goldens: readonly (readonly [string, Model])[] = (await openTinyGoldens())
  .filter(({ config }) => config.kind === 'decoder')
  .map((golden) => {
    const weights = new Map([...tinyFeeds(golden, 1), ...ropeWeights(golden.config, places)])
    return [`golden ${golden.name}`, { config: golden.config, weights }]
  })

const narrowestOf = ({ blocks }: ModelConfig): number | null =>
  blocks.reduce<number | null>((least, { window }) => (window === null ? least : window), null)

/** An answer behind a prompt, with an end that is not scored. */
const encoded = (prompt: readonly number[], own: readonly number[]) => ({
  ids: Int32Array.from([...prompt, ...own, 9]),
  labels: Int32Array.from([...prompt.map(() => -100), ...own, -100]),
})
type Answer = ReturnType<typeof encoded>

const inFloat64: RunGraph = async ({ graph }, numbers) => interpret(graph, numbers, 'float64')

async function onOnnx(built: BuiltGraph, numbers: Numbers) {
  const { weights, feeds } = bindFeeds(built, numbers)
  const options = { threads: 1, weights, workFolder: '' }
  const session = unwrap(await createOnnxBackend().compile(built.graph, options))
  const outputs = structuredClone(await session.run(feeds))
  await session.dispose()
  return outputs
}

/** Nats of the answer's tokens by themselves: the plain graph of logits, and log-softmax by hand. */
function alone({ config, weights }: Model, { ids, labels }: Answer): number {
  const { graph } = buildLogitsGraph(config, { kind: 'none' })
  const all = wholeTensor([ids.length], [...ids.keys()])
  const feeds = new Map([...weights, ...batchFeeds([[...ids]]), ['rows', all] as const])
  const logits = interpret(graph, feeds, 'float64').get('logits')?.data ?? []
  const width = config.vocabulary
  let sum = 0
  for (const [t, label] of labels.entries()) {
    if (label === -100) continue
    const line = Array.from({ length: width }, (_, id) => Number(logits[(t - 1) * width + id]))
    sum += Math.log(line.reduce((total, value) => total + Math.exp(value), 0)) - line[label]!
  }
  return sum
}

const formOf = (config: ModelConfig, answers: readonly Answer[]): RowForm =>
  rowForms(config).find((form) => form.takes(answers))!

/** Rows of one form in one batch: nats of every answer, in order, and the shape of what was fed. */
async function together(model: Model, rows: readonly (readonly Answer[])[], run: RunGraph) {
  const form = formOf(model.config, rows[0]!)
  const batch = rows.flatMap((answers) => form.layOut(answers))
  const feeds = form.feeds(batch, 2)
  const built = form.build(model.config, { kind: 'none' }, 2)
  const outputs = await run(built, new Map([...model.weights, ...feeds]))
  const nats = sumByAnswer(batch, outputs as ReadonlyMap<string, Tensor>, 2).flat()
  return { nats, shape: feeds.get('ids')!.shape }
}

function expectEqual(found: readonly number[], wanted: readonly number[], within: number): void {
  expect(found).toHaveLength(wanted.length)
  for (const [at, value] of wanted.entries()) expect(Math.abs(found[at]! - value)).toBeLessThan(within)
}

const answersTo = (prompt: readonly number[], labels: readonly (readonly number[])[]): Answer[] =>
  labels.map((own) => encoded(prompt, own))
const labels = [[20, 21], [30, 31], [40], [41, 42], [43, 44], [50, 51]]

describe.each([...ownModels, ...goldens])('answers to one prompt, %s', (name, model) => {
  const narrowest = narrowestOf(model.config)
  const runs = narrowest !== null || !name.startsWith('golden') ? [inFloat64, onOnnx] : [inFloat64]
  const short = [answersTo([5, 9, 33], labels), answersTo([7, 7, 12], labels.slice(1))]
  const long = [answersTo([5, 9, 33, 12, 7, 11, 3, 8], labels)]

  // Behind the other answers one lay too far from its prompt for a window that goes by index.
  test('rows that fit in the narrowest window lie behind their prompts, as each answer is alone', async () => {
    const wanted = short.flat().map((answer) => alone(model, answer))
    for (const run of runs) {
      const { nats, shape } = await together(model, short, run)
      expect(shape).toEqual([2, 8])
      expectEqual(nats, wanted, run === inFloat64 ? 1e-9 : 1e-3)
    }
  })

  test('rows that do not fit are scored answer by answer', async () => {
    const wanted = long.flat().map((answer) => alone(model, answer))
    for (const run of runs) {
      const { nats, shape } = await together(model, long, run)
      expect(shape).toEqual(narrowest === null ? [1, 13] : [6, 11])
      expectEqual(nats, wanted, run === inFloat64 ? 1e-9 : 1e-3)
    }
  })

  if (narrowest === null) return
  test('there the window counts', () => {
    const { config, weights } = model
    const blocks = config.blocks.map((block) => ({ ...block, window: null }))
    const wide = { config: { ...config, blocks }, weights }
    const far = long.flat().map((answer) => Math.abs(alone(model, answer) - alone(wide, answer)))
    expect(Math.max(...far)).toBeGreaterThan(1e-2)
  })
})

describe('what is fed', () => {
  const [, { config }] = ownModels[0]!
  const prompt = (length: number): number[] => Array.from({ length }, (_, t) => t % 60)

  // A row of 8,192 places was fed a mask of 256 MB, one of 32,768 one of 4 GB.
  test.each([8192, 32_768])('a row of %i places is fed a few numbers a place', (length) => {
    const own = [1, 2, 3]
    const one = [encoded(prompt(length - 4), own)]
    const several = answersTo(prompt(length - 5), labels)
    for (const answers of [one, several]) {
      const form = formOf(config, answers)
      const feeds = form.feeds(form.layOut(answers), 1)
      const { inputs } = form.build(config, { kind: 'none' }, 1).graph
      for (const { name } of inputs) expect(feeds.get(name)!.data.length).toBeLessThanOrEqual(length)
    }
  })

  test('one answer is what training feeds for it: no segments', () => {
    const answers = [encoded([1, 2], [7, 8])]
    const form = formOf(config, answers)
    const feeds = form.feeds(form.layOut(answers), 1)
    expect([...feeds.keys()]).toEqual(['ids', 'positions', 'rows.0', 'targets.0', 'weights.0'])
    expect([...feeds.get('rows.0')!.data].map(Number)).toEqual([1, 2])
  })

  test('answers with nothing in common before them are scored each by itself', () => {
    const answers = [encoded([1], [7]), encoded([2], [7])]
    const form = formOf(config, answers)
    expect(form.layOut(answers)).toHaveLength(2)
  })
})
