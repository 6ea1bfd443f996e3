// Rows of the data set as the training loop wants them: tokenised, the answer labelled; those that cannot be used are
// named with the reason. The trainer never sees the test set.
import { createHash } from 'node:crypto'
import { spreadOver } from '#core/advice/few-shot.ts'
import { readManifest, readSplit } from '#core/data/dataset-folder.ts'
import { scenarioOf } from '#core/scenarios/scenarios.ts'
import { classNamesOf } from '#core/training/class-names.ts'
import { hasClassHead } from '#core/training/method-of.ts'
import { type TokenRow, tokenizedOnce, tokenKey } from '#core/training/token-cache.ts'
import { type Collation, countLabelled, type EncodedRow } from '#engine/train/collate.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { PromptedExample } from '#shared/rows.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { mostTokensOf } from '../scorer/model-folder.ts'
import { classedText, taggedText } from './class-rows.ts'
import type { OpenModel } from './open-model.ts'

export interface PreparedRows {
  readonly train: readonly EncodedRow[]
  /** Those that are measured. */
  readonly validation: readonly EncodedRow[]
  /** Of the validation rows, in their order: what was asked, and the answer that is expected. */
  readonly validationExamples: readonly PromptedExample[]
  /** What the outputs of a new last layer stand for, in order; none where the model writes. */
  readonly classNames: readonly string[]
  readonly leftOut: readonly { readonly rowId: string; readonly reason: string }[]
  /** SHA-256 over ids and labels of every used row in order: what the model reads, whatever the file was. */
  readonly sha256: string
  /** None of them had to be tokenised. */
  readonly isReused: boolean
  /** Rows lie in files, which are closed. */
  close(): void
}

/** Throws ProblemError: data.too-few-rows where no training row is left, and what reading and tokenising say. */
export async function prepareRows(job: TrainerJob, model: OpenModel): Promise<PreparedRows> {
  const classNames = await readClassNames(job)
  const train = await tokenizeSplit(job, model, classNames, 'train')
  const validation = await tokenizeSplit(job, model, classNames, 'validation')
  const leftOut = [...train.leftOut, ...validation.leftOut]
  requireRows(train.rows, leftOut, ofRows)
  const measured = spreadOver(validation.rows, job.recipe.evaluation.mostRows ?? validation.rows.length)
  const validationExamples = await examplesOf(job, 'validation')
  return {
    train: train.rows,
    validation: measured,
    validationExamples: measured.map(({ example }) => validationExamples[example]!),
    classNames,
    leftOut,
    sha256: hashRows([...train.rows, ...validation.rows]),
    isReused: train.isReused && validation.isReused,
    close() {
      train.close()
      validation.close()
    },
  }
}

/** Of a data set of texts for the first stage: all of them to train on. Throws as `prepareRows` does. */
export async function prepareTexts(job: TrainerJob, model: OpenModel): Promise<PreparedRows> {
  const { rows, leftOut, isReused, close } = await tokenizeSplit(job, model, [], 'train')
  const ofStage = leftOut.map(({ rowId, reason }) => ({ rowId, reason: `first stage: ${reason}` }))
  requireRows(rows, ofStage, ofTexts)
  return {
    train: rows,
    validation: [],
    validationExamples: [],
    classNames: [],
    leftOut: ofStage,
    sha256: hashRows(rows),
    isReused,
    close,
  }
}

/** What is missing, where, and what to do. */
type Missing = Readonly<Record<'message' | 'where' | 'remedy', string>>

const ofRows: Missing = {
  message: 'No row is left to train on.',
  where: 'the training part of the data',
  remedy: 'Bring more rows, or allow longer ones (batch.maxTokens).',
}
const ofTexts: Missing = {
  message: 'No text of the first stage is left to train on.',
  where: 'the texts of the first stage',
  remedy: 'Allow longer texts (batch.maxTokens), bring shorter ones, or train without a first stage.',
}

function requireRows(
  rows: readonly EncodedRow[],
  [first]: PreparedRows['leftOut'],
  { where, ...missing }: Missing,
): void {
  if (rows.length > 0) return
  throw new ProblemError({
    code: 'data.too-few-rows',
    ...missing,
    where: first ? `row ${first.rowId}: ${first.reason}` : where,
  })
}

type Split = 'train' | 'validation'

async function readClassNames({ datasetFolder, recipe }: TrainerJob): Promise<readonly string[]> {
  if (!hasClassHead(recipe.method)) return []
  return classNamesOf(recipe.scenario, unwrap(await readManifest(datasetFolder)))
}

async function examplesOf({ datasetFolder, recipe }: TrainerJob, split: Split): Promise<PromptedExample[]> {
  const scenario = scenarioOf(recipe.scenario)
  return unwrap(await readSplit(datasetFolder, split)).flatMap((row) =>
    scenario.toExamples(row, recipe.instruction),
  )
}

/** Raised where the same data gives other tokens than before, by a change of ours. */
const tokenisation = 1

function tokenizeSplit(job: TrainerJob, model: OpenModel, classNames: readonly string[], split: Split) {
  const { recipe } = job
  const mostTokens = mostTokensOf(model.config, recipe.batch.maxTokens)
  const facts = {
    tokenisation,
    split,
    mostTokens,
    data: recipe.data.fingerprint,
    scenario: recipe.scenario,
    text: model.textSha256,
  }
  const { kind, output } = model.config
  const asked: Readonly<Record<string, string>> = hasClassHead(recipe.method)
    ? { classes: JSON.stringify(classNames), textToken: output.textToken }
    : { instruction: recipe.instruction, ...(kind === 'sequence-to-sequence' && { kind }) }
  const encode = encoderOf(job, model, classNames)
  return tokenizedOnce(job.cacheFolder, tokenKey({ ...facts, ...asked }), async () =>
    encodeExamples(
      await examplesOf(job, split),
      encode,
      mostTokens,
      hasClassHead(recipe.method) ? 'class' : 'next-token',
    ),
  )
}

type Encode = (example: PromptedExample) => Pick<TokenRow, 'ids' | 'labels'>

/** A model that writes reads the conversation and learns the answer; a head reads the text alone. */
function encoderOf(
  { recipe }: TrainerJob,
  { tokenizer, config, encodeExample }: OpenModel,
  classNames: readonly string[],
): Encode {
  if (!hasClassHead(recipe.method)) return ({ prompt, answer }) => unwrap(encodeExample(prompt, answer))
  const textOf = ({ prompt }: PromptedExample): string => prompt.at(-1)?.content ?? ''
  if (recipe.scenario === 'entity-recognition')
    return (example) => taggedText(tokenizer, classNames, textOf(example), example.answer)
  return (example) => classedText(tokenizer, config, textOf(example), classNames.indexOf(example.answer))
}

function encodeExamples(
  examples: readonly PromptedExample[],
  encode: Encode,
  mostTokens: number,
  asks: Collation['asks'],
) {
  const rows: TokenRow[] = []
  const leftOut: { rowId: string; reason: string }[] = []
  for (const [index, example] of examples.entries()) {
    const { rowId } = example
    const { ids, labels } = encode(example)
    const encoded = { rowId, example: index, ids, labels }
    const reason =
      ids.length > mostTokens
        ? `${ids.length} tokens; ${mostTokens} are allowed (batch.maxTokens)`
        : countLabelled(encoded, asks) === 0
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
