import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { embedTexts as embedByProcess } from '#core/models/embeddings.ts'
import { readModelConfig } from '#core/models/model-json.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import {
  buildPrefixGraph,
  counterRandom,
  parameterShapes,
  parseModelConfig,
  type Tensor,
} from '#engine/index.ts'
import { encodeSafetensors } from '#formats/safetensors.ts'
import { embedTexts } from '#processes/embedder/embed-texts.ts'
import { locateWeights } from '#processes/scorer/model-folder.ts'
import type { EmbedderEvent, EmbedderJob } from '#shared/embedding-protocol.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { byteTokenizer } from '../support/byte-tokenizer.ts'
import { writeTinyModel } from './tiny-model.ts'

const home = mkdtempSync(join(tmpdir(), 'tunewright-embedder-'))
const decoder = join(home, 'decoder')
const encoder = join(home, 'encoder')
const width = 32
beforeAll(() => {
  writeTinyModel(decoder)
  writeTiny(encoder, bert)
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const bert = {
  model_type: 'bert',
  architectures: ['BertModel'],
  vocab_size: 258,
  hidden_size: width,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 64,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  hidden_act: 'gelu',
}

/** Seeded weights; the tokenizer gives a token for each byte between [CLS] and [SEP]. */
function writeTiny(folder: string, config: object): void {
  mkdirSync(folder, { recursive: true })
  const tensors = parameterShapes(unwrap(parseModelConfig(config))).map(({ name, shape }) => {
    const random = counterRandom(5, name)
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => random(i) - 0.5)
    return [name, { shape: [...shape], data }] as const
  })
  const { tokenizerJson } = byteTokenizer(['[CLS]', '[SEP]'])
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  tokenizerJson.post_processor = {
    type: 'TemplateProcessing',
    single: [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [256], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [257], tokens: ['[SEP]'] },
    },
  }
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(new Map(tensors)))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizerJson))
  writeFileSync(join(folder, 'tokenizer_config.json'), '{}')
}

async function embed(job: Pick<EmbedderJob, 'modelFolder' | 'texts'> & Partial<EmbedderJob>) {
  const events: EmbedderEvent[] = []
  await embedTexts(
    { workFolder: home, threads: 1, maxTokens: 64, pooling: null, ...job },
    createOnnxBackend(),
    {
      emit: async (event) => {
        events.push(event)
      },
      signal: new AbortController().signal,
    },
  )
  const vectors: number[][] = []
  for (const event of events)
    if (event.kind === 'vectors')
      for (const [at, index] of event.indices.entries())
        vectors[index] = [...event.vectors.slice(at * width, (at + 1) * width)]
  return { vectors, plan: events.find((event) => event.kind === 'plan') }
}

/** States of one text by itself, place by place; no padding, no pooling, no batch. */
async function statesOf(folder: string, ids: readonly number[]): Promise<number[][]> {
  const config = await readModelConfig(folder)
  const built = buildPrefixGraph(config, config.layers)
  const weights = await locateWeights(folder, config, built, 64)
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads: 1, weights, workFolder: home }),
  )
  const whole = (values: readonly number[]): Tensor => ({
    dtype: 'int64',
    shape: [1, ids.length],
    data: BigInt64Array.from(values.map(BigInt)),
  })
  const zeros = whole(ids.map(() => 0))
  const feeds = new Map([
    ['ids', whole(ids)],
    ['positions', whole(ids.map((_, at) => at))],
    ...(config.kind === 'encoder'
      ? ([
          ['segments', zeros],
          ['types', zeros],
        ] as const)
      : []),
  ])
  const hidden = (await session.run(feeds)).get('hidden')
  const states = Array.from((hidden?.data ?? []) as Float32Array)
  await session.dispose()
  return ids.map((_, at) => states.slice(at * width, (at + 1) * width))
}

const unit = (vector: readonly number[]): number[] => vector.map((value) => value / Math.hypot(...vector))
const meanOf = (states: readonly number[][]): number[] =>
  states[0]!.map((_, c) => states.reduce((sum, state) => sum + state[c]!, 0) / states.length)
const furthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, c) => Math.abs(value - b[c]!)))
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]

const texts = ['ab', 'a much longer text than the others', 'ü', 'ab']

describe('an encoder', () => {
  test('gives each text the pooled states that it has by itself, in a batch of different lengths', async () => {
    const of = {
      mean: (states: number[][]) => meanOf(states),
      cls: (states: number[][]) => states[0]!,
      last: (states: number[][]) => states.at(-1)!,
    }
    for (const pooling of ['mean', 'cls', 'last'] as const) {
      const { vectors } = await embed({ modelFolder: encoder, texts, pooling })
      for (const [at, text] of texts.entries()) {
        const states = await statesOf(encoder, [256, ...bytes(text), 257])
        expect(furthest(vectors[at]!, unit(of[pooling](states)))).toBeLessThan(1e-5)
      }
    }
  })

  test('takes the mean where nothing is said', async () => {
    const said = await embed({ modelFolder: encoder, texts, pooling: 'mean' })
    const unsaid = await embed({ modelFolder: encoder, texts })
    expect(unsaid).toEqual(said)
    expect(unsaid.plan).toMatchObject({ pooling: 'mean', width, cut: [] })
  })

  test('of a longer text the beginning counts, between its special tokens, and it is told', async () => {
    const { vectors, plan } = await embed({ modelFolder: encoder, texts, maxTokens: 8 })
    expect(plan).toMatchObject({ cut: [1] })
    const beginning = await statesOf(encoder, [256, ...bytes('a much'), 257])
    expect(furthest(vectors[1]!, unit(meanOf(beginning)))).toBeLessThan(1e-5)
  })

  test('never reads further than its positions go', async () => {
    const { plan } = await embed({ modelFolder: encoder, texts: ['x'.repeat(200)], maxTokens: 4096 })
    expect(plan).toMatchObject({ cut: [0] })
  })

  test('an empty text is its special tokens', async () => {
    const { vectors } = await embed({ modelFolder: encoder, texts: [''] })
    expect(furthest(vectors[0]!, unit(meanOf(await statesOf(encoder, [256, 257]))))).toBeLessThan(1e-5)
  })
})

describe('a decoder', () => {
  test('gives the state of the last token, which has read the whole text', async () => {
    const { vectors, plan } = await embed({ modelFolder: decoder, texts })
    expect(plan).toMatchObject({ pooling: 'last' })
    expect(vectors[0]).toEqual(vectors[3])
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
    const [long] = (await embed({ modelFolder: decoder, texts: [texts[1]!] })).vectors
    expect(furthest(vectors[1]!, long!)).toBeLessThan(1e-5)
    const [mean] = (await embed({ modelFolder: decoder, texts: [texts[1]!], pooling: 'mean' })).vectors
    expect(furthest(vectors[1]!, mean!)).toBeGreaterThan(0.01)
  })

  test('refuses an empty text by its number', async () => {
    const refused = await embed({ modelFolder: decoder, texts: ['a', ''] }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ProblemError)
    expect((refused as ProblemError).problem).toMatchObject({ code: 'usage.invalid', where: 'text 2' })
  })
})

describe('a model that has no vectors to give', () => {
  const problemOf = async (modelFolder: string): Promise<unknown> => {
    const refused = await embed({ modelFolder, texts }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ProblemError)
    return (refused as ProblemError).problem
  }

  test('one that reads a text and writes another is refused', async () => {
    const folder = join(home, 't5')
    const sizes = { d_model: width, d_kv: 8, d_ff: 64, num_layers: 1, num_decoder_layers: 1, num_heads: 4 }
    writeTiny(folder, { model_type: 't5', vocab_size: 258, decoder_start_token_id: 0, ...sizes })
    expect(await problemOf(folder)).toMatchObject({ code: 'model.unsupported-family', where: folder })
  })

  test('one whose weights are no numbers fails with that', async () => {
    const folder = join(home, 'broken')
    writeTiny(folder, bert)
    const shapes = parameterShapes(await readModelConfig(folder))
    const broken = shapes.map(({ name, shape }) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(Number.NaN)
      return [name, { shape: [...shape], data }] as const
    })
    writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(new Map(broken)))
    expect(await problemOf(folder)).toMatchObject({ code: 'embedder.failed' })
  })
})

describe('as a process', () => {
  const request = { modelFolder: encoder, cacheFolder: home, threads: 1, maxTokens: 64, pooling: null }

  test('gives the vectors in the order of the texts', async () => {
    const made = unwrap(await embedByProcess({ ...request, texts }, { launcher: createNodeLauncher() }))
    const { vectors } = await embed({ modelFolder: encoder, texts })
    expect(made.vectors.map((vector) => [...vector])).toEqual(vectors)
    expect(made).toMatchObject({ width, pooling: 'mean', cut: new Set() })
  })

  test('is stopped by its signal, and leaves no folder behind', async () => {
    const stop = new AbortController()
    const many = Array.from({ length: 4000 }, (_, at) => `text ${at}`)
    const made = await embedByProcess(
      { ...request, texts: many },
      { launcher: createNodeLauncher(), signal: stop.signal, onProgress: () => stop.abort() },
    )
    expect(made).toMatchObject({ ok: false, problem: { code: 'proof.cancelled' } })
    expect(readdirSync(home).filter((name) => name.includes('embeddings'))).toEqual([])
  })

  test('a model that is not there is a Problem', async () => {
    const modelFolder = join(home, 'nowhere')
    const made = await embedByProcess({ ...request, modelFolder, texts }, { launcher: createNodeLauncher() })
    expect(made).toMatchObject({ ok: false, problem: { where: expect.stringContaining('nowhere') } })
  })
})
