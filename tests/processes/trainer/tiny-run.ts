// A run small enough for tests, of real parts: a library with a random two-block Llama, a byte-level tokenizer with a
// ChatML template and an imported CSV of short messages with labels.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datasetFolder } from '../../../src/core/data/dataset-folder.ts'
import { importDataset } from '../../../src/core/data/import-dataset.ts'
import { type Library, openLibrary } from '../../../src/core/system/library.ts'
import { counterRandom, parameterShapes, parseModelConfig } from '../../../src/engine/index.ts'
import { encodeSafetensors } from '../../../src/formats/safetensors.ts'
import { recipe, recipeDraft } from '../../../src/shared/recipe.ts'
import { unwrap } from '../../../src/shared/result.ts'
import type { TrainerJob } from '../../../src/shared/trainer-protocol.ts'

const modelId = 'tiny-llama'
const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']

/** The printable stand-in for each byte in byte-level vocabularies (Radford et al. 2019). */
function byteAlphabet(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255)
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    if (printable(byte)) return String.fromCodePoint(byte)
    next += 1
    return String.fromCodePoint(next - 1)
  })
}

const tokenizerJson = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: specialTokens.map((content, i) => ({
    id: 256 + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(byteAlphabet().map((text, byte) => [text, byte])),
    merges: [],
  },
}

const tokenizerConfig = {
  tokenizer_class: 'GPT2Tokenizer',
  bos_token: '<|endoftext|>',
  eos_token: '<|im_end|>',
  pad_token: '<|endoftext|>',
  chat_template:
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
}

const modelConfig = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_act: 'silu',
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 260,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
}

async function writeModel(folder: string): Promise<string> {
  const config = unwrap(parseModelConfig(modelConfig))
  const tensors = new Map(
    parameterShapes(config).map(({ name, shape }) => {
      const random = counterRandom(1, name)
      const scale = name.includes('norm') ? 0 : 0.3
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
        scale === 0 ? 1 : (2 * random(i) - 1) * scale,
      )
      return [name, { shape, data }]
    }),
  )
  const weights = encodeSafetensors(tensors)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'model.safetensors'), weights)
  await writeFile(join(folder, 'config.json'), JSON.stringify(modelConfig))
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizerJson))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig))
  return createHash('sha256').update(weights).digest('hex')
}

const subjects = [
  'bill',
  'parcel',
  'password',
  'refund',
  'delivery',
  'login',
  'invoice',
  'courier',
  'account',
]
const teams = ['money', 'shipping', 'access', 'money', 'shipping', 'access', 'money', 'shipping', 'access']
const openings = ['my', 'the', 'about my', 'where is the', 'trouble with my', 'please check the']

/** CSV text of `count` different messages, each with the team that answers it. */
export function messagesCsv(count: number): string {
  const random = counterRandom(5, 'messages')
  const lines = Array.from({ length: count }, (_, i) => {
    const subject = Math.floor(random(2 * i) * subjects.length)
    const opening = openings[Math.floor(random(2 * i + 1) * openings.length)]
    return `${opening} ${subjects[subject]} ${'!'.repeat(i % 7)}${i},${teams[subject]}`
  })
  return `message,team\n${lines.join('\n')}\n`
}

export interface TestLibrary {
  readonly library: Library
  readonly modelFolder: string
  /** A job for a new run; `changes` overrides parts of the recipe. */
  makeJob(runId: string, changes?: Record<string, unknown>): Promise<TrainerJob>
}

/** A new library with the tiny model in a temporary folder; the caller removes `library.home`. */
export function makeTinyLibrary(csv: string = messagesCsv(60)): Promise<TestLibrary> {
  return makeTestLibrary(csv, async (library) => {
    const weightsSha256 = await writeModel(join(library.modelsFolder, modelId))
    return { id: modelId, weightsSha256 }
  })
}

/** A new library with the model that `addModel` adds and the imported CSV. */
export async function makeTestLibrary(
  csv: string,
  addModel: (library: Library) => Promise<{ readonly id: string; readonly weightsSha256: string }>,
): Promise<TestLibrary> {
  const library = openLibrary(await mkdtemp(join(tmpdir(), 'tunewright-trainer-')))
  const { id, weightsSha256 } = await addModel(library)
  const csvPath = join(library.cacheFolder, 'messages.csv')
  await writeFile(csvPath, csv)
  const data = recipeDraft.shape.data.parse({
    path: csvPath,
    columns: { text: 'message', label: 'team' },
  })
  const { fingerprint } = unwrap(await importDataset(library, data, 'classification'))
  const modelFolder = join(library.modelsFolder, id)
  return {
    library,
    modelFolder,
    async makeJob(runId, changes = {}) {
      const runFolder = join(library.runsFolder, runId)
      await mkdir(runFolder, { recursive: true })
      return {
        runId,
        modelFolder,
        datasetFolder: datasetFolder(library, fingerprint),
        runFolder,
        firstSeq: 1,
        recipe: recipe.parse({
          version: 1,
          model: { id, weightsSha256 },
          data: { fingerprint },
          scenario: 'classification',
          instruction: 'Answer with money, shipping or access.',
          threads: 1,
          method: { kind: 'lora', rank: 4, alpha: 8 },
          optimizer: { learningRate: 0.01 },
          batch: { microRows: 4, accumulation: 2, maxTokens: 200 },
          duration: { epochs: 3 },
          checkpoints: { everySeconds: null, everySteps: 3, keepLast: 2 },
          ...changes,
        }),
      }
    },
  }
}

export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'))
}
