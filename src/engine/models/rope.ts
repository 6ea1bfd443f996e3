// Rotary embedding (Su et al. 2021): its tables of cosines and sines.
import type { Tensor } from '../backend-port.ts'
import type { ModelConfig, RopeScaling, RopeTable } from './config.ts'

type Yarn = Extract<RopeScaling, { kind: 'yarn' }>
type Llama3 = Extract<RopeScaling, { kind: 'llama3' }>

/** Llama 3.1: long wavelengths are stretched by the factor, short ones kept, those between blended. */
function scaleByLlama3(frequency: number, scaling: Llama3): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling
  const turns = (scaling.originalMaxPositions * frequency) / (2 * Math.PI)
  if (turns < low) return frequency / factor
  if (turns > high) return frequency
  const blend = (turns - low) / (high - low)
  return ((1 - blend) * frequency) / factor + blend * frequency
}

/** The share of its stretched frequency that dimension i takes: 0 for those that turn often, 1 for those that do not. */
function yarnShare(i: number, { width, theta }: RopeTable, scaling: Yarn): number {
  const dimensionOf = (turns: number): number =>
    (width * Math.log(scaling.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta))
  const [fast, slow] = [dimensionOf(scaling.fastTurns), dimensionOf(scaling.slowTurns)]
  const low = Math.max(scaling.isTruncated ? Math.floor(fast) : fast, 0)
  const high = Math.min(scaling.isTruncated ? Math.ceil(slow) : slow, width - 1)
  const span = Math.fround(high === low ? 0.001 : high - low)
  return Math.min(1, Math.max(0, Math.fround(Math.fround(i - low) / span)))
}

/**
 * Frequency i = theta^(-2i/R), scaled; rounded to float32 where transformers holds it in float32, so that tables agree
 * at large positions too.
 */
function frequencyOf(i: number, table: RopeTable, isLong: boolean): number {
  const { width, theta, scaling } = table
  const wavelength = Math.fround(theta ** Math.fround((2 * i) / width))
  const frequency = Math.fround(1 / wavelength)
  switch (scaling.kind) {
    case 'none':
      return frequency
    case 'linear':
      return Math.fround(frequency / scaling.factor)
    case 'llama3':
      return Math.fround(scaleByLlama3(frequency, scaling))
    case 'yarn': {
      const kept = Math.fround(1 - yarnShare(i, table, scaling))
      const stretched = Math.fround(1 / Math.fround(scaling.factor * wavelength))
      return Math.fround(Math.fround(stretched * Math.fround(1 - kept)) + Math.fround(frequency * kept))
    }
    case 'longrope': {
      const factors = isLong ? scaling.longFactors : scaling.shortFactors
      return Math.fround(1 / Math.fround(Math.fround(factors[i] ?? 1) * wavelength))
    }
  }
}

export interface RopeTables {
  /** float32 [positions, R/2], row-major */
  readonly cos: Float32Array
  readonly sin: Float32Array
}

/**
 * Cosines and sines of position x frequency for positions 0 .. positions-1. LongRoPE's long factors are taken where
 * the table reaches beyond the original positions: transformers chooses anew for every batch, a run here only once.
 */
export function ropeTables(table: RopeTable, positions: number): RopeTables {
  const { scaling } = table
  const half = table.width / 2
  const cos = new Float32Array(positions * half)
  const sin = new Float32Array(positions * half)
  const isLong = scaling.kind === 'longrope' && positions > scaling.originalMaxPositions
  const magnitude = 'magnitude' in scaling ? scaling.magnitude : 1
  for (let i = 0; i < half; i += 1) {
    const frequency = frequencyOf(i, table, isLong)
    for (let position = 0; position < positions; position += 1) {
      const angle = Math.fround(position * frequency)
      cos[position * half + i] = Math.cos(angle) * magnitude
      sin[position * half + i] = Math.sin(angle) * magnitude
    }
  }
  return { cos, sin }
}

/** The tables [positions, R/2] under the names by which graphs bind them; none for a model that turns nothing. */
export function ropeWeights(
  { rope }: Pick<ModelConfig, 'rope'>,
  positions: number,
): ReadonlyMap<string, Tensor> {
  return new Map(
    rope.flatMap((table) => {
      const shape = [positions, table.width / 2]
      return Object.entries(ropeTables(table, positions)).map(
        ([part, data]: [string, Float32Array]) =>
          [`${table.name}.${part}`, { dtype: 'float32', shape, data }] as const,
      )
    }),
  )
}
