// Rows of the data set as the training loop wants them: tokenised, the answer labelled; those that cannot be used are
// named with the reason. The trainer never sees the test set.
import { createHash } from 'node:crypto'
import { readSplit } from '#core/data/dataset-folder.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { type TokenRow, tokenizedOnce, tokenKey } from '#core/training/token-cache.ts'
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
  /** Labels of the data, in order; a new last layer has one output for each. */
  readonly classes: number
  readonly leftOut: readonly { readonly rowId: string; readonly reason: string }[]
  /** SHA-256 over ids and labels of every used row in order: what the model reads, whatever the file was. */
  readonly sha256: string
  /** Rows lie in files, which are closed. */
  close(): void
}

/** Throws ProblemError: data.too-few-rows where no training row is left, and what reading and tokenising say. */
export async function prepareRows(job: TrainerJob, model: OpenModel): Promise<PreparedRows> {
  const train = await tokenizeSplit(job, model, 'train')
  const validation = await tokenizeSplit(job, model, 'validation')
  const leftOut = [...train.leftOut, ...validation.leftOut]
  if (train.rows.length === 0)
    throw new ProblemError({
      code: 'data.too-few-rows',
      message: 'No row is left to train on.',
      where: leftOut[0] ? `row ${leftOut[0].rowId}: ${leftOut[0].reason}` : 'the training part of the data',
      remedy: 'Bring more rows, or allow longer ones (batch.maxTokens).',
    })
  const validationExamples = await examplesOf(job, 'validation')
  return {
    train: train.rows,
    validation: validation.rows,
    validationExamples: validation.rows.map(({ example }) => validationExamples[example]!),
    classes: 0,
    leftOut,
    sha256: hashRows([...train.rows, ...validation.rows]),
    close() {
      train.close()
      validation.close()
    },
  }
}

type Split = 'train' | 'validation'

async function examplesOf({ datasetFolder, recipe }: TrainerJob, split: Split): Promise<PromptedExample[]> {
  const scenario = scenarioOf(recipe.scenario)
  return unwrap(await readSplit(datasetFolder, split)).flatMap((row) =>
    scenario.toExamples(row, recipe.instruction),
  )
}

/** Raised where the same data gives other tokens than before, by a change of ours. */
const tokenisation = 1

function tokenizeSplit(job: TrainerJob, model: OpenModel, split: Split) {
  const { recipe } = job
  const mostTokens = Math.min(recipe.batch.maxTokens, model.config.maxPositions)
  const key = tokenKey({
    tokenisation,
    split,
    mostTokens,
    data: recipe.data.fingerprint,
    scenario: recipe.scenario,
    instruction: recipe.instruction,
    text: model.textSha256,
  })
  return tokenizedOnce(job.cacheFolder, key, () => encodeSplit(job, model, split, mostTokens))
}

async function encodeSplit(
  job: TrainerJob,
  { tokenizer, template }: OpenModel,
  split: Split,
  mostTokens: number,
) {
  const rows: TokenRow[] = []
  const leftOut: { rowId: string; reason: string }[] = []
  for (const [index, { rowId, prompt, answer }] of (await examplesOf(job, split)).entries()) {
    const { ids, labels } = unwrap(tokenizeExample(tokenizer, template, prompt, answer))
    const encoded = { rowId, example: index, ids, labels }
    const reason =
      ids.length > mostTokens
        ? `${ids.length} tokens; ${mostTokens} are allowed (batch.maxTokens)`
        : countLabelled(encoded) === 0
          ? 'its answer is empty'
          : null
    if (reason === null) rows.push(encoded)
    else leftOut.push({ rowId, reason })
  }
  return { rows, leftOut }
}

function hashRows(rows: readonly EncodedRow[]): string {
  const hash = createHash('sha256')
  for (const { ids, labels } of rows) {
    const numbers = Int32Array.from([ids.length, ...Array.from(ids), ...Array.from(labels)])
    hash.update(new Uint8Array(numbers.buffer))
  }
  return hash.digest('hex')
}
