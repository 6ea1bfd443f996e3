// Rotary embedding (Su et al. 2021): its settings read from a config, and its tables of cosines and sines.
import type { Tensor } from '../backend-port.ts'
import type { ModelConfig, RopeConfig, RopeScaling } from './config.ts'
import {
  type ConfigObject,
  configProblem,
  isObject,
  readPositive,
  readSize,
  requireOneOf,
} from './config-fields.ts'

const defaultTheta = 10_000

function readScaling(settings: ConfigObject): RopeScaling {
  const kind = settings.rope_type ?? settings.type ?? 'default'
  if (kind === 'default') return { kind: 'none' }
  if (kind === 'linear') return { kind: 'linear', factor: readPositive(settings, 'factor') }
  if (kind === 'llama3')
    return {
      kind: 'llama3',
      factor: readPositive(settings, 'factor'),
      lowFrequencyFactor: readPositive(settings, 'low_freq_factor'),
      highFrequencyFactor: readPositive(settings, 'high_freq_factor'),
      originalMaxPositions: readSize(settings, 'original_max_position_embeddings'),
    }
  throw configProblem('rope_type', 'rope type default, linear or llama3', kind)
}

/**
 * Settings of the rotary embedding, from `rope_parameters` (transformers 5) or from `rope_theta` and `rope_scaling`
 * (transformers 4). Throws ProblemError.
 */
export function readRope(config: ConfigObject): RopeConfig {
  const settings = config.rope_parameters ?? config.rope_scaling ?? {}
  if (!isObject(settings)) throw configProblem('rope_parameters', 'an object', settings)
  requireOneOf(settings, 'partial_rotary_factor', [1])
  requireOneOf(config, 'partial_rotary_factor', [1])
  const theta = readPositive(settings, 'rope_theta', readPositive(config, 'rope_theta', defaultTheta))
  const scaling = readScaling(settings)
  if (scaling.kind === 'llama3' && scaling.highFrequencyFactor <= scaling.lowFrequencyFactor)
    throw configProblem('high_freq_factor', 'more than low_freq_factor', scaling.highFrequencyFactor)
  return { theta, scaling }
}

/** Llama 3.1: long wavelengths are stretched by the factor, short ones kept, those between blended. */
function scaleFrequency(frequency: number, scaling: RopeScaling): number {
  if (scaling.kind === 'none') return frequency
  if (scaling.kind === 'linear') return frequency / scaling.factor
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling
  const turns = (scaling.originalMaxPositions * frequency) / (2 * Math.PI)
  if (turns < low) return frequency / factor
  if (turns > high) return frequency
  const blend = (turns - low) / (high - low)
  return ((1 - blend) * frequency) / factor + blend * frequency
}

export interface RopeTables {
  /** float32 [positions, D/2], row-major */
  readonly cos: Float32Array
  readonly sin: Float32Array
}

/**
 * Cosines and sines of position x frequency for positions 0 .. positions-1, frequency i = theta^(-2i/D), scaled.
 * Frequencies and angles are rounded to float32 where transformers holds them in float32, so that tables agree at
 * large positions too; everything between is float64.
 */
export function ropeTables(config: Pick<ModelConfig, 'rope' | 'headWidth'>, positions: number): RopeTables {
  const half = config.headWidth / 2
  const cos = new Float32Array(positions * half)
  const sin = new Float32Array(positions * half)
  for (let i = 0; i < half; i += 1) {
    const exponent = Math.fround((2 * i) / config.headWidth)
    const frequency = Math.fround(1 / Math.fround(config.rope.theta ** exponent))
    const scaled = Math.fround(scaleFrequency(frequency, config.rope.scaling))
    for (let position = 0; position < positions; position += 1) {
      const angle = Math.fround(position * scaled)
      cos[position * half + i] = Math.cos(angle)
      sin[position * half + i] = Math.sin(angle)
    }
  }
  return { cos, sin }
}

/** The tables [positions, D/2] under the names by which graphs bind them. */
export function ropeWeights(
  config: Pick<ModelConfig, 'rope' | 'headWidth'>,
  positions: number,
): ReadonlyMap<'rope.cos' | 'rope.sin', Tensor> {
  const { cos, sin } = ropeTables(config, positions)
  const tensor = (data: Float32Array): Tensor => ({
    dtype: 'float32',
    shape: [positions, config.headWidth / 2],
    data,
  })
  return new Map([
    ['rope.cos', tensor(cos)],
    ['rope.sin', tensor(sin)],
  ])
}
