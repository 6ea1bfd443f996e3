// Texts that also stand among the locked rows of other data: a model that had read them before would be measured on what
// it knows. Found by equal wording, folded (same-text.ts). Others have their turn in between: files can be of any size.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DatasetRow } from '#shared/rows.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import { foldText } from './same-text.ts'

/** Shorter texts ("Thank you!") stand everywhere and tell nothing. */
const shortestText = 32

/** Characters that are looked at before others have their turn: some tens of milliseconds. */
const charactersPerTurn = 200_000

/** Waits for a turn where enough was looked at since the last one. */
type Rest = (characters: number) => Promise<void>

function createRest(): Rest {
  let since = 0
  return async (characters) => {
    since += characters
    if (since < charactersPerTurn) return
    since = 0
    await nextTurn()
  }
}

/** For each text whether it holds a text of one of these rows as a whole, or is a part of one. */
export async function findLocked(
  texts: readonly string[],
  locked: readonly DatasetRow[],
  scenario: Scenario,
): Promise<boolean[]> {
  const rest = createRest()
  const folded: string[] = []
  for (const text of texts) {
    folded.push(foldText(text))
    await rest(text.length)
  }
  const lockedTexts = new Set<string>()
  for (const row of locked)
    for (const text of textsOf(row, scenario)) {
      lockedTexts.add(text)
      await rest(text.length)
    }
  const { holders } = await findHeld(folded, lockedTexts, rest)
  const { held } = await findHeld(lockedTexts, new Set(folded), rest)
  return folded.map((text) => holders.has(text) || held.has(text))
}

/** What a row says: its fields, and what its scenario makes of them. Labels are no texts. */
function textsOf(row: DatasetRow, scenario: Scenario): string[] {
  const fields = scenario.roles.flatMap(({ name, kind }) =>
    kind === 'label' ? [] : [row.fields[name] ?? ''],
  )
  const messages = scenario
    .toExamples(row, '')
    .flatMap(({ prompt, answer }) => [
      ...prompt.map(({ content }) => content),
      ...(scenario.labelsOf([row]) === null ? [answer] : []),
    ])
  return [...fields, ...messages].map(foldText)
}

/** Which of `texts` hold one of `wanted`, and which of `wanted` are held. One look-up for each place of each text. */
async function findHeld(texts: Iterable<string>, wanted: Iterable<string>, rest: Rest) {
  const byBeginning = await groupByBeginning(wanted, rest)
  const holders = new Set<string>()
  const held = new Set<string>()
  if (byBeginning.size === 0) return { holders, held }
  const lookAt = (text: string, at: number): void => {
    for (const candidate of byBeginning.get(text.slice(at, at + shortestText)) ?? [])
      if (text.startsWith(candidate, at)) {
        holders.add(text)
        held.add(candidate)
      }
  }
  for (const text of texts)
    for (let from = 0; from + shortestText <= text.length; from += charactersPerTurn) {
      const end = Math.min(from + charactersPerTurn, text.length - shortestText + 1)
      for (let at = from; at < end; at += 1) lookAt(text, at)
      await rest(end - from)
    }
  return { holders, held }
}

async function groupByBeginning(wanted: Iterable<string>, rest: Rest): Promise<Map<string, string[]>> {
  const byBeginning = new Map<string, string[]>()
  for (const text of wanted) {
    await rest(shortestText)
    if (text.length < shortestText) continue
    const beginning = text.slice(0, shortestText)
    const known = byBeginning.get(beginning)
    if (known === undefined) byBeginning.set(beginning, [text])
    else known.push(text)
  }
  return byBeginning
}
