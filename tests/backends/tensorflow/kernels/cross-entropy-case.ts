// Cases of our cross-entropy operator: chance scores, and what the operator gives.
import { float } from '#backends/tensorflow/graph-def.ts'
import { type Attributes, type Given, runOperator } from './run-operator.ts'
import { chance } from './terms.ts'

export interface CrossEntropyCase {
  readonly rows: number
  readonly classes: number
  readonly smoothing?: number
  /** Scores lie between it and less it; 8 where it is not said. */
  readonly spread?: number
}

export function scoresOf({ rows, classes, spread = 8 }: CrossEntropyCase) {
  const named = `${rows} ${classes}`
  const targets = chance(`targets ${named}`, rows, classes)
  return {
    logits: { shape: [rows, classes], data: chance(`logits ${named}`, rows * classes, spread) },
    targets: { shape: [rows], data: Int32Array.from(targets, (each) => Math.abs(each) % classes) },
    weights: { shape: [rows], data: chance(`weights ${named}`, rows).map((each) => each + 1.5) },
  }
}

export function crossEntropyOf(
  { logits, targets, weights }: Readonly<Record<'logits' | 'targets' | 'weights', Given>>,
  { smoothing = 0 }: CrossEntropyCase,
  given: Attributes,
  threads = 2,
): readonly Float32Array[] {
  const attributes = { ...given, smoothing: float(smoothing) }
  return runOperator('TunewrightCrossEntropy', [logits, targets, weights], attributes, 3, threads)
}
