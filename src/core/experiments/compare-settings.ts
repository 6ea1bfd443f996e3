// The settings of several runs side by side: every field of their recipes by path, and whether it differs. Pure.
import type { Recipe } from '#shared/recipe.ts'

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

export interface ComparedSetting {
  /** As in a recipe file: "method.rank". */
  readonly path: string
  /** One for each run, in their order; null where a run has no such field. */
  readonly values: Json[]
  readonly isDifferent: boolean
}

/** What a recipe's fields are compared without: they name bytes, not settings. */
const nameFields = ['version', 'model', 'data'] as const

export function compareSettings(recipes: readonly Recipe[]): ComparedSetting[] {
  const flat = recipes.map((recipe) => {
    const fields = new Map<string, Json>()
    for (const [key, value] of Object.entries(recipe))
      if (!nameFields.some((name) => name === key)) flatten(key, value as Json, fields)
    return fields
  })
  const paths = [...new Set(flat.flatMap((fields) => [...fields.keys()]))]
  return paths.map((path) => {
    const values = flat.map((fields) => fields.get(path) ?? null)
    const texts = values.map((value) => JSON.stringify(value))
    return { path, values, isDifferent: texts.some((text) => text !== texts[0]) }
  })
}

function flatten(path: string, value: Json, into: Map<string, Json>): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) into.set(path, value)
  else for (const [key, inner] of Object.entries(value)) flatten(`${path}.${key}`, inner, into)
}
