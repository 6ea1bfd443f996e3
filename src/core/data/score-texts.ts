// What the score card says of the texts themselves: personal data, damaged letters, lengths, empty rows, languages. Pure.
import { excerptOf } from '#formats/table-types.ts'
import type { FixId, ScoreItem } from '#shared/contract/index.ts'
import { recipeDraft } from '#shared/recipe.ts'
import type { DatasetRow } from '#shared/rows.ts'
import type { Scenario } from '../scenarios/scenarios.ts'
import { isDamagedText } from './damaged-text.ts'
import type { DataReport } from './data-report.ts'
import { guessLanguage } from './guess-language.ts'
import { findPersonal } from './personal-data.ts'
import { listedLines } from './repeats.ts'

export interface ScoreLine extends Omit<ScoreItem, 'isFixed' | 'lines' | 'fix'> {
  readonly lines: readonly number[]
  /** The repair that helps; null where there is none. */
  readonly fix: FixId | null
}

export const plural = (count: number, one: string, many: string): string => (count === 1 ? one : many)

export function scoreTexts(rows: readonly DatasetRow[], report: DataReport, scenario: Scenario) {
  return {
    personal: personal(rows),
    damaged: damaged(rows),
    lengths: lengths(rows, report),
    empty: empty(report),
    languages: languages(rows, scenario),
  }
}

/** A line about rows that show something: it is good where there are none. Of many rows `found` may be only the first. */
function foundRows(
  found: readonly { readonly line: number }[],
  [one, many]: readonly [string, string],
  { worst, ...words }: Pick<ScoreLine, 'id' | 'detail' | 'fix'> & { readonly worst: ScoreLine['state'] },
  count: number = found.length,
): ScoreLine {
  return {
    ...words,
    count,
    state: count === 0 ? 'good' : worst,
    title: plural(count, one, many),
    lines: found.slice(0, listedLines).map(({ line }) => line),
  }
}

function personal(rows: readonly DatasetRow[]): ScoreLine {
  const found = rows.flatMap((row) => {
    const find = findPersonal(Object.values(row.fields).join('\n'))
    return find === null ? [] : [{ line: row.line, ...find }]
  })
  const [first] = found
  return foundRows(found, ['row with personal data', 'rows with personal data'], {
    id: 'personal-data',
    worst: 'look',
    detail:
      first === undefined
        ? 'No e-mail address, telephone number, bank account or card number was found.'
        : `For example this ${first.kind}: ${excerptOf(first.text)}. The model may learn it by heart.`,
    fix: 'mask-personal-data',
  })
}

function damaged(rows: readonly DatasetRow[]): ScoreLine {
  const found = rows.filter(({ fields }) => Object.values(fields).some(isDamagedText))
  const example = Object.values(found[0]?.fields ?? {}).find(isDamagedText)
  return foundRows(found, ['row with damaged letters', 'rows with damaged letters'], {
    id: 'damaged-characters',
    worst: 'bad',
    detail:
      example === undefined
        ? 'Accents and special letters look sound.'
        : `For example “${excerptOf(example)}”: an earlier program read the text in the wrong encoding.`,
    fix: 'drop-damaged',
  })
}

/** Characters of a token in most European texts; only used to warn, never to cut. */
const charactersPerToken = 3.5
const { maxTokens } = recipeDraft.shape.batch.parse({})

/** Rows that are longer than the usual limit are left out when a run starts, by their exact number of tokens. */
function lengths(rows: readonly DatasetRow[], report: DataReport): ScoreLine {
  const limit = maxTokens * charactersPerToken
  const long = rows.filter(
    ({ fields }) => Object.values(fields).reduce((sum, value) => sum + value.length, 0) > limit,
  )
  const { inputLengths, answerLengths } = report
  const usual = `Half of the texts have up to ${inputLengths.median} characters, the longest ${inputLengths.longest}; half of the answers have up to ${answerLengths.median}.`
  return foundRows(long, ['row is very long', 'rows are very long'], {
    id: 'lengths',
    worst: 'look',
    detail:
      long.length === 0
        ? usual
        : `They may have more than ${maxTokens} tokens, the usual limit of a run, and would be left out. ${usual}`,
    fix: null,
  })
}

function empty({ leftOutRows, leftOut }: DataReport): ScoreLine {
  const [first] = leftOut
  const detail = first === undefined ? 'Every row can be used.' : `Line ${first.line}: ${first.reason}`
  const words = ['row is left out', 'rows are left out'] as const
  return foundRows(leftOut, words, { id: 'empty', worst: 'look', detail, fix: null }, leftOutRows)
}

/** Rows that are looked at: enough to see what a file is written in. */
const lookedRows = 2000
/** A language of fewer rows than this share may be a wrong guess. */
const leastShare = 0.03

/** A language of fewer rows than this share is not what the rows are about. */
const mainShare = 0.2

/** What most of the rows are written in, by a guess; none for programs, nor where the texts do not tell. */
export function mainLanguages(rows: readonly DatasetRow[], scenario: Scenario): string[] {
  if (scenario.id === 'code') return []
  const { found, told } = guessLanguages(rows, scenario)
  return found.filter(([, count]) => count >= mainShare * told).map(([language]) => language)
}

/** How many texts are in which language, the commonest first, and how many tell theirs at all. */
function guessLanguages(rows: readonly DatasetRow[], scenario: Scenario) {
  const counts = new Map<string, number>()
  let told = 0
  const step = Math.max(1, Math.floor(rows.length / lookedRows))
  for (let i = 0; i < rows.length; i += step) {
    const { fields } = rows[i]!
    const roles = scenario.id === 'translation' ? ['source', 'target'] : scenario.inputRoles.slice(0, 1)
    for (const role of roles) {
      const language = guessLanguage(fields[role] ?? '')
      if (language === null) continue
      told += 1
      counts.set(language, (counts.get(language) ?? 0) + 1)
    }
  }
  const found = [...counts]
    .filter(([, count]) => count >= Math.max(2, leastShare * told))
    .sort((a, b) => b[1] - a[1])
  return { found, told }
}

/** Not for programs. A translation has two languages by its nature. */
function languages(rows: readonly DatasetRow[], scenario: Scenario): ScoreLine[] {
  if (scenario.id === 'code') return []
  const expected = scenario.id === 'translation' ? 2 : 1
  const { found, told } = guessLanguages(rows, scenario)
  const shares = found.map(([language, count]) => `${language} ${Math.round((100 * count) / told)} %`)
  return [
    {
      id: 'languages',
      count: found.length,
      state: found.length > expected ? 'look' : 'good',
      title: plural(found.length, 'language, by a guess', 'languages, by a guess'),
      detail:
        found.length === 0
          ? 'The texts are too short to tell their language.'
          : `${shares.join(', ')} of the texts that tell. A small model learns one language best.`,
      lines: [],
      fix: null,
    },
  ]
}
