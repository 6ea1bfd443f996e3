// What earlier runs and trials of a project say of a search that begins: those on the same rows with the same model that
// differ from its base in nothing but what is searched.
import { isDeepStrictEqual } from 'node:util'
import type { JournalReader } from '#journal/reader.ts'
import { everyRun } from '#shared/journal-commands.ts'
import type { Recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { Dimension, PriorTrial, SearchSpace, StudiedSettings, StudiedValue } from '#shared/study.ts'
import { settingsByPath } from '../training/setting-paths.ts'

/** What of a recipe decides its loss, seed and search apart. */
export type ComparedRecipe = Pick<
  Recipe,
  | 'scenario'
  | 'instruction'
  | 'method'
  | 'optimizer'
  | 'regularisation'
  | 'schedule'
  | 'batch'
  | 'duration'
  | 'evaluation'
> & { readonly before: Pick<NonNullable<Recipe['before']>, 'epochs' | 'learningRate'> | null }

export interface PriorQuestion {
  readonly projectId: string
  readonly modelId: string
  readonly data: string
  /** Texts of the first stage; null where there is none. */
  readonly before: string | null
  readonly base: ComparedRecipe
  readonly space: SearchSpace
}

const mostPriors = 1000

/** The newest first. Throws ProblemError where the journal cannot be read. */
export function findPriors(
  reader: Pick<JournalReader, 'listRuns' | 'getRun'>,
  { projectId, modelId, data, before, base, space }: PriorQuestion,
): PriorTrial[] {
  const query = { ...everyRun, projectId, modelId, datasetFingerprint: data, limit: mostPriors }
  const { runs } = unwrap(reader.listRuns({ ...query, statuses: ['finished'] }))
  const found = runs.flatMap(({ id, bestLossNats, beforeFingerprint }) => {
    if (bestLossNats === null || beforeFingerprint !== before) return []
    const { recipe, endReason } = unwrap(reader.getRun(id))
    if (endReason === 'pruned') return []
    const settings = searchedOf(recipe, base, space)
    return settings === null ? [] : [{ runId: id, settings, lossNats: bestLossNats }]
  })
  return onceEach(found)
}

/** A run that was repeated to the last bit says nothing new: of such the first one counts. */
function onceEach(found: readonly PriorTrial[]): PriorTrial[] {
  const known = new Map<string, PriorTrial>()
  for (const prior of found) known.set(JSON.stringify([prior.settings, prior.lossNats]), prior)
  return [...known.values()]
}

/** The run's place in the space; null where it differs in anything else, or lies outside. */
export function searchedOf(
  recipe: ComparedRecipe,
  base: ComparedRecipe,
  space: SearchSpace,
): StudiedSettings | null {
  const searched = new Set(space.map(({ path }) => path))
  const [own, wanted] = [recipe, base].map(comparedOf)
  for (const path of new Set([...own!.keys(), ...wanted!.keys()]))
    if (!searched.has(path) && !isDeepStrictEqual(own!.get(path), wanted!.get(path))) return null
  const settings: Record<string, StudiedValue> = {}
  for (const dimension of space) {
    const value = own!.get(dimension.path) as StudiedValue | undefined
    if (!isMet(dimension, settings, searched)) {
      if (!isDeepStrictEqual(value, wanted!.get(dimension.path))) return null
    } else if (value === undefined || !isInside(dimension, value)) return null
    else settings[dimension.path] = value
  }
  return settings
}

const isMet = (
  { onlyWhen }: Dimension,
  settings: Readonly<Record<string, StudiedValue>>,
  searched: ReadonlySet<string>,
): boolean =>
  onlyWhen === null ||
  !searched.has(onlyWhen.path) ||
  onlyWhen.values.includes(settings[onlyWhen.path] as StudiedValue)

function isInside(dimension: Dimension, value: StudiedValue): boolean {
  if (dimension.kind === 'choice') return dimension.values.includes(value)
  if (typeof value !== 'number' || value < dimension.low || value > dimension.high) return false
  return dimension.kind === 'number' || Number.isInteger(value)
}

/** Rows at a time change the memory only. Of the way of measuring only which rows it is about decides a loss. */
function comparedOf(recipe: ComparedRecipe): Map<string, unknown> {
  const { scenario, instruction, method, optimizer, regularisation, schedule, batch, duration } = recipe
  const { rowsAtOnce: _rowsAtOnce, ...ofBatch } = batch
  const { mostRows } = recipe.evaluation
  const before = recipe.before && {
    epochs: recipe.before.epochs,
    learningRate: recipe.before.learningRate,
  }
  return settingsByPath({
    ...{ scenario, instruction, method, optimizer, regularisation, schedule, duration, before },
    batch: ofBatch,
    evaluation: { mostRows },
  })
}
