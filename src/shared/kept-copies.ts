// Copies of what resting layers give: which runs keep them, and what that means for computing a run once more.
import type { determinismLabels } from './journal-types.ts'
import { trainsBlocks } from './method-parts.ts'
import type { Recipe } from './recipe.ts'

/** Whether what the resting layers below give is computed once and kept. */
export const keepsCopies = ({
  method,
  reuseFrozenLayers,
}: Pick<Recipe, 'method' | 'reuseFrozenLayers'>): boolean =>
  reuseFrozenLayers && (!trainsBlocks(method.kind) || method.topLayers !== null)

/**
 * What a promise of the same bits hangs on then: a kept copy was computed beside other rows, so its last digit may be of
 * another run. Said on the page and in the terminal alike.
 */
export const whileCopies = 'while the copies kept of the lower layers are the same'

const sameBits = 'bit-exact on this machine' satisfies (typeof determinismLabels)[number]
export const sameBitsWhileCopies = `${sameBits}, ${whileCopies}` as const

/** What the backend promises of such a recipe, and what that hangs on. */
export const promiseFor = (
  recipe: Pick<Recipe, 'method' | 'reuseFrozenLayers'>,
  determinism: string | null,
): string | null => (determinism === sameBits && keepsCopies(recipe) ? sameBitsWhileCopies : determinism)
