// A library for the memory benchmark in the system's temporary folder: the starter model, a wider and a deeper one of
// random numbers, and rows of any length. Made on first use and kept.
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasetFolder, readSplit } from '#core/data/dataset-folder.ts'
import { importDataset } from '#core/data/import-dataset.ts'
import { importModel } from '#core/models/import-model.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { sha256File, writeNewFile } from '#core/system/durable-files.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { counterRandom, parameterShapes, parseModelConfig } from '#engine/index.ts'
import { commonStart, countLabelled } from '#engine/train/collate.ts'
import { safetensorsChunks } from '#formats/safetensors.ts'
import { readTextSide } from '#processes/scorer/model-folder.ts'
import { recipeDraft } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { findStarterGguf } from '../tests/support/models.ts'

export type BenchModel = 'starter' | 'wider' | 'deeper'

export interface PlacedModel {
  readonly id: string
  readonly folder: string
  readonly weightsSha256: string
}

export interface BenchRows {
  readonly fingerprint: string
  readonly folder: string
  /** Of the longest row, and what of a row is labelled at most. */
  readonly longestTokens: number
  readonly mostLabelledTokens: number
  /** What all rows to learn from begin with. */
  readonly sharedTokens: number
}

export const openBenchLibrary = (): Library => openLibrary(join(tmpdir(), 'tunewright-memory-bench'))

const shapesOf = { wider: [1536, 4096, 8, 24], deeper: [320, 864, 56, 5] } as const

/** The folder of a model, with the starter's tokenizer. Needs the starter's GGUF. */
export async function placeModel(library: Library, model: BenchModel): Promise<PlacedModel> {
  const starter = join(library.modelsFolder, 'bench-starter')
  if (!existsSync(starter)) {
    const gguf = findStarterGguf()
    if (gguf === null) throw new Error('the benchmark needs the starter model')
    const { id } = unwrap(await importModel(library, gguf))
    await mkdir(starter)
    for (const name of modelFiles) await copyFile(join(library.modelsFolder, id, name), join(starter, name))
  }
  const folder = join(library.modelsFolder, `bench-${model}`)
  if (model !== 'starter' && !existsSync(folder)) await makeRandom(starter, folder, shapesOf[model])
  return {
    id: `bench-${model}`,
    folder,
    weightsSha256: await sha256File(join(folder, 'model.safetensors')),
  }
}

const textFiles = ['tokenizer.json', 'tokenizer_config.json']
const modelFiles = ['model.safetensors', 'config.json', ...textFiles]

async function makeRandom(
  starter: string,
  folder: string,
  [hidden, intermediate, layers, heads]: readonly [number, number, number, number],
): Promise<void> {
  const own = JSON.parse(await readFile(join(starter, 'config.json'), 'utf8')) as object
  const config = {
    ...own,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: heads,
    head_dim: 64,
  }
  const temporary = `${folder}.tmp-${process.pid}`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary)
  const inputs = parameterShapes(unwrap(parseModelConfig(config))).map(({ name, shape }) => ({
    name,
    dtype: 'F32' as const,
    shape,
    read: () => randomBytes(name, shape),
  }))
  await writeNewFile(join(temporary, 'model.safetensors'), safetensorsChunks(inputs))
  await writeFile(join(temporary, 'config.json'), JSON.stringify(config))
  for (const name of textFiles) await copyFile(join(starter, name), join(temporary, name))
  await rename(temporary, folder)
}

/** Uniform numbers of a model's usual size; norms are 1. */
function randomBytes(name: string, shape: readonly number[]): Uint8Array {
  const random = counterRandom(1, name)
  const length = shape.reduce((product, size) => product * size, 1)
  const values = Float32Array.from({ length }, (_, i) =>
    shape.length === 1 ? 1 : (2 * random(i) - 1) * 0.05,
  )
  return new Uint8Array(values.buffer)
}

export const rowsScenario = { scenario: 'question-answering' } as const

interface RowsRequest {
  readonly tokens: number
  readonly count: number
  readonly instruction: string
}

/** Rows of about `tokens` tokens with the template, `count` to learn from and `count` to watch, nearly all of it answer. */
export async function placeRows(
  library: Library,
  { folder }: PlacedModel,
  { tokens, count, instruction }: RowsRequest,
): Promise<BenchRows> {
  // The template and an instruction of one word for each token.
  const around = 30 + instruction.split(' ').length
  const csv = join(library.cacheFolder, `rows-${tokens}-${count}-${around}.csv`)
  const lines = Array.from({ length: 2 * count }, (_, row) => {
    const words = wordsOf(row, Math.max(1, tokens - around))
    return `${words.slice(0, 2).join(' ')}?,${words.join(' ')}`
  })
  await writeFile(csv, `question,answer\n${lines.join('\n')}\n`)
  const data = recipeDraft.shape.data.parse({ path: csv, validationShare: 0.5, testShare: 0 })
  const { fingerprint } = unwrap(await importDataset(library, data, rowsScenario.scenario))
  const datasetPath = datasetFolder(library, fingerprint)
  return { fingerprint, folder: datasetPath, ...(await sizesOf(folder, datasetPath, instruction)) }
}

async function sizesOf(modelFolder: string, datasetPath: string, instruction: string) {
  const { encodeExample } = await readTextSide(modelFolder)
  const { toExamples } = scenarioOf(rowsScenario.scenario)
  const encodedOf = async (split: 'train' | 'validation') =>
    unwrap(await readSplit(datasetPath, split))
      .flatMap((row) => toExamples(row, instruction))
      .map(({ rowId, prompt, answer }) => ({ rowId, ...unwrap(encodeExample(prompt, answer)) }))
  const train = await encodedOf('train')
  const encoded = [...train, ...(await encodedOf('validation'))]
  return {
    longestTokens: Math.max(...encoded.map(({ ids }) => ids.length)),
    mostLabelledTokens: Math.max(...encoded.map((row) => countLabelled(row))),
    sharedTokens: commonStart(train, 'next-token'),
  }
}

/** Everyday words, most of them one token each. */
const vocabulary =
  'time people water place work world life house hand part year day man case point system number night area book eye job word side kind head fact month lot right study story law'.split(
    ' ',
  )

export function wordsOf(row: number, count: number): string[] {
  const random = counterRandom(9, `row ${row}`)
  return Array.from({ length: count }, (_, i) => vocabulary[Math.floor(random(i) * vocabulary.length)]!)
}
