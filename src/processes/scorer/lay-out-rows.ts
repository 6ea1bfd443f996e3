// A job's rows tokenised as training does, and dealt to the forms in which they are scored. A row that cannot be scored is
// left out with its reason, never cut.
import type { ModelConfig } from '#engine/index.ts'
import { ignoredLabel } from '#shared/labels.ts'
import type { ScorerJob } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { throwIfCancelled } from '../serve-job.ts'
import type { TextSide } from './model-folder.ts'
import { type LaidOut, type RowForm, rowForms } from './row-form.ts'

export interface ScoredRow {
  readonly rowId: string
  /** Answer tokens of each answer. */
  readonly answerTokens: readonly number[]
  /** The expected answer: its label, or the only one. */
  readonly expected: number
}

interface LeftOut {
  readonly rowId: string
  readonly reason: string
}

/** What one form has to score. */
export interface Share {
  readonly form: RowForm
  readonly parts: readonly {
    /** Index of the row whose answers lie here, from `firstAnswer` on. */
    readonly row: number
    readonly firstAnswer: number
    readonly laidOut: LaidOut
  }[]
}

type Part = Share['parts'][number]

/** Throws ProblemError. */
export async function layOutRows(
  job: ScorerJob,
  config: ModelConfig,
  text: TextSide,
  signal: AbortSignal,
): Promise<{ rows: ScoredRow[]; shares: Share[]; leftOut: LeftOut[] }> {
  const rows: ScoredRow[] = []
  const leftOut: LeftOut[] = []
  const shares = rowForms(config).map((form) => ({ form, parts: [] as Part[] }))
  for (const { rowId, prompt, answer } of job.rows) {
    await throwIfCancelled(signal)
    const answers = job.labels ?? [answer]
    const expected = answers.indexOf(answer)
    if (expected < 0) {
      leftOut.push({ rowId, reason: `its label "${answer}" is not among the labels of the data` })
      continue
    }
    const encoded = answers.map((one) => unwrap(text.encodeExample(prompt, one)))
    const longest = encoded.reduce((most, { ids }) => Math.max(most, ids.length), 0)
    if (longest > job.maxTokens) {
      const reason = `it has ${longest} tokens, more than the ${job.maxTokens} that this run allows`
      leftOut.push({ rowId, reason })
    } else if (encoded[expected]!.labels.every((label) => label === ignoredLabel))
      leftOut.push({ rowId, reason: 'its answer is empty' })
    else {
      const { form, parts } = shares.find((share) => share.form.takes(encoded))!
      const answerTokens: number[] = []
      for (const laidOut of form.layOut(encoded)) {
        parts.push({ row: rows.length, firstAnswer: answerTokens.length, laidOut })
        answerTokens.push(...laidOut.answerTokens)
      }
      rows.push({ rowId, answerTokens, expected })
    }
  }
  return { rows, shares: shares.filter(({ parts }) => parts.length > 0), leftOut }
}
