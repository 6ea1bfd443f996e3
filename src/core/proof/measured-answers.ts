// What is to be measured and what measuring leaves behind: the rows that were asked, and what each way of answering made
// of them. Only shapes.
import type { HashedFolder, ProofReport, ProofSide, TunedVersion } from '#shared/proof-protocol.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import type { ChatMessage, DatasetRow, PromptedExample } from '#shared/rows.ts'
import type { ProgramOutcome } from '#shared/sandbox-protocol.ts'
import type { Launcher } from '../system/launcher.ts'

/** How a row is put to the model: plainly, with examples before it, with a passage that was looked up. */
export interface WayOfAsking {
  readonly name: string
  /** What the model reads before it answers. */
  prompt(example: PromptedExample): readonly ChatMessage[]
}

export interface MeasureSpec {
  readonly scenario: ScenarioId
  /** As in the run's recipe; '' leaves the system message out. */
  readonly instruction: string
  readonly rows: readonly DatasetRow[]
  /** Every label of the data set, as in its manifest. */
  readonly labels: readonly string[] | null
  readonly ways: readonly WayOfAsking[]
  readonly model: HashedFolder
  /** Every way is measured for base and tuned; null measures the base alone. */
  readonly tuned: TunedVersion | null
  /** The library's cacheFolder. */
  readonly cacheFolder: string
  readonly threads: number
  /** Rows that are longer with their answer are left out with a reason. */
  readonly maxTokens: number
  /** Written answers are cut here; left out, at twice the longest expected answer and no earlier than 32. */
  readonly maxAnswerTokens?: number
}

export interface MeasureProgress {
  readonly phase: 'loading' | 'scoring' | 'answering' | 'running'
  /** Rows, answers or programs finished in this phase; total 0 where it has no steps. */
  readonly done: number
  readonly total: number
}

export interface MeasurePorts {
  readonly launcher: Launcher
  readonly onProgress?: (progress: MeasureProgress) => void
  /** Ends the measurement as `proof.cancelled`. */
  readonly signal?: AbortSignal
}

/** One row in one way of asking: what the child processes get. `id` names both. */
export interface Question {
  readonly id: string
  readonly prompt: readonly ChatMessage[]
  readonly answer: string
}

export interface AskedRow {
  readonly rowId: string
  /** Rows of one group are drawn together: the turns of one conversation. */
  readonly group: string
  /** As the scenario asks it. */
  readonly prompt: readonly ChatMessage[]
  readonly expected: string
  /** The row's own fields, such as `document` or `tests`. */
  readonly fields: Readonly<Record<string, string>>
}

export interface SubjectAnswer {
  /** The most likely label, or the written text; null where only the loss was measured. */
  readonly text: string | null
  /** Sum of the cross-entropy of the expected answer, in nats, over `answerTokens` tokens. */
  readonly lossNats: number
  readonly answerTokens: number
  /** In the order of the labels, with the tokens of each; null where the answer is no label. */
  readonly labelLogProbs: readonly number[] | null
  readonly labelTokens: readonly number[] | null
  /** True where the text was cut at the token limit. */
  readonly isCut: boolean
  /** What came of trying the program out; null where there was nothing to try. */
  readonly run: ProgramOutcome | null
}

/** One way of answering; `answers` in the order of the rows. */
export interface Subject {
  /** Name of the way of asking. */
  readonly way: string
  readonly side: ProofSide
  readonly answers: readonly SubjectAnswer[]
}

export interface MeasuredAnswers {
  /** The rows that every subject could be measured on. */
  readonly rows: readonly AskedRow[]
  /** Ways in their order; of each the base first, then the tuned model where there is one. */
  readonly subjects: readonly Subject[]
  readonly leftOut: ProofReport['leftOut']
  readonly backend: string
  readonly scoringSeconds: number
  readonly answeringSeconds: number
}
