// Lays several answers to one prompt out in a single row, so that the prompt is computed once: prompt tokens, then each
// answer's tokens one after another. An answer sees the prompt and itself only, and counts its positions from the prompt.
// Whatever stands here is pure; src/processes/scorer runs it.
import { ignoredLabel } from '#shared/labels.ts'

/** Tokens of a whole conversation; `labels[t]` is `ids[t]` where the token belongs to the answer, else -100. */
export interface EncodedAnswer {
  readonly ids: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

const promptGroup = -1

/** One laid-out row of S places. */
export interface BranchedRow {
  /** [S] */
  readonly ids: Int32Array
  /** [S]: 0, 1, ... through the prompt; every branch goes on from the prompt's length. */
  readonly positions: Int32Array
  /** [S]: the branch a place belongs to, -1 for the prompt. Place q sees place k if k <= q and k is prompt or q's branch. */
  readonly branchOf: Int32Array
  /** What is predicted: at `place` the token `target`, for the sake of `branch`. */
  readonly targets: readonly { readonly place: number; readonly target: number; readonly branch: number }[]
  /** Answer tokens of each branch. */
  readonly answerTokens: readonly number[]
}

/** Length of the tokens that all answers begin with, before the first token that any of them is scored on. */
function sharedPrefix(answers: readonly EncodedAnswer[]): number {
  const first = answers[0]!
  let length = 0
  const agrees = (answer: EncodedAnswer): boolean =>
    length < answer.ids.length &&
    answer.ids[length] === first.ids[length] &&
    answer.labels[length] === ignoredLabel
  while (answers.every(agrees)) length += 1
  return length
}

/** Index after the last token that is scored. Later tokens (a line break after the end-of-turn) change nothing. */
function scoredEnd(answer: EncodedAnswer): number {
  let end = answer.labels.length
  while (end > 0 && answer.labels[end - 1] === ignoredLabel) end -= 1
  return end
}

/**
 * Lays out one prompt with its possible answers (one answer is the ordinary causal row). The first token of each branch
 * is predicted from the prompt's last place, the others from the place before them in their branch; a branch's last token
 * is predicted only and takes no place. Where the tokenizer merges an answer's beginning with the prompt's end, the
 * prompt's share of that answer moves into its branch, unscored: the sum stays what the answer alone would get.
 */
export function layOutBranches(answers: readonly EncodedAnswer[]): BranchedRow {
  const prompt = sharedPrefix(answers)
  if (prompt === 0) throw new Error('a prompt has at least one token before its answers')
  const ids = Array.from({ length: prompt }, (_, t) => answers[0]!.ids[t] as number)
  const positions = ids.map((_, t) => t)
  const branchOf = ids.map(() => promptGroup)
  const targets: { place: number; target: number; branch: number }[] = []
  const answerTokens: number[] = []
  for (const [branch, answer] of answers.entries()) {
    const end = scoredEnd(answer)
    let previous = prompt - 1
    let scored = 0
    for (let t = prompt; t < end; t += 1) {
      const id = answer.ids[t] as number
      if (answer.labels[t] !== ignoredLabel) {
        targets.push({ place: previous, target: id, branch })
        scored += 1
      }
      if (t === end - 1) break
      previous = ids.length
      ids.push(id)
      positions.push(t)
      branchOf.push(branch)
    }
    answerTokens.push(scored)
  }
  return {
    ids: Int32Array.from(ids),
    positions: Int32Array.from(positions),
    branchOf: Int32Array.from(branchOf),
    targets,
    answerTokens,
  }
}

/** Whether place `query` may look at place `key`. */
export function sees(row: BranchedRow, query: number, key: number): boolean {
  if (key > query) return false
  const branch = row.branchOf[key]
  return branch === promptGroup || branch === row.branchOf[query]
}

export interface BatchLimits {
  /** Places of a batch, padding included. */
  readonly places: number
  /** Predicted tokens of a batch: each costs a row of logits. */
  readonly targets: number
}

/** Rows of similar length together, longest first so that a too small machine fails at once. Returns row indices. */
export function batchBranches(
  rows: readonly {
    readonly ids: { readonly length: number }
    readonly targets: { readonly length: number }
  }[],
  limits: BatchLimits,
): number[][] {
  const order = rows.map((_, row) => row).sort((a, b) => rows[b]!.ids.length - rows[a]!.ids.length || a - b)
  const batches: number[][] = []
  let current: number[] = []
  let targets = 0
  for (const index of order) {
    const row = rows[index]!
    const longest = rows[current[0] ?? index]!.ids.length
    const fits =
      (current.length + 1) * longest <= limits.places && targets + row.targets.length <= limits.targets
    if (current.length > 0 && !fits) {
      batches.push(current)
      current = []
      targets = 0
    }
    current.push(index)
    targets += row.targets.length
  }
  if (current.length > 0) batches.push(current)
  return batches
}
