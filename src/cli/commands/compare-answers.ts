// runs compare RUN... --answers: the rows on which what the runs answered differs.
import { createComparedAnswers } from '#core/experiments/compared-answers.ts'
import type { CallOutput, ComparedAnswer } from '#shared/contract/index.ts'
import type { ExperimentRow } from '#shared/contract/results.ts'
import { runLabel } from '#shared/run-label.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

type LeftOut = CallOutput<'experiments.answers'>['leftOut']

interface DifferentAnswers {
  /** Whose answers stand in each row, in this order. */
  readonly runIds: readonly string[]
  readonly rows: readonly ComparedAnswer[]
  /** Rows that these runs answered. */
  readonly total: number
  /** Of these the ones on which they differ. */
  readonly different: number
  readonly leftOut: LeftOut
}

/** The core reads many in parts; it is asked until all are read. */
export async function readAnswers(
  { library, output, reader }: Application,
  runIds: readonly string[],
  most: number,
): Promise<DifferentAnswers> {
  const ask = createComparedAnswers(library)
  const page = { text: '', offset: 0, limit: most, columnOffset: 0, columnLimit: runIds.length }
  for (;;) {
    const { read, answers, total, different, leftOut } = await ask(reader(), runIds, page)
    if (read < runIds.length) {
      output.progress(`Reading answers: ${read} of ${runIds.length} runs`)
      continue
    }
    const isLeftOut = new Set(leftOut.map(({ runId }) => runId))
    return {
      runIds: runIds.filter((id) => !isLeftOut.has(id)),
      rows: answers.filter(({ isDifferent }) => isDifferent),
      ...{ total, different, leftOut },
    }
  }
}

export function answerLines(found: DifferentAnswers, runs: readonly ExperimentRow[]): string[] {
  const labels = new Map(runs.map((run) => [run.id, runLabel(run)]))
  const labelOf = (runId: string): string => labels.get(runId) ?? runId
  const names = found.runIds.map(labelOf)
  return [
    headline(found),
    ...found.rows.flatMap((row) => ['', ...rowLines(row, names)]),
    ...leftOutLines(found.leftOut, labelOf),
  ]
}

function headline({ runIds, rows, total, different }: DifferentAnswers): string {
  if (runIds.length < 2) return 'Answers: fewer than two of these runs were measured on the same locked rows.'
  if (different === 0) return `Answers: the same on all ${total} locked rows.`
  const shown = rows.length < different ? `; the first ${rows.length}` : ''
  return `Answers: they differ on ${different} of ${total} locked rows${shown}:`
}

/** What was asked and expected, then each answer once with who gave it: whole answers are compared, not what is shown of them. */
function rowLines({ rowId, prompt, expected, answers }: ComparedAnswer, names: readonly string[]): string[] {
  const givers = new Map<string | null, string[]>()
  for (const [at, answer] of answers.entries()) {
    const text = answer?.text ?? null
    givers.set(text, [...(givers.get(text) ?? []), names[at] ?? ''])
  }
  const texts = [...givers.keys()].filter((text) => text !== null)
  const lines = formatTable(
    ['expected', shortened(expected)],
    [...givers].map(([text, who]) => [
      listed(who),
      text === null ? '(not in its proof)' : toldApart(text, texts),
    ]),
  )
  return [shortened(prompt ?? `row ${rowId}`), ...lines.map((line) => `  ${line}`)]
}

const leftOutWords: Readonly<Record<LeftOut[number]['reason'], string>> = {
  'not-measured': 'not measured yet',
  'other-rows': 'measured on other locked rows',
}

function leftOutLines(leftOut: LeftOut, labelOf: (runId: string) => string): string[] {
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))]
  return reasons.map((reason) => {
    const who = leftOut.filter((one) => one.reason === reason).map(({ runId }) => labelOf(runId))
    return `Left out, ${leftOutWords[reason]}: ${listed(who)}.`
  })
}

const mostNamed = 3

const listed = (names: readonly string[]): string => {
  const more = names.length - mostNamed
  return more > 0 ? `${names.slice(0, mostNamed).join(', ')} and ${more} more` : names.join(', ')
}

const mostCharacters = 200
/** So much of what is alike is shown before the place at which two long answers part. */
const charactersBefore = 40

const onOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** On one line of a terminal; whole answers are in the JSON. */
const shortened = (text: string): string => cut(onOneLine(text))

function cut(line: string): string {
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 1).toWellFormed()}…` : line
}

/** An answer beside all answers to its row: where another would look the same, the part in which they differ. */
function toldApart(text: string, all: readonly string[]): string {
  const line = onOneLine(text)
  const alike = all.filter((other) => other !== text && shortened(other) === cut(line)).map(onOneLine)
  if (alike.length === 0) return cut(line)
  const others = alike.filter((other) => other !== line)
  if (others.length < alike.length) return `${cut(line)} (spaces and line breaks differ)`
  const from = Math.min(...others.map((other) => firstDifference(line, other))) - charactersBefore
  return `…${cut(line.slice(from).toWellFormed())}`
}

function firstDifference(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at += 1
  return at
}
