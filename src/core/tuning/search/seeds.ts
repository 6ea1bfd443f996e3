// What another seed alone changes, and whether one recipe is better than another beyond it.
import { studentQuantile } from '../../proof/student-t.ts'

export interface SeedNoise {
  /** Standard deviation of the loss between seeds of the same recipe. */
  readonly sdNats: number
  readonly runs: number
}

export interface SeedComparison {
  /** Mean loss of the base minus that of the other: above 0 where the other is better. */
  readonly value: number
  /** Ends of the 95 % interval. */
  readonly low: number
  readonly high: number
}

/**
 * Deviation between seeds, pooled over recipes.
 * @param groups losses in nats, one list for each recipe; null where no recipe has two
 */
export function seedNoiseOf(groups: readonly (readonly number[])[]): SeedNoise | null {
  const repeated = groups.map((group) => group.filter(Number.isFinite)).filter(({ length }) => length > 1)
  if (repeated.length === 0) return null
  const runs = repeated.reduce((sum, { length }) => sum + length, 0)
  const squares = repeated.reduce((sum, group) => sum + varianceOf(group) * (group.length - 1), 0)
  return { sdNats: Math.sqrt(squares / (runs - repeated.length)), runs }
}

/**
 * The difference of two means with its 95 % interval by Welch's t (1947), his degrees of freedom rounded down: both recipes
 * need not vary alike. Null where one has fewer than two losses.
 *
 * The loss by which a trial was chosen must not be among them: it is the best of many, and better by luck.
 */
export function compareSeeds(base: readonly number[], winner: readonly number[]): SeedComparison | null {
  if (base.length < 2 || winner.length < 2 || ![...base, ...winner].every(Number.isFinite)) return null
  const value = meanOf(base) - meanOf(winner)
  const parts = [base, winner].map((losses) => varianceOf(losses) / losses.length)
  const variance = parts[0]! + parts[1]!
  if (variance === 0) return { value, low: value, high: value }
  const freedom = variance ** 2 / (parts[0]! ** 2 / (base.length - 1) + parts[1]! ** 2 / (winner.length - 1))
  // Equal variances give a whole number but for rounding.
  const reach = studentQuantile(0.025, Math.max(1, Math.floor(freedom + 1e-9))) * Math.sqrt(variance)
  return { value, low: value - reach, high: value + reach }
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values)
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
}
