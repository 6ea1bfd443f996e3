// Which column of a file serves which role of a scenario: as the person said, else by the heading, else by content.
// Refuses to guess where two columns would do; the Problem then lists the columns found.
import type { Problem } from '#shared/result.ts'
import { fail, ok, type Result } from '#shared/result.ts'
import type { Scenario, ScenarioRole } from '../scenarios/scenarios.ts'
import { foldText } from './same-text.ts'

export interface ColumnMatch {
  /** Column for each role that has one. */
  readonly columns: Readonly<Record<string, string>>
  /** Roles whose column was guessed. */
  readonly guessed: readonly string[]
  /** Roles that every row has to fill. */
  readonly needed: readonly string[]
}

export interface ColumnQuestion {
  readonly fileName: string
  readonly scenario: Scenario
  readonly found: readonly string[]
  /** False where the columns of a file without a heading were only numbered. */
  readonly hasHeading: boolean
  /** The person's choice; roles that are missing in it are guessed. */
  readonly given: Readonly<Record<string, string>> | null
  /** Some of the rows, to judge columns by their content. */
  readonly sample: readonly ReadonlyMap<string, string>[]
}

export function matchColumns(question: ColumnQuestion): Result<ColumnMatch> {
  const { scenario } = question
  const chosen = new Map<string, string>()
  for (const [role, wanted] of Object.entries(question.given ?? {})) {
    if (!scenario.roles.some(({ name }) => name === role)) return fail(unknownRole(question, role))
    const column = findNamed(question.found, wanted)
    if (column === null) return fail(unknownColumn(question, wanted))
    chosen.set(role, column)
  }
  const facts = question.found.map((column) => describeColumn(column, question.sample))
  const found = waysToRead(scenario, chosen).map((way) => {
    const columns = new Map(chosen)
    for (const roles of way.guessed) guessByName(roles, facts, columns)
    guessByContent(way.needed, facts, columns)
    return { needed: way.needed, columns, missing: way.needed.find(({ name }) => !columns.has(name)) }
  })
  const way = found.find(({ missing }) => missing === undefined)
  if (way === undefined) return fail(missingColumn(question, found[0]?.missing ?? scenario.roles[0]!))
  const doubled = [...way.columns.values()].find((column, i, all) => all.indexOf(column) !== i)
  if (doubled !== undefined) return fail(doubledColumn(question, doubled))
  return ok({
    columns: inOrderOfRoles(scenario, way.columns),
    guessed: [...way.columns.keys()].filter((role) => !chosen.has(role)),
    needed: way.needed.map(({ name }) => name),
  })
}

interface WayToRead {
  /** Roles that need a column. */
  readonly needed: readonly ScenarioRole[]
  /** Roles to guess columns for, one group after another. */
  readonly guessed: readonly (readonly ScenarioRole[])[]
}

/** The scenario's alternatives, those first that the person has said most columns for. */
function waysToRead({ roles, alternatives }: Scenario, chosen: ReadonlyMap<string, string>): WayToRead[] {
  if (alternatives === undefined)
    return [{ needed: roles.filter(({ isRequired }) => isRequired), guessed: [roles] }]
  const inSome = new Set(alternatives.flat())
  const common = roles.filter(({ name }) => !inSome.has(name))
  const saidIn = (names: readonly string[]): number => names.filter((name) => chosen.has(name)).length
  return alternatives
    .toSorted((a, b) => saidIn(b) - saidIn(a))
    .map((names) => {
      const needed = roles.filter(({ name }) => names.includes(name))
      return { needed, guessed: [needed, common] }
    })
}

const inOrderOfRoles = ({ roles }: Scenario, columns: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries(
    roles.flatMap(({ name }) => {
      const column = columns.get(name)
      return column === undefined ? [] : [[name, column] as const]
    }),
  )

/** The column of exactly this name, else the only one that differs in case or white space. */
function findNamed(found: readonly string[], wanted: string): string | null {
  if (found.includes(wanted)) return wanted
  const alike = found.filter((column) => foldText(column) === foldText(wanted))
  return alike.length === 1 ? alike[0]! : null
}

/** "questionText", "question_text" and "Question-Text" as "question text". */
const wordsOf = (column: string): string =>
  foldText(column.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2').replace(/[\s_\-.:/()[\]]+/gu, ' '))

/** Pairs of role and column by how telling the heading is; the best pair is taken first. */
function guessByName(
  roles: readonly ScenarioRole[],
  facts: readonly ColumnFacts[],
  chosen: Map<string, string>,
): void {
  const pairs: { role: string; column: string; score: number }[] = []
  for (const { name, kind, columnGuesses } of roles)
    for (const { column } of facts.filter((one) => kind === 'list' || !isNested(one))) {
      const words = wordsOf(column)
      const exact = columnGuesses.indexOf(words)
      const within = columnGuesses.findIndex(
        (guess) => guess.length > 2 && ` ${words} `.includes(` ${guess} `),
      )
      if (exact >= 0) pairs.push({ role: name, column, score: exact })
      else if (within >= 0) pairs.push({ role: name, column, score: 1000 + within })
    }
  pairs.sort((a, b) => a.score - b.score)
  const taken = new Set(chosen.values())
  for (const { role, column } of pairs) {
    if (chosen.has(role) || taken.has(column)) continue
    chosen.set(role, column)
    taken.add(column)
  }
}

/** Only required roles are guessed by content: a wrong optional column would change every prompt. */
function guessByContent(
  needed: readonly ScenarioRole[],
  facts: readonly ColumnFacts[],
  chosen: Map<string, string>,
): void {
  const open = (): ScenarioRole[] => needed.filter(({ name }) => !chosen.has(name))
  const taken = new Set(chosen.values())
  const free = facts.filter(
    (one) => !taken.has(one.column) && one.filled > 0 && one.numbers < one.filled && !isNested(one),
  )
  const label = open().find(({ kind }) => kind === 'label')
  if (label !== undefined) {
    const candidates = free.filter(isLabelLike)
    if (candidates.length === 1) {
      chosen.set(label.name, candidates[0]!.column)
      free.splice(free.indexOf(candidates[0]!), 1)
    }
  }
  const texts = open().filter(({ kind }) => kind === 'text')
  if (texts.length === 1) {
    const long = free.toSorted((a, b) => b.meanCharacters - a.meanCharacters)
    const isClear =
      long.length === 1 || (long.length > 1 && long[0]!.meanCharacters > 2 * long[1]!.meanCharacters)
    if (isClear) chosen.set(texts[0]!.name, long[0]!.column)
  } else if (texts.length === 2 && free.length === 2) {
    const first = isLikelierFirst(texts[0]!, free[1]!, free[0]!) ? 1 : 0
    chosen.set(texts[0]!.name, free[first]!.column)
    chosen.set(texts[1]!.name, free[1 - first]!.column)
  }
}

/** Whether `column` suits the first of two roles better than `other`, which stands before it. */
function isLikelierFirst({ lookFor }: ScenarioRole, column: ColumnFacts, other: ColumnFacts): boolean {
  const asks = ({ questions, filled }: ColumnFacts): boolean => questions > filled / 2
  if (lookFor === 'question') return asks(column) && !asks(other)
  return lookFor === 'longer' && column.meanCharacters > other.meanCharacters
}

interface ColumnFacts {
  readonly column: string
  readonly filled: number
  readonly distinct: number
  readonly numbers: number
  readonly lists: number
  readonly questions: number
  readonly meanCharacters: number
}

function describeColumn(column: string, sample: readonly ReadonlyMap<string, string>[]): ColumnFacts {
  const values = sample.map((row) => row.get(column)?.trim() ?? '').filter((value) => value !== '')
  const characters = values.reduce((sum, value) => sum + value.length, 0)
  return {
    column,
    filled: values.length,
    distinct: new Set(values).size,
    numbers: values.filter((value) => /^[-+]?[0-9][0-9.,:/\s-]*$/.test(value)).length,
    lists: values.filter((value) => /^(\[\s*["[{\]]|\{\s*["}])/.test(value)).length,
    questions: values.filter((value) => /[?？؟]$/.test(value)).length,
    meanCharacters: values.length === 0 ? 0 : characters / values.length,
  }
}

/** Lists inside a JSON row are not text: they are used only where the person says so. */
const isNested = ({ filled, lists }: ColumnFacts): boolean => filled > 0 && lists > filled / 2

/** Few short values that come again and again. */
const isLabelLike = ({ filled, distinct, meanCharacters }: ColumnFacts): boolean =>
  distinct >= 2 && distinct <= Math.max(2, Math.min(100, filled / 3)) && meanCharacters <= 40

const listColumns = (found: readonly string[]): string => {
  const shown = found.slice(0, 30).map((column) => `"${column.slice(0, 60)}"`)
  return found.length > 30 ? `${shown.join(', ')} and ${found.length - 30} more` : shown.join(', ')
}

const problemOf = (question: ColumnQuestion, message: string, remedy: string): Problem => ({
  code: 'data.columns',
  message: `${message} ${question.hasHeading ? '' : 'No heading was found in the file. '}The file has ${question.found.length === 1 ? 'one column' : 'the columns'}: ${listColumns(question.found) || 'none'}.`,
  where: question.fileName,
  remedy,
})

const missingColumn = (question: ColumnQuestion, role: ScenarioRole): Problem =>
  problemOf(
    question,
    `It is not clear which column holds the ${role.title.toLowerCase()}.`,
    `Say which column is the ${role.title.toLowerCase()} (role "${role.name}"). ${role.help}${otherWays(question.scenario)}`,
  )

const otherWays = ({ alternatives = [] }: Scenario): string =>
  alternatives.length < 2
    ? ''
    : ` A row can be read from ${alternatives.map((names) => names.map((name) => `"${name}"`).join(' and ')).join(', or from ')}.`

const unknownColumn = (question: ColumnQuestion, wanted: string): Problem =>
  problemOf(question, `There is no column "${wanted}".`, 'Choose one of these columns.')

const unknownRole = (question: ColumnQuestion, role: string): Problem =>
  problemOf(
    question,
    `"${role}" is nothing that "${question.scenario.title}" needs.`,
    `Name columns for: ${question.scenario.roles.map(({ name }) => name).join(', ')}.`,
  )

const doubledColumn = (question: ColumnQuestion, column: string): Problem =>
  problemOf(question, `The column "${column}" is used twice.`, 'Choose a different column for each part.')
