// How long the rows of a recipe are as they are trained. A model that writes reads its instruction, the conversation and the
// answer; a new last layer reads the text alone. And what is said where every row is too long.
import type { Tokenizer } from '#formats/tokenizer.ts'
import type { RecipeDraft } from '#shared/recipe.ts'
import type { Problem } from '#shared/result.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { type Scenario, scenarioOf } from '../scenarios/scenarios.ts'
import { hasClassHead } from './method-of.ts'
import { byCharacters, measureRowLengths, type RowLengths } from './row-lengths.ts'

/** How rows become what is read. */
export interface Reading {
  readonly scenario: RecipeDraft['scenario']
  /** What stands before every example; nothing where a new last layer reads. */
  readonly instruction: string
  /** Only the text that is asked about, without the answer. */
  readonly isTextAlone: boolean
}

export const readingOf = (
  { method, scenario }: Pick<RecipeDraft, 'method' | 'scenario'>,
  instruction: string,
): Reading => {
  const isTextAlone = hasClassHead(method)
  return { scenario, instruction: isTextAlone ? '' : instruction, isTextAlone }
}

/** Of the texts of a first stage. */
export const readingOfTexts: Reading = { scenario: 'domain', instruction: '', isTextAlone: false }

export interface TrainedLengths extends RowLengths {
  /** Tokens of the shortest row of all. */
  readonly shortestTokens: number
  readonly hasInstruction: boolean
}

export function measureTrained(
  rows: readonly DatasetRow[],
  reading: Reading,
  tokenizer: Pick<Tokenizer, 'encode'>,
): TrainedLengths {
  const measure = (some: readonly DatasetRow[]): RowLengths =>
    measureRowLengths(some, examplesOf(reading), reading.instruction, tokenizer)
  return {
    ...measure(rows),
    shortestTokens: measure(byCharacters(rows).slice(0, lookedAtShortest)).tokens[0] ?? 0,
    hasInstruction: reading.instruction !== '',
  }
}

function examplesOf({ scenario, isTextAlone }: Reading): Pick<Scenario, 'toExamples'> {
  const own = scenarioOf(scenario)
  if (!isTextAlone) return own
  return {
    toExamples: (row, instruction) =>
      own
        .toExamples(row, instruction)
        .map((example) => ({ ...example, prompt: example.prompt.slice(-1), answer: '' })),
  }
}

/** Rows with the fewest characters: the one of the fewest tokens is among them. */
const lookedAtShortest = 48

/** What a run reads: its rows, and the texts of a first stage. */
export interface ReadLengths {
  readonly lengths: TrainedLengths
  /** Null where there is no first stage. */
  readonly textLengths: TrainedLengths | null
}

/** Why a run has nothing to learn: all rows are too long, or all texts of its first stage; null where neither is so. */
export function allTooLong({ lengths, textLengths }: ReadLengths, mostTokens: number): Problem | null {
  if (lengths.shortestTokens > mostTokens) return tooLong('row', lengths, mostTokens)
  return textLengths !== null && textLengths.shortestTokens > mostTokens
    ? tooLong('text of your field', textLengths, mostTokens)
    : null
}

function tooLong(
  what: 'row' | 'text of your field',
  { shortestTokens, hasInstruction }: TrainedLengths,
  mostTokens: number,
): Problem {
  const remedy =
    what === 'row'
      ? `${hasInstruction ? 'shorten the instruction, ' : ''}or bring shorter rows.`
      : 'bring shorter texts, or train without a first stage.'
  return {
    code: 'data.too-few-rows',
    message: `Every ${what} is too long for this plan: the shortest has about ${shortestTokens} tokens${hasInstruction ? ' with its instruction' : ''}, and ${mostTokens} are allowed.`,
    where: what === 'row' ? 'the rows' : 'the file of the first stage (texts of your field)',
    remedy: `Allow longer ones in the fine settings (batch.maxTokens), ${remedy}`,
  }
}

/** Where no row that was looked at is short enough, though there are some: nothing can be worked out from those. */
export const nearlyAllTooLong = (mostTokens: number): Problem => ({
  code: 'data.too-few-rows',
  message: `Nearly every row or text is too long for this plan: of those that were looked at none has at most ${mostTokens} tokens.`,
  where: 'the rows',
  remedy: 'Allow longer ones in the fine settings (batch.maxTokens), or bring shorter ones.',
})
