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

export function compareSettings(recipes: readonly Recipe[]): ComparedSetting[] {
  // What names bytes is no setting.
  const all = recipes.map(({ version: _version, model: _model, data: _data, ...settings }) =>
    settingsByPath(settings),
  )
  const paths = [...new Set(all.flatMap((fields) => [...fields.keys()]))]
  return paths.map((path) => {
    const values = all.map((fields) => fields.get(path) ?? null)
    const texts = values.map((value) => JSON.stringify(value))
    return { path, values, isDifferent: texts.some((text) => text !== texts[0]) }
  })
}
