// How long a project's rows are for a model, before anything is trained: some rows of all over the file are cut into its
// tokens. The chat template's own marks are left out, so a row that is too long here is too long for the trainer too.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadTokenizer, type Tokenizer } from '#formats/tokenizer.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import type { DatasetRow, PromptedExample } from '#shared/rows.ts'
import { damagedModel } from '../models/manifest.ts'
import type { Scenario } from '../scenarios/scenarios.ts'

/** Rows that are looked at; an instruction is counted once for all. */
const lookedAtRows = 48
/** Rows with the longest texts that are looked at besides: memory goes by the longest. */
const lookedAtLongest = 8
/** Answers of one conversation that are looked at. */
const lookedAtTurns = 8
/** Characters of a text that are counted; a token has seldom more than four. */
const countedCharacters = 60_000

interface ExampleLength {
  /** With its instruction. */
  readonly tokens: number
  readonly answerTokens: number
}

export interface RowLengths {
  /** Tokens of each example that was looked at, with its instruction, ascending. */
  readonly tokens: readonly number[]
  /** The same examples, and those of the rows with the longest texts of all. */
  readonly examples: readonly ExampleLength[]
  /** With which each of them begins: those of the instruction; 0 where some have one of their own. */
  readonly sharedTokens: number
}

/** `folder` is the model's. Throws a ProblemError where its tokenizer cannot be read. */
export async function readTokenizer(folder: string): Promise<Tokenizer> {
  const read = async (name: string): Promise<unknown> => {
    try {
      return JSON.parse(await readFile(join(folder, name), 'utf8'))
    } catch (error) {
      const message = "The model's tokenizer cannot be read."
      throw new ProblemError(damagedModel(join(folder, name), message, String(error)))
    }
  }
  return unwrap(loadTokenizer(await read('tokenizer.json'), await read('tokenizer_config.json')))
}

export function measureRowLengths(
  rows: readonly DatasetRow[],
  scenario: Pick<Scenario, 'toExamples'>,
  instruction: string,
  tokenizer: Pick<Tokenizer, 'encode'>,
): RowLengths {
  const count = (text: string): number => tokenizer.encode(text.slice(0, countedCharacters)).length
  const instructionTokens = instruction === '' ? 0 : count(instruction)
  const measure = (row: DatasetRow): ExampleLength[] =>
    scenario
      .toExamples(row, '')
      .slice(0, lookedAtTurns)
      .map((example) => {
        const { prompt, answer } = example
        const answerTokens = count(answer)
        const promptTokens = prompt.reduce((sum, { content }) => sum + count(content), 0)
        const systemTokens = isInstructed(example) ? instructionTokens : 0
        return { tokens: systemTokens + promptTokens + answerTokens, answerTokens }
      })
  const step = Math.max(1, rows.length / lookedAtRows)
  const looked = Array.from(
    { length: Math.min(rows.length, lookedAtRows) },
    (_, at) => rows[Math.floor(at * step)]!,
  ).flatMap(measure)
  const longest =
    rows.length <= lookedAtRows ? [] : byCharacters(rows).slice(-lookedAtLongest).flatMap(measure)
  const areAllInstructed = (row: DatasetRow): boolean => scenario.toExamples(row, '').every(isInstructed)
  return {
    tokens: looked.map(({ tokens }) => tokens).sort((a, b) => a - b),
    examples: [...looked, ...longest],
    // One row that begins otherwise is in some batch, which then holds them all whole.
    sharedTokens: instructionTokens > 0 && rows.every(areAllInstructed) ? instructionTokens : 0,
  }
}

/** Whether the recipe's instruction stands before it: not before what has one of its own. */
const isInstructed = ({ prompt }: Pick<PromptedExample, 'prompt'>): boolean =>
  prompt.length > 0 && !prompt.some(({ role }) => role === 'system')

/** The shortest first, by characters: the longest and the shortest in tokens are among those at its ends. */
export function byCharacters(rows: readonly DatasetRow[]): DatasetRow[] {
  const charactersOf = ({ fields }: DatasetRow): number =>
    Object.values(fields).reduce((sum, text) => sum + (text?.length ?? 0), 0)
  return rows
    .map((row) => ({ row, characters: charactersOf(row) }))
    .sort((a, b) => a.characters - b.characters)
    .map(({ row }) => row)
}

export interface FittingRows {
  /** Of all rows. */
  readonly share: number
  readonly meanTokens: number
  readonly longestTokens: number
  /** Tokens of the longest answer. */
  readonly mostAnswerTokens: number
  /** Tokens of the longest text before an answer, with its instruction. */
  readonly mostPromptTokens: number
  /** With which every row begins. */
  readonly sharedTokens: number
}

/** Of the rows that fit; null where none does. */
export function fittingRows(
  { tokens, examples, sharedTokens }: RowLengths,
  mostTokens: number,
): FittingRows | null {
  const fitting = tokens.filter((count) => count <= mostTokens)
  if (fitting.length === 0) return null
  const used = examples.filter((example) => example.tokens <= mostTokens)
  return {
    share: fitting.length / tokens.length,
    meanTokens: fitting.reduce((sum, count) => sum + count, 0) / fitting.length,
    longestTokens: Math.max(...used.map((example) => example.tokens)),
    mostAnswerTokens: Math.max(...used.map((example) => example.answerTokens)),
    mostPromptTokens: Math.max(...used.map((example) => example.tokens - example.answerTokens)),
    sharedTokens,
  }
}
