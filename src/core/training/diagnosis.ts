// What a run's curve says about how it goes. Pure: points in, findings out, the strongest first. The words are in
// diagnosis-sentences.ts; how often each rule is right on recorded runs stands in docs/training.md.
//
// Where the rules come from:
// * Memorising: Prechelt, "Early stopping - but when?" (1998): generalisation loss GL (how far the loss on validation rows
//   lies above its lowest), strips of measurements that got worse (UP), set against what training still gains (PQ).
// * Converged, still learning: the same paper's training progress; Smith, "A disciplined approach to neural network
//   hyper-parameters" (arXiv 1803.09820): a loss that falls fast and then lies flat is what one wants, one that goes on
//   falling evenly is underfitting, for which a small learning rate is one reason.
// * Rate too high, unstable: Godbole et al., "Deep Learning Tuning Playbook" (2023), FAQ on optimisation failures: training
//   loss that goes up for a while instead of down, outliers of the gradient's norm; spikes that come in spite of clipping:
//   Chowdhery et al., "PaLM" (arXiv 2204.02311), on training instability.
// * That a gradient which died away far above a low loss means too high a rate, and one that has not changed beside a loss
//   that has hardly moved means too low a one, was found on our own recorded runs.
import type { Diagnosis } from '#shared/contract/index.ts'
import { sentenceOf } from './diagnosis-sentences.ts'
import type { DiagnosedPlan, Finding } from './finding.ts'
import { deviationOf, median, noiseOf, theilSen } from './robust.ts'

export interface DiagnosedCurve {
  /** In order of step; may be thinned. */
  readonly train: readonly TrainLoss[]
  readonly validation: readonly ValidationLoss[]
}
interface ValidationLoss {
  readonly step: number
  readonly lossNats: number
  readonly labelledTokens: number
}
interface TrainLoss {
  readonly step: number
  readonly lossNats: number
  readonly gradNorm: number
  readonly learningRate: number
}

/** How a run ended; null while it goes on. */
export type DiagnosedEnd = 'completed' | 'stopped-early' | 'diverged' | 'other' | null

type Main = Exclude<Finding['kind'], 'unstable' | 'stopped-early' | 'diverged'>

/** More points would change little but the time it takes. */
const mostTrainPoints = 1000
const mostMeasurements = 60

/** Takes at most about a tenth of a second, however long the run. */
export function diagnose(whole: DiagnosedCurve, plan: DiagnosedPlan, end: DiagnosedEnd): Diagnosis[] {
  const best = bestOf(whole.validation)
  const curve: DiagnosedCurve = {
    train: thinned(whole.train, mostTrainPoints, () => false),
    validation: thinned(whole.validation, mostMeasurements, (point) => point === best),
  }
  const lastStep = curve.train.at(-1)?.step ?? 0
  const main = mainFinding(curve, plan, end)
  const isRateTooHigh = main.kind === 'rate-too-high'
  const restless = unrest(curve, plan, main)
  const findings: Finding[] = [
    ...(end === 'diverged' ? [{ kind: 'diverged' as const, step: lastStep }] : []),
    main,
    ...(restless !== null && !isRateTooHigh && main.kind !== 'too-early' ? [restless] : []),
    ...(end === 'stopped-early'
      ? [{ kind: 'stopped-early' as const, step: lastStep, best: bestOf(curve.validation)?.step ?? 0 }]
      : []),
  ]
  const isOver = end !== null
  return findings
    .filter(({ kind }) => !(isOver && kind === 'too-early' && findings.length > 1))
    .map((finding) => ({ kind: finding.kind, step: finding.step, ...sentenceOf(finding, { plan, isOver }) }))
    .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
}

/** Every so many points, the last one, and those that must stay. */
function thinned<P>(points: readonly P[], most: number, mustStay: (point: P) => boolean): readonly P[] {
  const every = Math.ceil(points.length / most)
  return points.filter((point, i) => i % every === 0 || i === points.length - 1 || mustStay(point))
}

const order: readonly Diagnosis['severity'][] = ['warning', 'note', 'good']

// ---- one finding at a time, and no flipping ------------------------------------------------------------------------

/** A run that stopped by itself had nothing more to gain, whatever its last strip looks like. */
function mainFinding(curve: DiagnosedCurve, plan: DiagnosedPlan, end: DiagnosedEnd): Finding<Main> {
  const main = settled(curve, plan, end !== null)
  if (end !== 'stopped-early' || main.kind !== 'still-learning') return main
  const [first, best] = [curve.validation[0], bestOf(curve.validation)]
  if (first === undefined || best === null) return main
  return {
    ...main,
    kind: 'converged',
    step: best.step,
    from: first.lossNats,
    to: best.lossNats,
    chance: chanceAbove(best.lossNats, curve.validation, plan),
  }
}

/**
 * Loss in nats a token of somebody who knows what an answer looks like and guesses among the labels, where `lossNats` lies
 * above it: log(labels), spread over the tokens of an answer.
 */
function chanceAbove(
  lossNats: number,
  [first]: readonly ValidationLoss[],
  { labels, validationRows }: DiagnosedPlan,
): number | null {
  if (labels === null || first === undefined) return null
  const chance = (Math.log(labels) * validationRows) / first.labelledTokens
  return lossNats > chance ? chance : null
}

/** Moments at which a run is looked at, as shares of its plan; each measurement is one more. */
const looksOfRun = 20

/**
 * The finding that stands. Another one takes its place when it was seen at several looks in a row: so a single odd
 * measurement changes nothing, and no warning is given on one look. Computed from the first step on, so that a run of the
 * past and one that is followed say the same. At the end the last look counts twice: no other one follows.
 */
function settled(curve: DiagnosedCurve, plan: DiagnosedPlan, isOver: boolean): Finding<Main> {
  let shown: Finding<Main> = { kind: 'too-early', step: 0 }
  let other: Finding<Main> = shown
  let agreed = 0
  const moments = momentsOf(curve, plan)
  // Training rows alone swing too much for one look.
  const isMeasured = curve.validation.length > 0
  for (const step of isOver ? [...moments, moments.at(-1) ?? 0] : moments) {
    const seen = look(curve, plan, step, shown.kind)
    if (seen === null) continue
    if (seen.kind === shown.kind) {
      // "Since" stays where it was while a finding stays; the best step, which memorising names, may move.
      shown = seen.kind === 'memorising' ? seen : { ...seen, step: shown.step }
      agreed = 0
      continue
    }
    agreed = seen.kind === other.kind ? agreed + 1 : 1
    other = seen
    if (agreed >= looksToTurn(shown.kind, seen.kind, isMeasured && step >= lateShare * plan.totalSteps))
      shown = seen
    else shown = afterFlatLook(shown, seen)
  }
  return shown
}

/** What one look sees flat is no longer said to be falling, though it takes a second one to be said to be done. */
function afterFlatLook(shown: Finding<Main>, seen: Finding<Main>): Finding<Main> {
  if (shown.kind !== 'still-learning' || seen.kind !== 'converged') return shown
  return { ...shown, to: seen.to, isFalling: false }
}

const warnings: readonly Main[] = ['memorising', 'rate-too-low', 'rate-too-high']

/** From here on few looks follow: waiting for a second one would praise a flat curve until the very end. */
const lateShare = 0.9

/** That it still learns is said at once; a warning comes sooner than it goes. */
function looksToTurn(from: Main, to: Main, isLate: boolean): number {
  if (warnings.includes(to)) return 2
  if (from === 'too-early') return to === 'converged' ? 2 : 1
  if (from === 'still-learning') return isLate && to === 'converged' ? 1 : 2
  return 4
}

function momentsOf({ train, validation }: DiagnosedCurve, { totalSteps }: DiagnosedPlan): number[] {
  const every = Math.max(4, Math.round(totalSteps / looksOfRun))
  const lastStep = train.at(-1)?.step ?? 0
  const steps = new Set(validation.map(({ step }) => step).filter((step) => step > 0))
  for (let step = every; step <= lastStep; step += every) steps.add(step)
  return [...steps].sort((a, b) => a - b)
}

// ---- one look ------------------------------------------------------------------------------------------------------

interface View {
  readonly step: number
  readonly train: readonly TrainLoss[]
  readonly validation: readonly ValidationLoss[]
  /** Steps at the full learning rate that would move the weights as far: the sum of the rates over the highest one. */
  readonly effective: (step: number) => number
  readonly effectiveTotal: number
  /** Training loss and gradient norm of the first steps and of the last ones. */
  readonly first: Level
  readonly recent: Level
  /** What the training loss differs from step to step, because every step has other rows. */
  readonly noise: number
}
interface Level {
  readonly loss: number
  readonly gradNorm: number
  /** How far chance may have moved `loss`. */
  readonly error: number
}

/** Steps that have to be seen first: the rate rises from 0, and the moments of AdamW fill. */
const leastSteps = 8
/** Measurements that a statement about rows not seen needs: the base model and two more. */
const leastMeasurements = 3
const leastShareOfPlan = 0.1

/** null where this look says nothing: what was said before it stands. */
function look(curve: DiagnosedCurve, plan: DiagnosedPlan, step: number, shown: Main): Finding<Main> | null {
  const view = viewAt(curve, plan, step)
  if (view === null) return { kind: 'too-early', step: 0 }
  const finding = rateTooHigh(view) ?? memorising(view) ?? rateTooLow(view)
  if (finding !== null) return finding
  return isWorseNow(view) ? null : (converged(view, plan, shown === 'converged') ?? stillLearning(view))
}

function viewAt(curve: DiagnosedCurve, plan: DiagnosedPlan, step: number): View | null {
  const train = curve.train.filter((point) => point.step <= step)
  const validation = curve.validation.filter((point) => point.step <= step)
  const hasValidation = curve.validation.length > 0
  const { totalSteps, recipe } = plan
  const { learningRate } = recipe.optimizer
  const effective = effectiveSteps(train, learningRate)
  const { kind, warmupShare } = recipe.schedule
  const effectiveTotal = totalSteps * (warmupShare / 2 + (1 - warmupShare) * (kind === 'constant' ? 1 : 0.5))
  if (train.length < leastSteps || effective(step) < leastShareOfPlan * effectiveTotal) return null
  if (hasValidation && validation.length < leastMeasurements) return null
  const noise = noiseOf(train.map(({ lossNats }) => lossNats))
  const firstCount = Math.max(
    3,
    train.findIndex((point) => effective(point.step) > 0.02 * effectiveTotal),
  )
  const recentCount = Math.max(6, Math.round(0.1 * train.length))
  return {
    step,
    train,
    validation,
    effective,
    effectiveTotal,
    first: levelOf(train.slice(0, firstCount), noise),
    recent: levelOf(train.slice(-recentCount), noise),
    noise,
  }
}

function levelOf(points: readonly TrainLoss[], noise: number): Level {
  return {
    loss: median(points.map(({ lossNats }) => lossNats)),
    gradNorm: median(points.map(({ gradNorm }) => gradNorm)),
    // A median's chance error is 1.25 times that of a mean.
    error: (1.25 * noise) / Math.sqrt(Math.max(1, points.length)),
  }
}

/** Trapezoids over the steps that are there, so that a thinned curve gives the same. */
function effectiveSteps(train: readonly TrainLoss[], learningRate: number): (step: number) => number {
  const steps: number[] = []
  const sums: number[] = []
  let sum = 0
  let before: TrainLoss | null = null
  for (const point of train) {
    const rate = before === null ? point.learningRate : (point.learningRate + before.learningRate) / 2
    sum += ((point.step - (before?.step ?? 0)) * rate) / learningRate
    steps.push(point.step)
    sums.push(sum)
    before = point
  }
  return (step) => sums[steps.findLastIndex((known) => known <= step)] ?? 0
}

const bestOf = (validation: readonly ValidationLoss[]) =>
  validation.reduce<ValidationLoss | null>(
    (best, point) => (best === null || point.lossNats < best.lossNats ? point : best),
    null,
  )

// ---- the rules -----------------------------------------------------------------------------------------------------

/** A training loss has to lie so many chance errors away to count as another one. */
const surely = 4

function rateTooHigh(view: View): Finding<'rate-too-high'> | null {
  const { first, recent, train, step } = view
  const worse = recent.loss - first.loss
  if (worse > Math.max(surely * (first.error + recent.error), 0.05 * first.loss))
    return {
      kind: 'rate-too-high',
      step: train[0]!.step,
      how: 'worse',
      from: first.loss,
      to: recent.loss,
      loss: recent.loss,
    }
  const start = view.validation[0]
  const thrown = view.validation.slice(1).find((point) => point.lossNats > thrownOff * start!.lossNats)
  if (start !== undefined && thrown !== undefined)
    return {
      kind: 'rate-too-high',
      step: thrown.step,
      how: 'thrown',
      from: start.lossNats,
      to: thrown.lossNats,
      loss: recent.loss,
    }
  const lowest = lowestLevel(view)
  const risen = recent.loss - lowest.level.loss
  const gained = first.loss - lowest.level.loss
  if (risen > Math.max(surely * (lowest.level.error + recent.error), 0.15 * gained, 0.1 * lowest.level.loss))
    return {
      kind: 'rate-too-high',
      step: lowest.step,
      how: 'rose',
      from: lowest.level.loss,
      to: recent.loss,
      loss: recent.loss,
    }
  const isDead = recent.gradNorm < deadGradient * first.gradNorm && recent.loss > 0.5 * first.loss
  const isFlat = levelBefore(view).loss - recent.loss < Math.max(3 * recent.error, 0.05 * recent.loss)
  if (!isDead || !isFlat) return null
  return {
    kind: 'rate-too-high',
    step,
    how: 'dead',
    from: first.gradNorm,
    to: recent.gradNorm,
    loss: recent.loss,
  }
}
/** Times the loss of the model as it was: its steps have destroyed what it knew, even if it learns some of it again. */
const thrownOff = 1.5
/** Share of its first norm below which a gradient no longer teaches much. */
const deadGradient = 0.2

/** The lowest level of the training loss before the recent steps, and where it was. */
function lowestLevel({ train, noise, first }: View): { level: Level; step: number } {
  const count = Math.max(6, Math.round(0.1 * train.length))
  let lowest = { level: first, step: train[0]!.step }
  for (let end = train.length - count; end >= count; end -= Math.ceil(count / 2)) {
    const level = levelOf(train.slice(end - count, end), noise)
    if (level.loss < lowest.level.loss) lowest = { level, step: train[end - 1]!.step }
  }
  return lowest
}

/** The level of as many steps as the recent ones, just before them. */
function levelBefore({ train, noise }: View): Level {
  const count = Math.max(6, Math.round(0.1 * train.length))
  return levelOf(train.slice(-2 * count, -count), noise)
}

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

/** The training loss about a step. */
function levelNear({ train, noise, first }: View, step: number): Level {
  if (step === 0) return first
  const count = Math.max(6, Math.round(0.1 * train.length))
  const at = train.findLastIndex((point) => point.step <= step) + 1
  return levelOf(train.slice(Math.max(0, at - count), at), noise)
}

function rateTooLow(view: View): Finding<'rate-too-low'> | null {
  const { first, recent, effective, effectiveTotal, step, validation } = view
  const done = effective(step) / effectiveTotal
  if (done < 0.25 || first.loss < knownLoss) return null
  const trainGain = (first.loss - recent.loss - 2 * (first.error + recent.error)) / first.loss
  const gains = [trainGain, ...(validation.length > 0 ? [validationGain(validation)] : [])]
  if (gains.some((gain) => gain / done > smallGain)) return null
  if (recent.gradNorm < 0.6 * first.gradNorm || !isEven(view) || isWorseNow(view)) return null
  const [from, to] =
    validation.length > 0 ? [validation[0]!.lossNats, validation.at(-1)!.lossNats] : [first.loss, recent.loss]
  return { kind: 'rate-too-low', step, from, to }
}
/** Below this the model could do the task before, and there is little to gain. */
const knownLoss = 0.3
/** Share of the first loss that a run gains at its end, if it goes on as now. */
const smallGain = 0.25

const validationGain = (validation: readonly ValidationLoss[]): number =>
  1 - validation.at(-1)!.lossNats / validation[0]!.lossNats

/** Whether the loss falls as fast in the second half of the way as in the first, or has not moved at all. */
function isEven(view: View): boolean {
  const { effective, step } = view
  const points = courseOf(view)
  const half = effective(step) / 2
  const slopes = [points.filter(([x]) => x <= half), points.filter(([x]) => x >= half)].map(theilSen)
  const [early = 0, late = 0] = slopes
  return early >= 0 ? true : late / early > 0.5
}

/** Loss by effective steps: of the rows not seen where they are measured often enough, else of the training rows. */
function courseOf({ validation, train, effective, recent }: View): (readonly [number, number])[] {
  if (validation.length >= leastMeasurements)
    return validation.map(({ step, lossNats }) => [effective(step), lossNats] as const)
  const size = Math.max(3, Math.round(train.length / 20))
  const blocks: (readonly [number, number])[] = []
  for (let i = 0; i + size <= train.length; i += size) {
    const block = train.slice(i, i + size)
    blocks.push([effective(block[size >> 1]!.step), median(block.map(({ lossNats }) => lossNats))])
  }
  return blocks.length > 0 ? blocks : [[0, recent.loss]]
}

function converged(view: View, plan: DiagnosedPlan, isShown: boolean): Finding<'converged'> | null {
  const { effective, effectiveTotal, step, validation } = view
  const course = courseOf(view)
  const now = effective(step)
  const isLate = ([x]: readonly [number, number]) => x >= now - strip * effectiveTotal
  const late = course.filter(isLate).length >= 3 ? course.filter(isLate) : course.slice(-3)
  const level = median(late.slice(-2).map(([, loss]) => loss))
  const toCome = -theilSen(late) * strip * effectiveTotal
  const gained = course[0]![1] - level
  const little = (isShown ? 2 : 1) * Math.max(0.03 * level, 0.04 * gained)
  if (course.length < 4 || now < leastForFlat * effectiveTotal || toCome > little) return null
  return {
    kind: 'converged',
    step,
    from: course[0]![1],
    to: level,
    isSeen: validation.length === 0,
    chance: chanceAbove(level, validation, plan),
  }
}
/** Share of the run, in effective steps, over which a loss has to lie flat. */
const strip = 0.2
/** A loss that lies flat sooner may still be on a first shelf. */
const leastForFlat = 0.35

function stillLearning(view: View): Finding<'still-learning'> {
  const { validation, first, recent, step } = view
  const [from, to] =
    validation.length > 0 ? [validation[0]!.lossNats, validation.at(-1)!.lossNats] : [first.loss, recent.loss]
  const before = validation.length > 0 ? validation.at(-3)!.lossNats : levelBefore(view).loss
  const isFalling = before - to > stillFalling * before
  return { kind: 'still-learning', step, from, to, isSeen: validation.length === 0, isFalling }
}
/** Share of its loss that a run must have lost over its last three measurements to be said to be still falling. */
const stillFalling = 0.01

/**
 * Steps at which loss and gradient norm leap up together, or a stretch in which the training loss lies well above what it
 * had reached. Each is judged by what was there before it, so what was said once is not taken back.
 */
function unrest(
  { train, validation }: DiagnosedCurve,
  { totalSteps }: DiagnosedPlan,
  main: Finding<Main>,
): Finding<'unstable'> | null {
  const spikes = spikesOf(train)
  // Of rows not seen the loss also rises where a model memorises: then that is said.
  const rises = [
    ...risesOf(train, totalSteps),
    ...(main.kind === 'memorising' ? [] : validation.filter((_, i) => isRise(validation, i))),
  ].sort((a, b) => a.step - b.step)
  const isSpiky = spikes.length >= leastSpikes
  const [first] = isSpiky ? spikes.slice(leastSpikes - 1) : rises
  if (first === undefined) return null
  const highest = Math.max(...[...spikes, ...rises].map(({ lossNats }) => lossNats))
  return { kind: 'unstable', step: first.step, isSpiky, spikes: spikes.length, highest }
}
const leastSpikes = 2

/** Steps before one that it is compared with, and those that tell how far steps usually lie from each other. */
const spikeWindow = 15
const usualWindow = 60

function spikesOf(train: readonly TrainLoss[]): TrainLoss[] {
  /** How far each step lies above the ones before it, in usual distances. */
  const leaps = (read: (point: TrainLoss) => number): number[] => {
    const values = train.map(read)
    const away = values.map((value, i) => value - median(values.slice(Math.max(0, i - spikeWindow), i)))
    return away.map((distance, i) => {
      const before = away.slice(Math.max(1, i - usualWindow), i).map(Math.abs)
      const usual = deviationOf(before)
      return before.length < spikeWindow || usual === 0 ? 0 : distance / usual
    })
  }
  const losses = leaps(({ lossNats }) => lossNats)
  const norms = leaps(({ gradNorm }) => Math.log(Math.max(gradNorm, 1e-12)))
  const isSpike = (i: number): boolean => losses[i]! > 5 && norms[i]! > 3
  // One spike may last for a few steps.
  return train.filter((_, i) => isSpike(i) && ![i - 1, i - 2, i - 3].some((j) => j >= 0 && isSpike(j)))
}

/** The second measurement in a row that lies a tenth above the lowest before both. */
function isRise(validation: readonly ValidationLoss[], i: number): boolean {
  const lowest = bestOf(validation.slice(0, Math.max(0, i - 1)))
  return lowest !== null && [i - 1, i].every((j) => validation[j]!.lossNats > 1.1 * lowest.lossNats)
}

/** Stretches of a tenth of the plan whose loss is a tenth, and more than chance, above the lowest one before. */
function risesOf(train: readonly TrainLoss[], totalSteps: number): { step: number; lossNats: number }[] {
  const length = Math.max(8, Math.round(totalSteps / 10))
  const found: { step: number; lossNats: number }[] = []
  let lowest = Number.POSITIVE_INFINITY
  let start = 0
  for (let end = 1; end <= train.length; end += 1) {
    if (train[end - 1]!.step < train[start]!.step + length - 1) continue
    const noise = noiseOf(train.slice(0, end).map(({ lossNats }) => lossNats))
    const { loss, error } = levelOf(train.slice(start, end), noise)
    if (loss > lowest + Math.max(surely * Math.SQRT2 * error, 0.1 * lowest))
      found.push({ step: train[start]!.step, lossNats: loss })
    lowest = Math.min(lowest, loss)
    start = end
  }
  return found
}
