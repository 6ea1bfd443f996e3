// Repairs of rows that a person chose, done before the split. Pure. What a repair takes out is listed with its reason, and
// what it changes is counted; nothing else is touched.
import { excerptOf } from '#formats/table-types.ts'
import type { FixId } from '#shared/data-fixes.ts'
import type { DatasetRow, LeftOutRow } from '#shared/rows.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import { isDamagedText } from './damaged-text.ts'
import { findNearRepeats } from './near-repeats.ts'
import { maskPersonal } from './personal-data.ts'
import { findRepeats, listedLines } from './repeats.ts'
import { foldLabel, foldText } from './same-text.ts'

/** What one repair did. */
export interface FixReport {
  readonly id: FixId
  /** Rows that it took out or changed. */
  readonly rows: number
  /** Their first lines, at most ten. */
  readonly lines: readonly number[]
}

export interface FixedRows {
  readonly rows: readonly DatasetRow[]
  /** Places of `rows` among the rows that were given. */
  readonly places: readonly number[]
  readonly removed: readonly LeftOutRow[]
  readonly reports: readonly FixReport[]
}

/** For a row: why it goes, or what it becomes; undefined where it stays as it is. */
type Verdict = { readonly reason: string } | { readonly fields: DatasetRow['fields'] } | undefined
type Repair = (rows: readonly DatasetRow[], scenario: Scenario) => (row: DatasetRow, i: number) => Verdict

/** Does the repairs in their order, each over what the one before left. A repair that is named twice is done once. */
export function applyFixes(
  given: readonly DatasetRow[],
  scenario: Scenario,
  fixes: readonly FixId[],
): FixedRows {
  let rows = given
  let places: readonly number[] = given.map((_, i) => i)
  const removed: LeftOutRow[] = []
  const reports: FixReport[] = []
  for (const id of new Set(fixes)) {
    const judge = repairs[id](rows, scenario)
    const next: DatasetRow[] = []
    const nextPlaces: number[] = []
    const touched: number[] = []
    for (const [i, row] of rows.entries()) {
      const verdict = judge(row, i)
      if (verdict !== undefined) touched.push(row.line)
      if (verdict !== undefined && 'reason' in verdict) {
        const excerpt = excerptOf(Object.values(row.fields).join(' '))
        removed.push({ line: row.line, reason: verdict.reason, excerpt })
        continue
      }
      next.push(verdict === undefined ? row : { ...row, fields: verdict.fields })
      nextPlaces.push(places[i]!)
    }
    rows = next
    places = nextPlaces
    reports.push({ id, rows: touched.length, lines: touched.slice(0, listedLines) })
  }
  return { rows, places, removed, reports }
}

const answerOf = ({ fields }: DatasetRow, { answerRole }: Scenario): string =>
  foldText(fields[answerRole] ?? '')

/** Rows with the same text and the same answer: with another answer it is a contradiction, not a repeat. */
const keepOneOfRepeats: Repair = (rows, scenario) => {
  const { keys } = findRepeats(rows, scenario)
  const lines = new Map<string, number>()
  return (row, i) => {
    const key = `${keys[i]}\u0000${answerOf(row, scenario)}`
    const first = lines.get(key)
    if (first === undefined) lines.set(key, row.line)
    return first === undefined
      ? undefined
      : { reason: `It repeats the row on line ${first}; one of them is kept.` }
  }
}

/** Where answers are labels, rows that are almost the same but have different ones both stay: a small word can decide. */
const keepOneOfNearRepeats: Repair = (rows, scenario) => {
  const { keys } = findRepeats(rows, scenario)
  const { leaders } = findNearRepeats(keys)
  const hasLabels = scenario.labelsOf(rows) !== null
  return (row, i) => {
    const leader = leaders[i] ?? null
    if (leader === null || keys[leader] === keys[i]) return undefined
    const first = rows[leader]!
    if (hasLabels && answerOf(first, scenario) !== answerOf(row, scenario)) return undefined
    return { reason: `It says almost the same as the row on line ${first.line}; one of them is kept.` }
  }
}

/** Every spelling of a label becomes the commonest one; of two as common the one that comes first. */
const mergeLabelSpellings: Repair = (rows, scenario) => {
  if (scenario.labelsOf(rows) === null) return () => undefined
  const role = scenario.answerRole
  const counts = new Map<string, number>()
  for (const { fields } of rows) counts.set(fields[role] ?? '', (counts.get(fields[role] ?? '') ?? 0) + 1)
  const best = new Map<string, string>()
  for (const [label, count] of counts) {
    const known = best.get(foldLabel(label))
    if (known === undefined || count > counts.get(known)!) best.set(foldLabel(label), label)
  }
  return ({ fields }) => {
    const label = fields[role] ?? ''
    const wanted = best.get(foldLabel(label)) ?? label
    return wanted === label ? undefined : { fields: { ...fields, [role]: wanted } }
  }
}

const dropContradictions: Repair = (rows, scenario) => {
  const { keys } = findRepeats(rows, scenario)
  const answers = new Map<string, Set<string>>()
  for (const [i, row] of rows.entries()) {
    const known = answers.get(keys[i]!) ?? new Set()
    answers.set(keys[i]!, known.add(answerOf(row, scenario)))
  }
  return (_, i) =>
    answers.get(keys[i]!)!.size > 1
      ? { reason: 'The same text is there with another answer, and nobody has decided which is right.' }
      : undefined
}

/** Labels stay as they are. Names that were marked in a text are masked in both places alike. */
const maskPersonalData: Repair = (rows, scenario) => {
  const labelRole = scenario.labelsOf(rows) === null ? null : scenario.answerRole
  return ({ fields }) => {
    const masked = Object.entries(fields).map(
      ([role, value]) => [role, role === labelRole ? value : maskPersonal(value)] as const,
    )
    const isChanged = masked.some(([role, value]) => fields[role] !== value)
    return isChanged ? { fields: Object.fromEntries(masked) } : undefined
  }
}

const dropDamaged: Repair =
  () =>
  ({ fields }) =>
    Object.values(fields).some(isDamagedText)
      ? { reason: 'It has damaged characters: an earlier program read the text in the wrong encoding.' }
      : undefined

const repairs: Readonly<Record<FixId, Repair>> = {
  'keep-one-of-repeats': keepOneOfRepeats,
  'keep-one-of-near-repeats': keepOneOfNearRepeats,
  'merge-label-spellings': mergeLabelSpellings,
  'drop-contradictions': dropContradictions,
  'mask-personal-data': maskPersonalData,
  'drop-damaged': dropDamaged,
}
