// Scores labels against labels: macro F1, one line for each label, confusion matrix. Defined as in
// scikit-learn with zero_division = 0; macro averages over every label that was expected or predicted.

/** Row = expected label, column = predicted label, both as indices into one list of labels. */
export function confusionMatrix(
  expected: ArrayLike<number>,
  predicted: ArrayLike<number>,
  labels: number,
): number[][] {
  const matrix = Array.from({ length: labels }, () => new Array<number>(labels).fill(0))
  for (let row = 0; row < expected.length; row += 1)
    matrix[expected[row] as number]![predicted[row] as number]! += 1
  return matrix
}

export interface LabelScores {
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** Rows that should have had this label. */
  readonly support: number
  /** Rows that were given this label. */
  readonly predicted: number
}

/** precision = right / predicted, recall = right / support, f1 = 2 right / (predicted + support); 0 where 0/0. */
export function scoresPerLabel(matrix: readonly (readonly number[])[]): LabelScores[] {
  return matrix.map((row, label) => {
    const right = row[label] ?? 0
    const support = row.reduce((a, b) => a + b, 0)
    const predicted = matrix.reduce((sum, other) => sum + (other[label] ?? 0), 0)
    return {
      precision: predicted === 0 ? 0 : right / predicted,
      recall: support === 0 ? 0 : right / support,
      f1: predicted + support === 0 ? 0 : (2 * right) / (predicted + support),
      support,
      predicted,
    }
  })
}

/** Unweighted mean of F1 over the labels that occur (expected or predicted); from 0 to 1. */
export function macroF1Of(matrix: readonly (readonly number[])[]): number {
  const present = scoresPerLabel(matrix).filter((label) => label.support + label.predicted > 0)
  return present.length === 0 ? 0 : present.reduce((sum, label) => sum + label.f1, 0) / present.length
}
