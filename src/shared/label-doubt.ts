// When what a last layer names is no clear answer: one rule for screen and terminal. Pure.

export interface LabelShare {
  readonly label: string
  readonly probability: number
}

/** Below this share the likeliest label is more likely wrong than right, by the model's own word. */
const clearShare = 0.5
/** So close to each other two labels are taken for one another. */
const closeShare = 0.1

/** 'none-clear', or 'close' where the first two are nearly alike; null where one is clear. The likeliest comes first. */
export function doubtOfLabels([first, second]: readonly LabelShare[]): 'none-clear' | 'close' | null {
  if (first === undefined) return null
  if (first.probability < clearShare) return 'none-clear'
  return second !== undefined && first.probability - second.probability < closeShare ? 'close' : null
}
