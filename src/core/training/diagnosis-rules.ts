// What one look at a run's curve finds. Pure; how often each rule is right on recorded runs stands in docs/training.md.
//
// Where the rules come from:
// * Memorising: Prechelt, "Early stopping - but when?" (1998): generalisation loss GL (how far the loss on validation rows
//   lies above its lowest), strips of measurements that got worse (UP), set against what training still gains (PQ).
// * Converged, still learning: the same paper's training progress; Smith, "A disciplined approach to neural network
//   hyper-parameters" (arXiv 1803.09820): a loss that falls fast and then lies flat is what one wants, one that goes on
//   falling evenly is underfitting, for which a small learning rate is one reason.
// * Rate too high: Godbole et al., "Deep Learning Tuning Playbook" (2023), FAQ on optimisation failures: training loss that
//   goes up for a while instead of down.
// * That a gradient which died away far above a low loss means too high a rate, and one that has not changed beside a loss
//   that has hardly moved means too low a one, was found on our own recorded runs.
import {
  bestOf,
  courseEnds,
  courseOf,
  type DiagnosedCurve,
  levelBefore,
  levelNear,
  lowestLevel,
  surely,
  type ValidationLoss,
  type View,
  viewAt,
} from './curve-view.ts'
import type { DiagnosedPlan, Finding, MainKind } from './finding.ts'
import { median, noiseOf, theilSen } from './robust.ts'

/** null where this look says nothing: what was said before it stands. */
export function look(
  curve: DiagnosedCurve,
  plan: DiagnosedPlan,
  step: number,
  shown: MainKind,
): Finding<MainKind> | null {
  const view = viewAt(curve, plan, step)
  if (view === null) return { kind: 'too-early', step: 0 }
  const finding = rateTooHigh(view) ?? memorising(view) ?? rateTooLow(view)
  if (finding !== null) return finding
  return isWorseNow(view) ? null : (converged(view, plan, shown === 'converged') ?? stillLearning(view))
}

type TooHigh = Finding<'rate-too-high'>

const rateTooHigh = (view: View): TooHigh | null =>
  gotWorse(view) ?? wasThrownOff(view) ?? roseAgain(view) ?? gradientDied(view)

const tooHigh = ({ recent }: View, found: Pick<TooHigh, 'how' | 'step' | 'from' | 'to'>): TooHigh => ({
  kind: 'rate-too-high',
  ...found,
  loss: recent.loss,
})

function gotWorse(view: View): TooHigh | null {
  const { first, recent, train } = view
  const isWorse =
    recent.loss - first.loss > Math.max(surely * (first.error + recent.error), 0.05 * first.loss)
  if (!isWorse) return null
  return tooHigh(view, { how: 'worse', step: train[0]!.step, from: first.loss, to: recent.loss })
}

function wasThrownOff(view: View): TooHigh | null {
  const [start, ...later] = view.validation
  const thrown = later.find(({ lossNats }) => lossNats > thrownOff * start!.lossNats)
  if (start === undefined || thrown === undefined) return null
  return tooHigh(view, { how: 'thrown', step: thrown.step, from: start.lossNats, to: thrown.lossNats })
}
/** Times the loss of the model as it was: its steps have destroyed what it knew, even if it learns some of it again. */
const thrownOff = 1.5

function roseAgain(view: View): TooHigh | null {
  const { first, recent } = view
  const { level, step } = lowestLevel(view)
  const gained = first.loss - level.loss
  const little = Math.max(surely * (level.error + recent.error), 0.15 * gained, 0.1 * level.loss)
  const hasRisen = recent.loss - level.loss > little
  if (!hasRisen) return null
  return tooHigh(view, { how: 'rose', step, from: level.loss, to: recent.loss })
}

function gradientDied(view: View): TooHigh | null {
  const { first, recent, step } = view
  const isDead = recent.gradNorm < deadGradient * first.gradNorm && recent.loss > 0.5 * first.loss
  const isFlat = levelBefore(view).loss - recent.loss < Math.max(3 * recent.error, 0.05 * recent.loss)
  if (!isDead || !isFlat) return null
  return tooHigh(view, { how: 'dead', step, from: first.gradNorm, to: recent.gradNorm })
}
/** Share of its first norm below which a gradient no longer teaches much. */
const deadGradient = 0.2

function memorising(view: View): Finding<'memorising'> | null {
  const { validation, recent } = view
  const best = bestOf(validation)
  if (best === null) return null
  const after = validation.filter(({ step }) => step > best.step)
  if (after.length < 2) return null
  const noise = noiseOf(validation.slice(-9).map(({ lossNats }) => lossNats))
  const last = median(after.slice(-2).map(({ lossNats }) => lossNats))
  const loss = last - best.lossNats
  if (loss < Math.max(2 * noise, generalisationLoss * best.lossNats)) return null
  const atBest = levelNear(view, best.step)
  if (recent.loss > atBest.loss + atBest.error + recent.error || recent.loss > last) return null
  return {
    kind: 'memorising',
    step: best.step,
    best: best.lossNats,
    now: validation.at(-1)!.lossNats,
    trainFrom: atBest.loss,
    trainTo: recent.loss,
  }
}
/** Prechelt's GL from which on a rise counts: 2 percent. */
const generalisationLoss = 0.02

/** The newest measurement is worse than the best one: no moment to call anything good. */
function isWorseNow({ validation }: View): boolean {
  const best = bestOf(validation)
  return best !== null && validation.at(-1)!.lossNats > (1 + generalisationLoss) * best.lossNats
}

function rateTooLow(view: View): Finding<'rate-too-low'> | null {
  const { first, recent, effective, effectiveTotal, step, validation } = view
  const done = effective(step) / effectiveTotal
  if (done < 0.25 || first.loss < knownLoss) return null
  const [from, to] = courseEnds(view)
  const trainGain = (first.loss - recent.loss - 2 * (first.error + recent.error)) / first.loss
  const gains = validation.length > 0 ? [trainGain, 1 - to / from] : [trainGain]
  if (gains.some((gain) => gain / done > smallGain) || recent.gradNorm < 0.6 * first.gradNorm) return null
  return isEven(view) && !isWorseNow(view) ? { kind: 'rate-too-low', step, from, to } : null
}
/** Below this the model could do the task before, and there is little to gain. */
const knownLoss = 0.3
/** Share of the first loss that a run gains at its end, if it goes on as now. */
const smallGain = 0.25

/** Whether the loss falls as fast in the second half of the way as in the first, or has not moved at all. */
function isEven(view: View): boolean {
  const half = view.effective(view.step) / 2
  const course = courseOf(view)
  const early = theilSen(course.filter(([x]) => x <= half))
  const late = theilSen(course.filter(([x]) => x >= half))
  return early >= 0 || late / early > 0.5
}

function converged(view: View, plan: DiagnosedPlan, isShown: boolean): Finding<'converged'> | null {
  const { effective, effectiveTotal, step, validation } = view
  const course = courseOf(view)
  const now = effective(step)
  if (course.length < 4 || now < leastForFlat * effectiveTotal) return null
  const ofStrip = course.filter(([x]) => x >= now - strip * effectiveTotal)
  const late = ofStrip.length >= 3 ? ofStrip : course.slice(-3)
  const level = median(late.slice(-2).map(([, loss]) => loss))
  const toCome = -theilSen(late) * strip * effectiveTotal
  const from = course[0]![1]
  const little = (isShown ? 2 : 1) * Math.max(0.03 * level, 0.04 * (from - level))
  if (toCome > little) return null
  const chance = chanceAbove(level, validation, plan)
  return { kind: 'converged', step, from, to: level, isSeen: validation.length === 0, chance }
}
/** Share of the run, in effective steps, over which a loss has to lie flat. */
const strip = 0.2
/** A loss that lies flat sooner may still be on a first shelf. */
const leastForFlat = 0.35

/**
 * Loss in nats a token of somebody who knows what an answer looks like and guesses among the labels, where `lossNats` lies
 * above it: log(labels), spread over the tokens of an answer.
 */
export function chanceAbove(
  lossNats: number,
  [first]: readonly ValidationLoss[],
  { labels, validationRows }: DiagnosedPlan,
): number | null {
  if (labels === null || first === undefined) return null
  const chance = (Math.log(labels) * validationRows) / first.labelledTokens
  return lossNats > chance ? chance : null
}

function stillLearning(view: View): Finding<'still-learning'> {
  const { validation, step } = view
  const [from, to] = courseEnds(view)
  const before = validation.length > 0 ? validation.at(-3)!.lossNats : levelBefore(view).loss
  const isFalling = before - to > stillFalling * before
  return { kind: 'still-learning', step, from, to, isSeen: validation.length === 0, isFalling }
}
/** Share of its loss that a run must have lost over its last three measurements to be said to be still falling. */
const stillFalling = 0.01
