// What the screen of a run says first: its heading, the line below it, and the chart. Pure.
import type { TrainingView } from '#shared/contract/index.ts'
import type { ChartView } from '../../components/line-chart.ts'
import { formatAbout, formatNumber } from '../../format.ts'
import { t } from '../../words/index.ts'

/** What a person asked for while the trainer still ends its step. */
export function askedOf({ phase }: TrainingView['state']): 'pausing' | 'stopping' | null {
  return phase === 'pausing' || phase === 'stopping' ? phase : null
}

/** The strongest finding comes first (core/training/diagnosis.ts). A run that stands or broke off says that first. */
export function headingOf({ state }: TrainingView): string {
  const { status, totalSteps, diagnoses } = state
  const asked = askedOf(state)
  if (asked !== null) return t(`training.asked.${asked}.heading`)
  if (status === 'running' && totalSteps === 0) return t('training.starting')
  const [first] = diagnoses
  if (first === undefined || (status !== 'running' && status !== 'finished'))
    return t(`training.heading.${status}`)
  if (status === 'running' && first.kind === 'still-learning' && first.severity === 'note')
    return t('training.heading.running')
  const isStuck = first.kind === 'converged' && first.severity === 'warning'
  return t(`training.${status}.${isStuck ? 'stuck' : first.kind}`)
}

/** Step, time left and speed. A run that may stop by itself soon takes at most so long. */
export function lineOf(view: TrainingView): string {
  const { state, run, validation } = view
  const { step, totalSteps, timeLeftMs, tokensPerSecond, bestStep } = state
  const measured = validation.at(-1)?.step ?? 0
  const mayStop =
    run.recipe.evaluation.patience !== null && measured > 0 && bestStep !== null && bestStep < measured
  const asked = askedOf(state)
  return [
    ...(asked === null ? [] : [t(`training.asked.${asked}.line`)]),
    ...(state.phase === 'quantising' ? [t('training.quantising')] : []),
    totalSteps === 0 ? unplanned(state.status) : t('training.line', { step, total: totalSteps }),
    ...(timeLeftMs === null
      ? []
      : [t(mayStop ? 'training.atMostLeft' : 'common.timeLeft', { time: formatAbout(timeLeftMs) })]),
    ...(tokensPerSecond === null ? [] : [t('training.speed', { tokens: Math.round(tokensPerSecond) })]),
  ].join(' · ')
}

/** Of a run that has no plan yet, or never had one. */
const unplanned = (status: TrainingView['state']['status']): string =>
  t(status === 'queued' || status === 'running' ? 'training.loadingModel' : 'training.nothing')

export function chartOf({ state, train, validation }: TrainingView): ChartView {
  const point = ({ step, lossNats }: { step: number; lossNats: number }) => [step, lossNats] as const
  const { bestStep, totalSteps, diagnoses } = state
  const lastStep = train.at(-1)?.step ?? 0
  const isPastBest = diagnoses.some(({ kind }) => kind === 'memorising')
  return {
    lines: [
      { name: t('training.trainLine'), points: train.map(point), isMain: false },
      { name: t('training.validationLine'), points: validation.map(point), isMain: true },
    ],
    mark:
      bestStep === null || validation.length < 2
        ? null
        : { x: bestStep, text: t('training.kept', { step: bestStep }) },
    band: isPastBest && bestStep !== null && bestStep < lastStep ? { from: bestStep, to: lastStep } : null,
    xTitle: t('training.steps'),
    lastX: Math.max(totalSteps, lastStep),
  }
}

/** The lowest loss on rows not seen; null before one was measured after training began. */
export function bestOf({ validation }: TrainingView): string | null {
  if (validation.length < 2) return null
  const best = validation.reduce((lowest, point) => (point.lossNats < lowest.lossNats ? point : lowest))
  return t('training.best', { loss: formatNumber(best.lossNats), step: best.step })
}
