// What the drawer of fine settings shows: the fields of the recipe's schema in groups, their words, and what a person
// typed turned into a value or a reason. The fields themselves are read off the schema, not written here.
import type { DeviceId } from '#shared/devices.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { type RecipeField, recipeFields, type SettingValue } from '#shared/recipe-fields.ts'
import { idleSettings, methodKindsFor, type SettingNeed, type SettingValues } from '#shared/setting-sense.ts'
import { formatNumber } from '../../format.ts'
import { type PlainKey, t } from '../../words/index.ts'

/** Top keys of the recipe that the wizard asks for on an earlier step, or that the program fills in. */
export const askedElsewhere: ReadonlySet<string> = new Set([
  'model',
  'data',
  'name',
  'scenario',
  'instruction',
  'language',
])

/** Of a first stage the file is asked for with the rows, the rest is not. */
const askedWithRows: ReadonlySet<string> = new Set(['before.path', 'before.columns'])

/** What the program fills in: a search compares its trials at the same shares. */
const filledIn: ReadonlySet<string> = new Set(['evaluation.atShares'])

export const fieldGroups = [
  'duration',
  'before',
  'method',
  'optimizer',
  'schedule',
  'regularisation',
  'batch',
  'evaluation',
  'checkpoints',
  'computer',
] as const
export type FieldGroup = (typeof fieldGroups)[number]

const topKey = (path: string): string => path.split('.')[0] ?? path

/** Fields of the recipe's top stand under "This computer". */
const groupOf = (path: string): FieldGroup =>
  path.includes('.') ? (fieldGroups.find((group) => group === topKey(path)) ?? 'computer') : 'computer'

export const shownFields: readonly RecipeField[] = recipeFields.filter(
  ({ path }) => !askedElsewhere.has(topKey(path)) && !askedWithRows.has(path) && !filledIn.has(path),
)

export const fieldsOf = (group: FieldGroup): readonly RecipeField[] =>
  shownFields.filter(({ path }) => groupOf(path) === group)

interface Place {
  readonly scenario: ScenarioId
  /** What can be computed on now; null before that is known. */
  readonly devices: readonly DeviceId[] | null
  /** What the field says now. */
  readonly value: SettingValue
}

/** The field as this goal and this computer may set it: without choices that they cannot have, but for the present one. */
export function fieldFor(field: RecipeField, { scenario, devices, value }: Place): RecipeField {
  const allowed = allowedChoices(field.path, scenario, devices)
  if (allowed === null) return field
  return { ...field, choices: field.choices.filter((choice) => allowed.includes(choice) || choice === value) }
}

function allowedChoices(
  path: string,
  scenario: ScenarioId,
  devices: readonly DeviceId[] | null,
): readonly string[] | null {
  if (path === 'method.kind') return methodKindsFor(scenario)
  return path === 'device' ? devices : null
}

export interface ShownGroup {
  readonly group: FieldGroup
  readonly fields: readonly { readonly field: RecipeField; readonly need: SettingNeed | null }[]
  /** Titles of fields that have no effect beside the others' values, by what they would need. */
  readonly leftOut: readonly { readonly need: SettingNeed; readonly names: string }[]
}

/** What has no effect is left out, but for what a person changed: that is shown with the reason. */
export function shownGroups(values: SettingValues, isChanged: (path: string) => boolean): ShownGroup[] {
  const idle = idleSettings(values)
  return fieldGroups.map((group) => {
    const fields = fieldsOf(group).map((field) => ({ field, need: idle.get(field.path) ?? null }))
    const byNeed = new Map<SettingNeed, string[]>()
    for (const { field, need } of fields)
      if (need !== null && !isChanged(field.path))
        byNeed.set(need, [...(byNeed.get(need) ?? []), fieldWord(field.path, 'title')])
    return {
      group,
      fields: fields.filter(({ field, need }) => need === null || isChanged(field.path)),
      leftOut: [...byNeed].map(([need, names]) => ({ need, names: names.join(', ') })),
    }
  })
}

/** Values whose reason goes by what is trained: the usual one is an adapter's. */
export const ownReasons = {
  full: {
    'method.kind': 'recipe.reasons.full.kind',
    'optimizer.learningRate': 'recipe.reasons.full.learningRate',
  },
  head: {
    'duration.epochs': 'recipe.reasons.head.epochs',
    'method.kind': 'recipe.reasons.head.kind',
    'optimizer.learningRate': 'recipe.reasons.head.learningRate',
    'regularisation.neftuneAlpha': 'recipe.reasons.head.noise',
    reuseFrozenLayers: 'recipe.reasons.head.reuse',
  },
  'lora-head': {
    'method.kind': 'recipe.reasons.lora-head.kind',
    'optimizer.learningRate': 'recipe.reasons.lora-head.learningRate',
  },
  'full-head': {
    'method.kind': 'recipe.reasons.full-head.kind',
    'optimizer.learningRate': 'recipe.reasons.full-head.learningRate',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, PlainKey>>>>

/** What the other settings say that reasons go by: `method.kind` and `optimizer.kind`. */
export interface ReasonsBy {
  readonly trained: string
  readonly optimizer: string
}

/** Why a value is what it is; `value` is what the field says now. */
export function reasonWord(
  path: string,
  { trained, optimizer }: ReasonsBy,
  value: SettingValue = null,
): string {
  const own: Readonly<Record<string, Readonly<Record<string, PlainKey>>>> = ownReasons
  if (path === 'device' && value !== null) return t('recipe.reasons.device')
  if (path === 'optimizer.learningRate' && (optimizer === 'lion' || optimizer === 'sgd'))
    return t(`recipe.reasons.${optimizer}`)
  const key = own[trained]?.[path]
  return key === undefined ? fieldWord(path, 'why') : t(key)
}

/** Words by a field's path; a test compares the message file with the schema, so that none is missing. */
export const fieldWord = (path: string, part: 'title' | 'term' | 'help' | 'why' | 'none'): string =>
  t(`recipe.fields.${path}.${part}` as PlainKey)
export const choiceWord = (path: string, choice: string): string =>
  t(`recipe.fields.${path}.choices.${choice}` as PlainKey)

/** A value as a person reads it; small numbers the way the field writes them: 2e-4. */
export function wordValue(field: RecipeField, value: SettingValue | undefined): string {
  if (value === null || value === undefined) return field.isNullable ? fieldWord(field.path, 'none') : ''
  if (typeof value === 'number') return writeNumber(value)
  if (typeof value === 'boolean') return t(value ? 'wizard.plan.on' : 'wizard.plan.off')
  if (Array.isArray(value)) return value.map((choice) => choiceWord(field.path, String(choice))).join(', ')
  if (field.choices.length > 0) return choiceWord(field.path, String(value))
  return String(value)
}

/** A number as it is typed: no thousands marked, very small ones with their power of ten. */
export const writeNumber = (value: number): string =>
  value !== 0 && Math.abs(value) < 0.0001 ? value.toExponential() : String(value)

export type Typed =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly reason: string }

/** What a person wrote into a field and the recipe does not take. */
export interface WrongSetting {
  readonly name: string
  /** Empty where nothing was written or chosen. */
  readonly typed: string
  readonly reason: string
}

export const wordNotTaken = ({ name, typed, reason }: WrongSetting): string =>
  typed === ''
    ? t('wizard.plan.changeNotTaken', { name, reason })
    : t('wizard.plan.notTaken', { name, typed, reason })

/** What a person typed into a number's field; a comma may stand for the point. */
export function readTyped(field: RecipeField, typed: string): Typed {
  const plain = typed.trim().replace(',', '.')
  const value = plain === '' ? Number.NaN : Number(plain)
  const isAllowed =
    Number.isFinite(value) &&
    (field.kind !== 'whole' || Number.isSafeInteger(value)) &&
    isInRange(field, value)
  if (isAllowed) return { ok: true, value }
  const range = wordRange(field)
  return {
    ok: false,
    reason: t(field.kind === 'whole' ? 'wizard.plan.wrongWhole' : 'wizard.plan.wrongNumber', { range }),
  }
}

function isInRange({ minimum, maximum, isAboveMinimum }: RecipeField, value: number): boolean {
  if (minimum !== null && (isAboveMinimum ? value <= minimum : value < minimum)) return false
  return maximum === null || value <= maximum
}

const writeBound = (value: number): string =>
  Math.abs(value) < 0.01 || value % 1 !== 0 ? String(value) : formatNumber(value)

/** "From 1 to 512." */
export function wordRange({ kind, minimum, maximum, isAboveMinimum }: RecipeField): string {
  if (minimum === null) return ''
  // A whole number above 0 is 1 or more.
  const isAbove = isAboveMinimum && kind !== 'whole'
  const low = writeBound(isAboveMinimum && kind === 'whole' ? minimum + 1 : minimum)
  if (maximum === null)
    return isAbove ? t('wizard.plan.rangeAbove', { low }) : t('wizard.plan.rangeFrom', { low })
  const high = writeBound(maximum)
  return isAbove ? t('wizard.plan.rangeAboveTo', { low, high }) : t('wizard.plan.rangeBoth', { low, high })
}

/** Whether two values of a setting are the same. */
export const isSameValue = (a: SettingValue | undefined, b: SettingValue | undefined): boolean =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
