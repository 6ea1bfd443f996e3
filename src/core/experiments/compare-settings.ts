// The settings of several runs side by side: every field of their recipes by path, and whether it differs. Pure.
import type { Recipe } from '#shared/recipe.ts'
import { type Json, settingsByPath } from '../training/setting-paths.ts'

export interface ComparedSetting {
  /** As in a recipe file: "method.rank". */
  readonly path: string
  /** One for each run, in their order; null where a run has no such field. */
  readonly values: Json[]
  readonly isDifferent: boolean
}

/** `nameOf` gives the file that a data set came from. */
export function compareSettings(
  recipes: readonly Recipe[],
  nameOf: (fingerprint: string) => string,
): ComparedSetting[] {
  // What names bytes is no setting; of a first stage it is one whether there is any, and on what.
  const all = recipes.map(({ version: _version, model: _model, data: _data, before, ...settings }) =>
    settingsByPath({ ...settings, ...(before && { before: firstStage(before, settings, nameOf) }) }),
  )
  const paths = [...new Set(all.flatMap((fields) => [...fields.keys()]))]
  return paths.map((path) => {
    const values = all.map((fields) => fields.get(path) ?? null)
    const texts = values.map((value) => JSON.stringify(value))
    return { path, values, isDifferent: texts.some((text) => text !== texts[0]) }
  })
}

/** Of many runs most have the same: each value once, and for each run which of them it has. */
export function eachValueOnce({ path, values }: ComparedSetting): {
  path: string
  values: Json[]
  of: number[]
} {
  const texts = values.map((value) => JSON.stringify(value))
  const known = [...new Set(texts)]
  const places = new Map(known.map((text, at) => [text, at]))
  return {
    path,
    values: known.map((text) => JSON.parse(text) as Json),
    of: texts.map((text) => places.get(text) ?? 0),
  }
}

/** The rate as it is, also where it is the run's own. */
const firstStage = (
  { fingerprint, epochs, learningRate }: NonNullable<Recipe['before']>,
  { optimizer }: Pick<Recipe, 'optimizer'>,
  nameOf: (fingerprint: string) => string,
) => ({ path: nameOf(fingerprint), epochs, learningRate: learningRate ?? optimizer.learningRate })
