// Texts that also stand among the locked rows of other data: a model that had read them before would be measured on what
// it knows. Found by equal wording, folded (same-text.ts). Pure.
import type { DatasetRow } from '#shared/rows.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import { foldText } from './same-text.ts'

/** Shorter texts ("Thank you!") stand everywhere and tell nothing. */
const shortestText = 32

/** For each text whether it holds a text of one of these rows as a whole, or is a part of one. */
export function findLocked(
  texts: readonly string[],
  locked: readonly DatasetRow[],
  scenario: Scenario,
): boolean[] {
  const folded = texts.map(foldText)
  const lockedTexts = [...new Set(locked.flatMap((row) => textsOf(row, scenario)))]
  const { holders } = findHeld(folded, lockedTexts)
  const { held } = findHeld(lockedTexts, new Set(folded))
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
function findHeld(texts: readonly string[], wanted: Iterable<string>) {
  const byBeginning = new Map<string, string[]>()
  for (const text of wanted) {
    if (text.length < shortestText) continue
    const beginning = text.slice(0, shortestText)
    const known = byBeginning.get(beginning)
    if (known === undefined) byBeginning.set(beginning, [text])
    else known.push(text)
  }
  const holders = new Set<string>()
  const held = new Set<string>()
  if (byBeginning.size === 0) return { holders, held }
  for (const text of texts)
    for (let at = 0; at + shortestText <= text.length; at += 1)
      for (const candidate of byBeginning.get(text.slice(at, at + shortestText)) ?? [])
        if (text.startsWith(candidate, at)) {
          holders.add(text)
          held.add(candidate)
        }
  return { holders, held }
}
