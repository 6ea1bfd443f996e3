// Small models that Tunewright's engine can train and that a person may meet first. Facts from their publishers' cards.
import type { RecommendedModel } from '#shared/contract/index.ts'

type KnownModel = Omit<RecommendedModel, 'fit' | 'installedId'> & {
  /** Weights as they lie in memory while training. */
  readonly weightBytes: number
}

export const knownModels: readonly KnownModel[] = [
  {
    name: 'SmolLM2-135M-Instruct',
    parameters: 134_515_008,
    downloadBytes: 269_060_552,
    weightBytes: 538e6,
    licence: 'Apache-2.0',
    languages: 'English',
    goodAt: 'short answers, labels, a first try',
    why: 'The smallest: a whole run in minutes, without a graphics card.',
    how: 'fetch',
  },
  {
    name: 'SmolLM2-360M-Instruct',
    parameters: 361_821_120,
    downloadBytes: 723_674_912,
    weightBytes: 1.45e9,
    licence: 'Apache-2.0',
    languages: 'English',
    goodAt: 'short texts, rewriting, labels',
    why: 'More knowledge than the smallest, about three times as slow.',
    how: 'bring',
  },
  {
    name: 'SmolLM2-1.7B-Instruct',
    parameters: 1_711_376_384,
    downloadBytes: 3_422_777_952,
    weightBytes: 6.85e9,
    licence: 'Apache-2.0',
    languages: 'English',
    goodAt: 'summaries, longer answers',
    why: 'The most able of the three; it needs much memory and patience on a processor.',
    how: 'bring',
  },
]
