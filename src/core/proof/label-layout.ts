// Lays several answers to one prompt out in a single row, so that the prompt is computed once: prompt tokens, then each
// answer's tokens one after another. An answer sees the prompt and itself only, and counts its positions from the prompt:
// documents behind a shared start, as the engine attends to them (`sharesStart`). Whatever stands here is pure;
// src/processes/scorer runs it.
import { ignoredLabel } from '#shared/labels.ts'

/** Tokens of a whole conversation; `labels[t]` is `ids[t]` where the token belongs to the answer, else -100. */
export interface EncodedAnswer {
  readonly ids: ArrayLike<number>
  readonly labels: ArrayLike<number>
}

/** One laid-out row of S places. */
export interface BranchedRow {
  /** [S] */
  readonly ids: Int32Array
  /** [S]: 0, 1, ... through the prompt; every branch goes on from the prompt's length. */
  readonly positions: Int32Array
  /** [S]: 0 for the prompt, n + 1 for the n-th answer. Place q sees place k if k <= q and k is prompt or q's own answer. */
  readonly segments: Int32Array
  /** Places of the prompt. */
  readonly start: number
  /** What is predicted, answer by answer: at `place` the token `target`. */
  readonly targets: readonly { readonly place: number; readonly target: number }[]
  /** Targets of each answer. */
  readonly answerTokens: readonly number[]
}

/** Length of the tokens that all answers begin with, before the first token that any of them is scored on. */
export function sharedPrefix(answers: readonly EncodedAnswer[]): number {
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
 * Lays out one prompt with its possible answers, which have a prefix in common. The first token of each answer is
 * predicted from the prompt's last place, the others from the place before them in their answer; an answer's last token
 * is predicted only and takes no place. Where the tokenizer merges an answer's beginning with the prompt's end, the
 * prompt's share of that answer stands with it, unscored: the sum stays what the answer alone would get.
 */
export function layOutBranches(answers: readonly EncodedAnswer[]): BranchedRow {
  const start = sharedPrefix(answers)
  if (start === 0) throw new Error('a prompt has at least one token before its answers')
  const ids = Array.from({ length: start }, (_, t) => answers[0]!.ids[t] as number)
  const positions = ids.map((_, t) => t)
  const segments = ids.map(() => 0)
  const targets: { place: number; target: number }[] = []
  const answerTokens: number[] = []
  for (const [branch, answer] of answers.entries()) {
    const end = scoredEnd(answer)
    const before = targets.length
    let previous = start - 1
    for (let t = start; t < end; t += 1) {
      const id = answer.ids[t] as number
      if (answer.labels[t] !== ignoredLabel) targets.push({ place: previous, target: id })
      if (t === end - 1) break
      previous = ids.length
      ids.push(id)
      positions.push(t)
      segments.push(branch + 1)
    }
    answerTokens.push(targets.length - before)
  }
  return {
    ids: Int32Array.from(ids),
    positions: Int32Array.from(positions),
    segments: Int32Array.from(segments),
    start,
    targets,
    answerTokens,
  }
}

export interface BatchLimits {
  /** Places of a batch, padding included. */
  readonly places: number
  /** Predicted tokens of a batch: each costs a row of logits. */
  readonly targets: number
}

interface Batched {
  readonly ids: { readonly length: number }
  readonly targets: { readonly length: number }
  /** Rows of a batch have it alike. */
  readonly start?: number
}

/** Rows of similar length together, longest first so that a too small machine fails at once. Returns row indices. */
export function batchBranches(rows: readonly Batched[], limits: BatchLimits): number[][] {
  const startOf = (row: number): number => rows[row]!.start ?? 0
  const order = rows
    .map((_, row) => row)
    .sort((a, b) => startOf(b) - startOf(a) || rows[b]!.ids.length - rows[a]!.ids.length || a - b)
  const batches: number[][] = []
  let current: number[] = []
  let targets = 0
  for (const index of order) {
    const row = rows[index]!
    const longest = rows[current[0] ?? index]!.ids.length
    const fits =
      startOf(current[0] ?? index) === startOf(index) &&
      (current.length + 1) * longest <= limits.places &&
      targets + row.targets.length <= limits.targets
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
