// Whether what all rows of a batch begin with, an instruction, is computed once for them all instead of once for each:
// what the plan reckons with and the trainer does. Pure.
import type { ModelConfig } from '#engine/index.ts'
import type { Recipe } from '#shared/recipe.ts'

type SharingRecipe = Pick<Recipe, 'method' | 'regularisation' | 'batch'>

/**
 * Packed rows of a decoder without windows: in a window a row's own distance to the shared start would have to be known.
 * Noise on embeddings is drawn for each row, so no two starts would be alike.
 */
export function mayShareStart({ batch, regularisation }: SharingRecipe, config: ModelConfig): boolean {
  return (
    batch.packing &&
    config.kind === 'decoder' &&
    regularisation.neftuneAlpha === null &&
    config.blocks.every(({ window }) => window === null)
  )
}
