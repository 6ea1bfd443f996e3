// Which validation rows a person watches while a run trains, how they are asked, and how an answer is shown: a few rows of
// different lengths and with different answers, the same ones in every measurement and every attempt. Pure.
import { normalizeAnswer } from '#core/proof/metrics/text-metrics.ts'
import type { DecodedAnswer } from '#engine/decode.ts'
import { counterRandom, type ModelConfig, parameterShapes } from '#engine/index.ts'
import type { EncodedRow } from '#engine/train/collate.ts'
import { firstLabelled } from '#engine/train/source-target.ts'
import { mostSampleCharacters, type SamplesBody } from '#shared/journal-types.ts'
import { unwrap } from '#shared/result.ts'
import type { PromptedExample } from '#shared/rows.ts'
import type { OpenModel } from './open-model.ts'
import type { PreparedRows } from './prepare-rows.ts'

const mostRows = 3
const mostPromptTokens = 256
/** Of an answer: twice the longest that is expected, within these. */
const fewestTokens = 16
const mostTokens = 48
/** Words of a plain text that are given; at most half of it. */
const givenTokens = 24
/** Keys and values may take so much memory, or this share of the model's own. */
const leastMemoryBytes = 16 * 1024 * 1024
const memoryShare = 0.05

/** A row as it is asked and shown. */
export interface SampleRow {
  readonly rowId: string
  readonly prompt: string
  readonly expected: string
  readonly ids: readonly number[]
}

export interface ChosenRows {
  /** The shortest first; none where no row is short enough. */
  readonly rows: readonly SampleRow[]
  /** Answers are cut behind so many tokens. */
  readonly answerTokens: number
}

interface Candidate {
  readonly promptTokens: number
  readonly answer: string
}

/**
 * `rows` of the candidates, the shortest prompt first. They are cut by length into as many stretches as rows are wanted;
 * of each one row is drawn, rather one whose answer is not there yet.
 */
export function drawSamples<C extends Candidate>(candidates: readonly C[], seed: number, rows: number): C[] {
  const random = counterRandom(seed, 'sample answers')
  const byLength = candidates
    .map((candidate, index) => ({ candidate, lot: random(index) }))
    .sort((a, b) => a.candidate.promptTokens - b.candidate.promptTokens)
  const wanted = Math.min(rows, candidates.length)
  const edge = (part: number): number => Math.floor((part * byLength.length) / wanted)
  const answers = new Set<string>()
  return Array.from({ length: wanted }, (_, part) => {
    const stretch = byLength.slice(edge(part), edge(part + 1)).sort((a, b) => a.lot - b.lot)
    const { candidate } = stretch.find((one) => !answers.has(one.candidate.answer)) ?? stretch[0]!
    answers.add(candidate.answer)
    return candidate
  })
}

/** Tokens whose keys and values may be remembered at once. */
function roomTokens(config: ModelConfig): number {
  const weights = parameterShapes(config).reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  )
  const perToken = 4 * 2 * config.layers * config.kvHeads * config.headWidth
  return Math.floor(Math.max(leastMemoryBytes, 4 * memoryShare * weights) / perToken)
}

export function chooseSampleRows(model: OpenModel, rows: PreparedRows, seed: number): ChosenRows {
  const { config } = model
  const room = roomTokens(config)
  const candidates = rows.validation
    .map((encoded, index) => candidateOf(encoded, rows.validationExamples[index]!))
    .filter(({ promptTokens }) => promptTokens > 0 && promptTokens + mostTokens <= config.maxPositions)
  const limit = Math.min(mostPromptTokens, Math.floor(room / mostRows) - mostTokens)
  const short = candidates.filter(({ promptTokens }) => promptTokens <= limit)
  const shortest = candidates
    .filter(({ promptTokens }) => promptTokens + mostTokens <= room)
    .sort((a, b) => a.promptTokens - b.promptTokens)
  const drawn = drawSamples(short.length > 0 ? short : shortest.slice(0, 1), seed, mostRows)
  const expected = Math.max(0, ...drawn.map(({ answerTokens }) => answerTokens))
  const answerTokens = Math.min(mostTokens, Math.max(fewestTokens, 2 * expected))
  return { rows: drawn.map((candidate) => askedRow(model, candidate, answerTokens)), answerTokens }
}

function candidateOf(encoded: EncodedRow, example: PromptedExample) {
  const { length } = encoded.ids
  const isPlain = example.prompt.length === 0
  const promptTokens = isPlain ? Math.min(givenTokens, Math.floor(length / 2)) : firstLabelled(encoded)
  return { encoded, example, promptTokens, answer: example.answer, answerTokens: length - promptTokens }
}

type SampleCandidate = ReturnType<typeof candidateOf>

function askedRow(
  { tokenizer, encodePrompt }: OpenModel,
  { encoded, example, promptTokens }: SampleCandidate,
  answerTokens: number,
): SampleRow {
  const { rowId, prompt, answer } = example
  if (prompt.length > 0) {
    const ids = [...unwrap(encodePrompt(prompt))]
    return { rowId, prompt: shown(prompt.at(-1)!.content), expected: shown(answer), ids }
  }
  const all = Array.from(encoded.ids)
  const ids = all.slice(0, promptTokens)
  const words = (part: readonly number[]): string =>
    shown(tokenizer.decode(part, { skipSpecialTokens: true }))
  return {
    rowId,
    prompt: words(ids),
    expected: words(all.slice(promptTokens, promptTokens + answerTokens)),
    ids,
  }
}

/** `isLabel`: the answer is one of few names, so what is not the expected one is wrong. */
export function shownAnswer(
  { rowId, prompt, expected }: SampleRow,
  text: string,
  { isEnded }: DecodedAnswer,
  isLabel: boolean,
): SamplesBody['answers'][number] {
  // The last token may hold the first half of a character.
  const answer = shown(isEnded ? text : text.replace(/\uFFFD+$/u, ''))
  const isRight = judge(answer, expected, isEnded, isLabel)
  return { rowId, prompt, expected, answer, isCut: !isEnded, isRight }
}

/** Right is what says the same; wrong only another label, or one that can no longer become the right one. */
function judge(answer: string, expected: string, isEnded: boolean, isLabel: boolean): boolean | null {
  if (isLabel) {
    if (!isEnded && expected.trim().startsWith(answer.trim())) return null
    return isEnded && answer.trim() === expected.trim()
  }
  const said = normalizeAnswer(answer)
  return isEnded && said !== '' && said === normalizeAnswer(expected) ? true : null
}

const shown = (text: string): string => text.slice(0, mostSampleCharacters).toWellFormed()
