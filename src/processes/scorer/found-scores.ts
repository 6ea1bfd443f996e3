// What a scoring job's models have given so far, and the rows that are whole. An answer that no number was given for, or
// one that is none, is an error that names its row.
import type { ProofSide, RowScore, ScorerEvent, ScorerJob } from '#shared/proof-protocol.ts'
import { ProblemError } from '#shared/result.ts'
import type { ScoredRow, Share } from './lay-out-rows.ts'

export class FoundScores {
  readonly #job: ScorerJob
  readonly #rows: readonly ScoredRow[]
  readonly #nats: Readonly<Record<ProofSide, number[][]>>
  /** Of each row, parts that some model has yet to go through. */
  readonly #open: number[]
  readonly #toDo: number
  #done = 0

  constructor(job: ScorerJob, rows: readonly ScoredRow[], shares: readonly Share[], passes: number) {
    this.#job = job
    this.#rows = rows
    this.#nats = { base: rows.map(() => []), tuned: rows.map(() => []) }
    this.#open = rows.map(() => 0)
    const parts = shares.flatMap((share) => share.parts)
    for (const { row } of parts) this.#open[row]! += passes
    this.#toDo = parts.length * passes
  }

  add(side: ProofSide, parts: Share['parts'], sums: readonly (readonly number[])[]): void {
    for (const [at, { row, firstAnswer }] of parts.entries())
      for (const [answer, value] of sums[at]!.entries()) this.#nats[side][row]![firstAnswer + answer] = value
  }

  /** After a model went through these parts: the rows that are whole now. */
  progress(parts: Share['parts']): ScorerEvent {
    const whole: RowScore[] = []
    for (const { row } of parts) {
      this.#open[row]! -= 1
      if (this.#open[row] === 0) whole.push(this.#scoreOf(row))
    }
    this.#done += parts.length
    const total = this.#rows.length
    return { kind: 'scores', rows: whole, done: Math.floor((total * this.#done) / this.#toDo), total }
  }

  /** Of a model that was not asked nothing. */
  #scoreOf(index: number): RowScore {
    const { rowId, answerTokens, expected } = this.#rows[index]!
    const hasLabels = this.#job.labels !== null
    const sideOf = (sums: readonly number[]) => {
      requireFinite(sums, rowId)
      return { lossNats: sums[expected]!, labelLogProbs: hasLabels ? sums.map((value) => -value) : null }
    }
    const tuned = this.#nats.tuned[index]!
    return {
      rowId,
      answerTokens: answerTokens[expected]!,
      labelTokens: hasLabels ? [...answerTokens] : null,
      base: sideOf(this.#nats.base[index]!),
      tuned: tuned.length > 0 ? sideOf(tuned) : null,
    }
  }
}

function requireFinite(nats: readonly number[], rowId: string): void {
  if (nats.every(Number.isFinite)) return
  throw new ProblemError({
    code: 'scorer.failed',
    message: 'The model gave a number that is not a number for this row.',
    where: `test row ${rowId}`,
    remedy: 'The model or its trained version may be damaged: train the run again, or add the model again.',
  })
}
