// The two parts of a run whose recipe reads texts of the field first: in which it is, and where one ends and the other
// begins. A step of the texts says so itself (docs/training.md, "Two stages"). Pure.
import type { TrainingView } from '#shared/contract/index.ts'

export type RunPart = 'texts' | 'examples'
type Seen = Pick<TrainingView, 'run' | 'train' | 'validation'>

/**
 * null where a run has one part only. The second begins with its first measurement, from which on there is a version that
 * can be kept, or with its first step where nothing is measured.
 */
export function partOf({ run, train, validation }: Seen): RunPart | null {
  if (run.recipe.before === null) return null
  return validation.length > 0 || train.some(isOfExamples) ? 'examples' : 'texts'
}

type Point = TrainingView['train'][number]
export const isOfTexts = ({ stage }: Point): boolean => stage === 1
export const isOfExamples = (point: Point): boolean => !isOfTexts(point)

/** The last step of the texts; null while it is not reached, and where there is one part only. */
export function borderOf(view: Seen): number | null {
  if (partOf(view) !== 'examples') return null
  const last = view.train.findLast(isOfTexts)?.step ?? null
  return view.validation[0]?.step ?? last
}

/** Whether the part that a run is in has a step of its own yet. */
export function hasBegun(view: Seen): boolean {
  const part = partOf(view)
  return view.train.some(part === 'examples' ? isOfExamples : () => true)
}
