// Rows of the data set as the training loop wants them: tokenised, the answer labelled; those that cannot be used are
// named with the reason. The trainer never sees the test set.
import { createHash } from 'node:crypto'
import { readSplit } from '#core/data/dataset-folder.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { countLabelled, type EncodedRow } from '#engine/train/collate.ts'
import { tokenizeExample } from '#formats/completion-mask.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { PromptedExample } from '#shared/rows.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { OpenModel } from './open-model.ts'

export interface PreparedRows {
  readonly train: readonly EncodedRow[]
  readonly validation: readonly EncodedRow[]
  /** Of the validation rows, in their order: what was asked, and the answer that is expected. */
  readonly validationExamples: readonly PromptedExample[]
  readonly leftOut: readonly { readonly rowId: string; readonly reason: string }[]
  /** SHA-256 over ids and labels of every used row in order: what the model reads, whatever the file was. */
  readonly sha256: string
}

/** Throws ProblemError: data.too-few-rows where no training row is left, and what reading and tokenising say. */
export async function prepareRows(job: TrainerJob, model: OpenModel): Promise<PreparedRows> {
  const leftOut: { rowId: string; reason: string }[] = []
  const train = await encodeSplit(job, model, 'train', leftOut)
  const validation = await encodeSplit(job, model, 'validation', leftOut)
  if (train.length === 0)
    throw new ProblemError({
      code: 'data.too-few-rows',
      message: 'No row is left to train on.',
      where: leftOut[0] ? `row ${leftOut[0].rowId}: ${leftOut[0].reason}` : 'the training part of the data',
      remedy: 'Bring more rows, or allow longer ones (batch.maxTokens).',
    })
  return {
    train: train.map(({ encoded }) => encoded),
    validation: validation.map(({ encoded }) => encoded),
    validationExamples: validation.map(({ example }) => example),
    leftOut,
    sha256: hashRows([...train, ...validation].map(({ encoded }) => encoded)),
  }
}

interface PreparedRow {
  readonly encoded: EncodedRow
  readonly example: PromptedExample
}

async function encodeSplit(
  job: TrainerJob,
  { config, tokenizer, template }: OpenModel,
  split: 'train' | 'validation',
  leftOut: { rowId: string; reason: string }[],
): Promise<PreparedRow[]> {
  const { recipe } = job
  const scenario = scenarioOf(recipe.scenario)
  const mostTokens = Math.min(recipe.batch.maxTokens, config.maxPositions)
  const rows: PreparedRow[] = []
  const examples = unwrap(await readSplit(job.datasetFolder, split)).flatMap((row) =>
    scenario.toExamples(row, recipe.instruction),
  )
  for (const example of examples) {
    const { rowId, prompt, answer } = example
    const { ids, labels } = unwrap(tokenizeExample(tokenizer, template, prompt, answer))
    const encoded = { rowId, ids, labels }
    const reason =
      ids.length > mostTokens
        ? `${ids.length} tokens; ${mostTokens} are allowed (batch.maxTokens)`
        : countLabelled(encoded) === 0
          ? 'its answer is empty'
          : null
    if (reason === null) rows.push({ encoded, example })
    else leftOut.push({ rowId, reason })
  }
  return rows
}

function hashRows(rows: readonly EncodedRow[]): string {
  const hash = createHash('sha256')
  for (const { ids, labels } of rows) {
    const numbers = Int32Array.from([ids.length, ...Array.from(ids), ...Array.from(labels)])
    hash.update(new Uint8Array(numbers.buffer))
  }
  return hash.digest('hex')
}
