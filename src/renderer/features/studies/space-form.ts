// The ranges of a search as a form: what is proposed, with a person's own ends, and why one cannot be taken. Pure but for
// the words.
import type { StudyPlan } from '#shared/contract/studies.ts'
import { type RecipeField, recipeFields } from '#shared/recipe-fields.ts'
import {
  type Dimension,
  dimension as dimensionSchema,
  type SearchSpace,
  type StudiedValue,
} from '#shared/study.ts'
import { t } from '../../words/index.ts'
import { fieldWord, readTyped, wordValue, writeNumber } from '../wizard/recipe-form.ts'

export type ProposedDimension = StudyPlan['dimensions'][number]

/** What a person changed of one range, as typed. */
export interface DimensionEdit {
  readonly isIncluded?: boolean
  readonly low?: string
  readonly high?: string
  readonly isLog?: boolean
  readonly values?: readonly StudiedValue[]
}

/** What is wrong with a range, by its field. */
export type WrongDimension = Readonly<Partial<Record<'low' | 'high' | 'values', string>>>

/** One setting may be tried twice under other conditions. */
export const dimensionKey = ({ path, onlyWhen }: Dimension): string =>
  onlyWhen === null ? path : `${path} ${JSON.stringify(onlyWhen)}`

/** The recipe's field of a setting; a study of another version may name one that is no more. */
export const fieldOf = (path: string): RecipeField | null =>
  recipeFields.find((field) => field.path === path) ?? null

export const settingTitle = (path: string): string =>
  fieldOf(path) === null ? path : fieldWord(path, 'title')
export const settingTerm = (path: string): string => (fieldOf(path) === null ? '' : fieldWord(path, 'term'))

/** Digits of a figure that was drawn from a range. */
const shownDigits = 3

/** A value as a person reads it: 2.4e-4, "int4", "on". */
export function settingValue(path: string, value: StudiedValue | undefined): string {
  if (value === undefined) return '—'
  const field = fieldOf(path)
  if (typeof value === 'number') return writeStudied(value)
  return field === null ? String(value ?? '—') : wordValue(field, value)
}

/** Rounded to what a search can tell apart, small ones with their power of ten. */
export function writeStudied(value: number): string {
  if (Number.isInteger(value)) return writeNumber(value)
  const rounded = Number(value.toPrecision(shownDigits))
  return Math.abs(rounded) < 0.01 ? rounded.toExponential() : String(rounded)
}

/** A range with what a person changed of it. */
export function shownDimension(proposed: ProposedDimension, edit: DimensionEdit = {}) {
  const { dimension } = proposed
  const isIncluded = edit.isIncluded ?? proposed.isIncluded
  if (dimension.kind === 'choice')
    return { kind: 'choice' as const, isIncluded, values: edit.values ?? dimension.values }
  return {
    kind: dimension.kind,
    isIncluded,
    low: edit.low ?? writeNumber(dimension.low),
    high: edit.high ?? writeNumber(dimension.high),
    isLog: edit.isLog ?? dimension.isLog,
  }
}

function readEnd(typed: string, path: string, isWhole: boolean): { value: number } | { reason: string } {
  const field = fieldOf(path)
  const kind = isWhole ? ('whole' as const) : ('number' as const)
  const read = readTyped({ ...(field ?? anyNumber), kind }, typed)
  return read.ok ? { value: read.value } : { reason: read.reason }
}
const anyNumber: RecipeField = {
  path: '',
  kind: 'number',
  choices: [],
  isNullable: false,
  minimum: null,
  maximum: null,
  isAboveMinimum: false,
  default: null,
}

/** One range as it would be searched, or what is wrong with it. */
export function readDimension(
  proposed: ProposedDimension,
  edit: DimensionEdit = {},
): { readonly dimension: Dimension | null; readonly wrong: WrongDimension } {
  const { dimension } = proposed
  const shown = shownDimension(proposed, edit)
  if (shown.kind === 'choice') {
    if (shown.values.length === 0) return { dimension: null, wrong: { values: t('studies.wrong.values') } }
    const values = [...shown.values]
    return { dimension: dimension.kind === 'choice' ? { ...dimension, values } : null, wrong: {} }
  }
  const isWhole = shown.kind === 'whole'
  const low = readEnd(shown.low, dimension.path, isWhole)
  const high = readEnd(shown.high, dimension.path, isWhole)
  if ('reason' in low || 'reason' in high)
    return {
      dimension: null,
      wrong: {
        ...('reason' in low ? { low: low.reason } : {}),
        ...('reason' in high ? { high: high.reason } : {}),
      },
    }
  const own = { ...dimension, low: low.value, high: high.value, isLog: shown.isLog }
  const checked = dimensionSchema.safeParse(own)
  if (checked.success) return { dimension: checked.data, wrong: {} }
  if (low.value > high.value) return { dimension: null, wrong: { high: t('studies.wrong.lowFirst') } }
  return { dimension: null, wrong: { low: t('studies.wrong.factors') } }
}

/** The whole space; undefined while nothing of it was changed, so that the program proposes it. */
export function readSpace(
  proposed: readonly ProposedDimension[],
  edits: Readonly<Record<string, DimensionEdit>>,
): {
  readonly space: SearchSpace | undefined
  readonly wrong: Readonly<Record<string, WrongDimension>>
  /** Why there is nothing to search; empty where there is. */
  readonly nothing: string
} {
  const wrong: Record<string, WrongDimension> = {}
  const space: Dimension[] = []
  let isChanged = false
  for (const one of proposed) {
    const key = dimensionKey(one.dimension)
    const edit = edits[key]
    if (edit !== undefined) isChanged = true
    if (!shownDimension(one, edit).isIncluded) continue
    const read = readDimension(one, edit)
    if (read.dimension === null) wrong[key] = read.wrong
    else space.push(read.dimension)
  }
  const isNothing = proposed.length > 0 && space.length === 0 && Object.keys(wrong).length === 0
  return {
    space: isChanged && !isNothing && Object.keys(wrong).length === 0 ? space : undefined,
    wrong,
    nothing: isNothing ? t('studies.wrong.nothing') : '',
  }
}

/** An edit that says nothing other than what is proposed is none. */
export function withEdit(
  edits: Readonly<Record<string, DimensionEdit>>,
  proposed: ProposedDimension,
  part: DimensionEdit,
): Readonly<Record<string, DimensionEdit>> {
  const key = dimensionKey(proposed.dimension)
  const edit = { ...edits[key], ...part }
  const { [key]: _, ...rest } = edits
  const isSame = JSON.stringify(shownDimension(proposed, edit)) === JSON.stringify(shownDimension(proposed))
  return isSame ? rest : { ...rest, [key]: edit }
}
