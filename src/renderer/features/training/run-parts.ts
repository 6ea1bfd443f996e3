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

/** The last step of the texts, planned or reached; null before their first step, and where there is one part only. */
export function borderOf(view: Seen): number | null {
  if (partOf(view) === 'examples') return view.validation[0]?.step ?? lastOfTexts(view)?.step ?? null
  return plannedBorder(view)
}

const lastOfTexts = ({ train }: Seen): Point | undefined => train.findLast(isOfTexts)

/** By the passes that are planned and what one of them takes, as the trainer counts (engine/train/plan.ts). */
function plannedBorder(view: Seen): number | null {
  const { before } = view.run.recipe
  const last = lastOfTexts(view)
  if (before === null || last === undefined || !(last.epoch > 0)) return null
  const stepsPerPass = Math.round(last.step / last.epoch)
  return Math.max(1, Math.ceil(before.epochs * stepsPerPass - 1e-9))
}

/** The texts are read, and the examples have no step and no measurement yet. */
export function isBetweenParts(view: Seen): boolean {
  const border = plannedBorder(view)
  return partOf(view) === 'texts' && border !== null && lastOfTexts(view)?.step === border
}

/** Whether the part that a run is in has a step of its own yet. */
export function hasBegun(view: Seen): boolean {
  const part = partOf(view)
  return view.train.some(part === 'examples' ? isOfExamples : () => true)
}
