// What a run's curve says about how it goes. Pure: points in, findings out, the strongest first. What one look sees is in
// diagnosis-rules.ts, the words in diagnosis-sentences.ts; here is which finding stands, so that none comes and goes.
import type { Diagnosis } from '#shared/contract/index.ts'
import { bestOf, type DiagnosedCurve } from './curve-view.ts'
import { chanceAbove, look } from './diagnosis-rules.ts'
import { sentenceOf } from './diagnosis-sentences.ts'
import type { DiagnosedPlan, Finding, MainKind } from './finding.ts'
import { unrest } from './unrest.ts'

/** How a run ended; null while it goes on. */
export type DiagnosedEnd = 'completed' | 'stopped-early' | 'diverged' | 'other' | null

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
  const restless = withoutUnrest.includes(main.kind) ? null : unrest(curve, plan, main.kind)
  const findings: Finding[] = [
    ...(end === 'diverged' ? [{ kind: 'diverged' as const, step: lastStep }] : []),
    main,
    ...(restless === null ? [] : [restless]),
    ...(end === 'stopped-early'
      ? [{ kind: 'stopped-early' as const, step: lastStep, best: bestOf(curve.validation)?.step ?? 0 }]
      : []),
  ]
  const isOver = end !== null
  return findings
    .filter(({ kind }) => !(isOver && kind === 'too-early' && findings.length > 1))
    .map((finding) => ({
      kind: finding.kind,
      step: plan.firstStep + finding.step,
      ...sentenceOf(finding, { plan, isOver, lowest: best }),
    }))
    .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
}

/** Every so many points, the last one, and those that must stay. */
function thinned<P>(points: readonly P[], most: number, mustStay: (point: P) => boolean): readonly P[] {
  const every = Math.ceil(points.length / most)
  return points.filter((point, i) => i % every === 0 || i === points.length - 1 || mustStay(point))
}

/** Of a run too young nothing is said, and too high a rate is itself why it is restless. */
const withoutUnrest: readonly MainKind[] = ['too-early', 'rate-too-high']

const order: readonly Diagnosis['severity'][] = ['warning', 'note', 'good']

// ---- one finding at a time, and no flipping ------------------------------------------------------------------------

/** A run that stopped by itself had nothing more to gain, whatever its last strip looks like. */
function mainFinding(curve: DiagnosedCurve, plan: DiagnosedPlan, end: DiagnosedEnd): Finding<MainKind> {
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

/** Moments at which a run is looked at, as shares of its plan; each measurement is one more. */
const looksOfRun = 20

/**
 * The finding that stands. Another one takes its place when it was seen at several looks in a row: so a single odd
 * measurement changes nothing, and no warning is given on one look. Computed from the first step on, so that a run of the
 * past and one that is followed say the same. At the end the last look counts twice: no other one follows.
 */
function settled(curve: DiagnosedCurve, plan: DiagnosedPlan, isOver: boolean): Finding<MainKind> {
  let shown: Finding<MainKind> = { kind: 'too-early', step: 0 }
  let other: Finding<MainKind> = shown
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
function afterFlatLook(shown: Finding<MainKind>, seen: Finding<MainKind>): Finding<MainKind> {
  if (shown.kind !== 'still-learning' || seen.kind !== 'converged') return shown
  return { ...shown, to: seen.to, isFalling: false }
}

const warnings: readonly MainKind[] = ['memorising', 'rate-too-low', 'rate-too-high']

/** From here on few looks follow: waiting for a second one would praise a flat curve until the very end. */
const lateShare = 0.9

/** That it still learns is said at once; a warning comes sooner than it goes. */
function looksToTurn(from: MainKind, to: MainKind, isLate: boolean): number {
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
