// What a model is, in plain words. Pure but for the words.
import type { ModelCard, RecommendedModel } from '#shared/contract/models.ts'
import { formatBytes, formatDateTime, formatNumber, formatParameters } from '../../format.ts'
import { t } from '../../words/index.ts'

/** By its number of weights: what it can be expected to do, and what it asks of a computer. */
export function sizeOf(parameters: number): 'tiny' | 'small' | 'middle' | 'large' {
  if (parameters < 250e6) return 'tiny'
  if (parameters < 1e9) return 'small'
  return parameters < 5e9 ? 'middle' : 'large'
}

export const describeModel = ({ parameters, way }: ModelCard): string =>
  `${t(`models.sizes.${sizeOf(parameters)}`)} ${t(`models.ways.${way}`)}`

const onDisk = (sizeBytes: number): string => t('models.card.onDisk', { size: formatBytes(sizeBytes) })

/** A recommended model as a card: what it takes of the disk where it is here, what is downloaded where it is not. */
export function recommendedCard(model: RecommendedModel, installed: readonly ModelCard[]) {
  const there = installed.find(({ id }) => id === model.installedId)
  const download = t('models.card.toDownload', { size: formatBytes(model.downloadBytes) })
  return { ...model, size: there ? onDisk(there.sizeBytes) : download }
}
export const installedCard = (model: ModelCard) => ({ ...model, why: null, size: onDisk(model.sizeBytes) })

export interface ModelFact {
  readonly name: string
  /** The exact term, in small type. */
  readonly term?: string
  readonly value: string
}

export function factsOf(model: ModelCard): ModelFact[] {
  const { parameters, layers, sizeBytes, maxTokens, origin, runs, addedAtMs } = model
  const known = (text: string): string => text || t('common.unknown')
  return [
    ...(model.goodAt === '' ? [] : [{ name: t('models.facts.goodAt'), value: model.goodAt }]),
    { name: t('models.facts.languages'), value: known(model.languages) },
    { name: t('models.facts.licence'), value: known(model.licence) },
    {
      name: t('models.facts.size'),
      value: t('models.facts.sizeValue', {
        size: onDisk(sizeBytes),
        parameters: formatParameters(parameters),
        layers,
      }),
    },
    // Its file or package was smaller; without this line the figures seem to contradict each other.
    ...(origin.kind === 'gguf' || origin.kind === 'package'
      ? [{ name: t('models.facts.unpacked'), value: t('models.facts.unpackedValue') }]
      : []),
    {
      name: t('models.facts.reads'),
      term: t('models.facts.readsTerm'),
      value: t('models.facts.readsValue', { tokens: formatNumber(maxTokens) }),
    },
    { name: t('models.facts.from'), value: t(`models.origin.${origin.kind}`, { name: origin.name }) },
    { name: t('models.facts.added'), value: formatDateTime(addedAtMs) },
    { name: t('models.facts.usedBy'), value: t('models.runs', { count: runs }) },
  ]
}
