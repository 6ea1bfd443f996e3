// Which settings of a recipe count only beside certain values of others, as data: the screen leaves the others out, the
// terminal tells of them. That a value is impossible is core/training/recipe-sense.ts's to say.
import { kindsThatTrain, methodParts, trainsBlocks } from './method-parts.ts'
import { methodKinds, type RecipeDraft, type ScenarioId } from './recipe.ts'
import type { SettingValue } from './recipe-fields.ts'

type MethodKind = RecipeDraft['method']['kind']

/** What a setting needs in order to count. */
export const settingNeeds = [
  'adapter',
  'frozen-weights',
  'trained-layers',
  'resting-layers',
  'momentum',
  'second-average',
  'adam',
  'patience',
  'no-shares',
  'first-stage',
  'one-half',
] as const
export type SettingNeed = (typeof settingNeeds)[number]

/** Values by path; paths that are not there count as null. `model.way` is what the model does (contract/models.ts). */
export type SettingValues = Readonly<Record<string, SettingValue | undefined>>

interface Rule {
  readonly need: SettingNeed
  readonly paths: readonly string[]
  readonly isMet: (values: SettingValues) => boolean
}

const isOneOf =
  (path: string, ...wanted: readonly string[]) =>
  (values: SettingValues): boolean =>
    wanted.some((value) => values[path] === value)
const isSet = (path: string, values: SettingValues): boolean => (values[path] ?? null) !== null

const rules: readonly Rule[] = [
  {
    need: 'adapter',
    paths: ['method.rank', 'method.alpha', 'method.targets', 'method.scaling', 'method.decomposed'],
    isMet: isOneOf('method.kind', ...kindsThatTrain('adapter')),
  },
  {
    need: 'frozen-weights',
    paths: ['method.base'],
    isMet: isOneOf('method.kind', ...methodKinds.filter((kind) => !methodParts[kind].weights)),
  },
  {
    need: 'trained-layers',
    paths: ['method.topLayers', 'optimizer.layerDecay', 'gradientCheckpointing'],
    isMet: isOneOf('method.kind', ...methodKinds.filter(trainsBlocks)),
  },
  {
    need: 'resting-layers',
    paths: ['reuseFrozenLayers'],
    isMet: (values) => values['method.kind'] === 'head' || isSet('method.topLayers', values),
  },
  {
    need: 'momentum',
    paths: ['optimizer.beta1'],
    isMet: isOneOf('optimizer.kind', 'adamw', 'adamw-8bit', 'lion', 'sgd'),
  },
  {
    need: 'second-average',
    paths: ['optimizer.beta2'],
    isMet: isOneOf('optimizer.kind', 'adamw', 'adamw-8bit', 'lion'),
  },
  {
    need: 'adam',
    paths: ['optimizer.epsilon'],
    isMet: isOneOf('optimizer.kind', 'adamw', 'adamw-8bit'),
  },
  {
    need: 'patience',
    paths: ['evaluation.minImprovementNats'],
    isMet: (values) => isSet('evaluation.patience', values),
  },
  {
    need: 'no-shares',
    paths: ['evaluation.everySteps'],
    isMet: (values) => !isSet('evaluation.atShares', values),
  },
  {
    need: 'first-stage',
    paths: ['before.epochs', 'before.learningRate'],
    isMet: (values) => isSet('before.path', values),
  },
  {
    need: 'one-half',
    paths: ['batch.packing'],
    isMet: (values) => values['model.way'] !== 'rewrites',
  },
]

/** The settings that change nothing beside these values, and what each would need. */
export function idleSettings(values: SettingValues): ReadonlyMap<string, SettingNeed> {
  return new Map(
    rules.flatMap(({ need, paths, isMet }) =>
      isMet(values) ? [] : paths.map((path): [string, SettingNeed] => [path, need]),
    ),
  )
}

/** A new last layer names one of few labels: only rows that have them can teach it. */
export const methodKindsFor = (scenario: ScenarioId): readonly MethodKind[] =>
  scenario === 'classification' || scenario === 'entity-recognition'
    ? methodKinds
    : methodKinds.filter((kind) => !methodParts[kind].head)
