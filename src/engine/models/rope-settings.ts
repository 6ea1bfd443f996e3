// Settings of the rotary embedding in config.json, as transformers 4 and 5 write them. Computes no table.
import type { RopeScaling, RopeTable } from './config.ts'
import {
  type ConfigObject,
  configProblem,
  isObject,
  readFlag,
  readNumbers,
  readPositive,
  readPositiveOrNull,
  readSize,
} from './config-fields.ts'

/** What a family says of its rotary embedding beside the config. */
export interface RopeTraits {
  readonly headWidth: number
  readonly maxPositions: number
  /** Base and share of the head where the config has none. */
  readonly theta: number
  readonly share: number
  /** Whether the family can turn a part of each head only. */
  readonly isPartial: boolean
}

const readOriginal = (settings: ConfigObject, config: ConfigObject, { maxPositions }: RopeTraits): number =>
  readSize(
    config.original_max_position_embeddings ? config : settings,
    'original_max_position_embeddings',
    maxPositions,
  )

/** By how much YaRN enlarges scores for a context that was made `factor` times longer. */
const yarnMagnitude = (factor: number, weight: number): number =>
  factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1

function readYarn(settings: ConfigObject, config: ConfigObject, traits: RopeTraits): RopeScaling {
  const originalMaxPositions = readOriginal(settings, config, traits)
  const factor = readPositive(settings, 'factor', traits.maxPositions / originalMaxPositions)
  const [scale, scaleAll] = ['mscale', 'mscale_all_dim'].map((key) =>
    settings[key] === 0 ? null : readPositiveOrNull(settings, key, null),
  )
  const magnitude =
    scale && scaleAll
      ? yarnMagnitude(factor, scale) / yarnMagnitude(factor, scaleAll)
      : yarnMagnitude(factor, 1)
  return {
    kind: 'yarn',
    factor,
    fastTurns: readPositive(settings, 'beta_fast', 32),
    slowTurns: readPositive(settings, 'beta_slow', 1),
    originalMaxPositions,
    isTruncated: readFlag(settings, 'truncate', true),
    magnitude: readPositive(settings, 'attention_factor', magnitude),
  }
}

function readLongRope(
  settings: ConfigObject,
  config: ConfigObject,
  traits: RopeTraits,
  width: number,
): RopeScaling {
  const originalMaxPositions = readOriginal(settings, config, traits)
  const factor = readPositive(settings, 'factor', traits.maxPositions / originalMaxPositions)
  const magnitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions))
  return {
    kind: 'longrope',
    shortFactors: readNumbers(settings, 'short_factor', width / 2),
    longFactors: readNumbers(settings, 'long_factor', width / 2),
    originalMaxPositions,
    magnitude: readPositive(settings, 'attention_factor', magnitude),
  }
}

function readLlama3(settings: ConfigObject, config: ConfigObject, traits: RopeTraits): RopeScaling {
  const lowFrequencyFactor = readPositive(settings, 'low_freq_factor')
  const highFrequencyFactor = readPositive(settings, 'high_freq_factor')
  if (highFrequencyFactor <= lowFrequencyFactor)
    throw configProblem('high_freq_factor', 'more than low_freq_factor', highFrequencyFactor)
  const originalMaxPositions = readOriginal(settings, config, traits)
  const factor = readPositive(settings, 'factor')
  return { kind: 'llama3', factor, lowFrequencyFactor, highFrequencyFactor, originalMaxPositions }
}

function readScaling(
  settings: ConfigObject,
  config: ConfigObject,
  traits: RopeTraits,
  width: number,
): RopeScaling {
  const kind = settings.rope_type ?? settings.type ?? 'default'
  if (kind === 'default') return { kind: 'none' }
  if (kind === 'linear') return { kind: 'linear', factor: readPositive(settings, 'factor') }
  if (kind === 'llama3') return readLlama3(settings, config, traits)
  // Early files of Phi-3 call longrope 'su' or 'yarn'.
  if (kind === 'longrope' || kind === 'su' || (kind === 'yarn' && settings.short_factor))
    return readLongRope(settings, config, traits, width)
  if (kind === 'yarn') return readYarn(settings, config, traits)
  throw configProblem('rope_type', 'rope type default, linear, llama3, yarn or longrope', kind)
}

/** One table from its settings; what they lack is taken from the config itself, then from the family. Throws ProblemError. */
export function readRopeTable(
  name: RopeTable['name'],
  settings: ConfigObject,
  config: ConfigObject,
  traits: RopeTraits,
): RopeTable {
  const theta = readPositive(settings, 'rope_theta', readPositive(config, 'rope_theta', traits.theta))
  const inConfig = readPositive(config, 'partial_rotary_factor', traits.share)
  const share = readPositive(settings, 'partial_rotary_factor', inConfig)
  if (share > 1 || (share < 1 && !traits.isPartial))
    throw configProblem('partial_rotary_factor', traits.isPartial ? 'at most 1' : '1', share)
  const width = Math.floor(traits.headWidth * share)
  if (width < 2 || width % 2 !== 0)
    throw configProblem(
      share === 1 ? 'head_dim' : 'partial_rotary_factor',
      'an even number of turned numbers',
      width,
    )
  return { name, width, theta, scaling: readScaling(settings, config, traits, width) }
}

/** `rope_parameters` (transformers 5) or `rope_scaling` (transformers 4). */
export function ropeSettings(config: ConfigObject): ConfigObject {
  const settings = config.rope_parameters ?? config.rope_scaling ?? {}
  if (isObject(settings)) return settings
  throw configProblem('rope_parameters', 'an object', settings)
}
