// Which settings of a recipe a search may change, how far, and why. Only what counts beside the rest of the recipe; never
// data, model, way of training, instruction or how losses are measured: losses of all trials must compare.
import type { StudyPlan } from '#shared/contract/studies.ts'
import { type RecipeField, recipeFields } from '#shared/recipe-fields.ts'
import { idleSettings } from '#shared/setting-sense.ts'
import type { StudiedValue } from '#shared/study.ts'
import { settingsByPath } from '../../training/setting-paths.ts'
import { type ProposeRequest, proposedRanges, type RangeProposal } from './proposed-ranges.ts'

type ProposedDimension = StudyPlan['dimensions'][number]

/** The most worthwhile first; included are those that the effort has trials for. */
export function proposeSpace(request: ProposeRequest): ProposedDimension[] {
  const values = Object.fromEntries(settingsByPath(request.recipe))
  const idle = idleSettings(values)
  return proposedRanges(request).flatMap((proposal) => {
    const { path } = proposal.range
    const field = recipeFields.find((one) => one.path === path)
    if (field === undefined || idle.has(path)) return []
    const dimension = dimensionOf(proposal, field, values[path])
    if (dimension === null) return []
    return [{ dimension, isIncluded: proposal.efforts.includes(request.effort), reason: proposal.reason }]
  })
}

/** The range within what the schema allows and with the recipe's own value in it; null where one value is left. */
function dimensionOf(
  { range, onlyWhen = null }: RangeProposal,
  field: RecipeField,
  own: unknown,
): ProposedDimension['dimension'] | null {
  if (range.kind === 'choice') {
    const values = withOwn(range.values, own as StudiedValue)
    return values.length < 2 ? null : { kind: 'choice', path: range.path, values, onlyWhen }
  }
  // No range by factors reaches 0.
  const isInReach = typeof own === 'number' && (own > 0 || !range.isLog)
  const low = Math.max(isInReach ? Math.min(range.low, own) : range.low, field.minimum ?? 0)
  const high = Math.min(isInReach ? Math.max(range.high, own) : range.high, field.maximum ?? range.high)
  return low < high ? { ...range, low, high, onlyWhen: null } : null
}

const withOwn = (values: readonly StudiedValue[], own: StudiedValue): StudiedValue[] =>
  values.includes(own) ? [...values] : [own, ...values]
