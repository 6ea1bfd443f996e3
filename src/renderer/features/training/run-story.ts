// What the screen of a run says first: its heading, the line below it, and the chart. Pure.
import type { TrainingView } from '#shared/contract/index.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import { keepsCopies } from '#shared/kept-copies.ts'
import { formatLoss } from '#shared/loss-words.ts'
import type { ChartView } from '../../components/line-chart-view.ts'
import { nameForeign } from '../../foreign-text.ts'
import { formatAbout, formatShortTime } from '../../format.ts'
import { t } from '../../words/index.ts'
import { borderOf, hasBegun, isBetweenParts, isOfExamples, isOfTexts, partOf } from './run-parts.ts'

/** What a person asked for while the trainer still ends its step. */
export function askedOf({ phase }: TrainingView['state']): 'pausing' | 'stopping' | null {
  return phase === 'pausing' || phase === 'stopping' ? phase : null
}

/** The strongest finding comes first (core/training/diagnosis.ts). A run that stands or broke off says that first. */
export function headingOf(view: TrainingView): string {
  const { state } = view
  const { status, totalSteps, diagnoses } = state
  if (view.waiting !== null) return t('training.waiting.heading')
  if (view.goesOnWith !== null) return t('training.heading.withSearch')
  const asked = askedOf(state)
  if (asked !== null) return t(`training.asked.${asked}.heading`)
  if (status === 'running' && totalSteps === 0) return t('training.starting')
  if (status === 'cancelled' && isWithoutVersion(view)) return t('training.heading.cancelledInTexts')
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
  if (view.waiting !== null) return waitingLine(view.waiting, step, totalSteps)
  return [
    ...(asked === null ? [] : [askedLine(asked, view)]),
    ...(partLine(view) === '' ? [] : [partLine(view)]),
    ...doing(view),
    totalSteps === 0 ? unplanned(state.status) : t('training.line', { step, total: totalSteps }),
    ...(timeLeftMs === null
      ? []
      : [t(mayStop ? 'training.atMostLeft' : 'common.timeLeft', { time: formatAbout(timeLeftMs) })]),
    ...(tokensPerSecond === null ? [] : [t('training.speed', { tokens: Math.round(tokensPerSecond) })]),
  ].join(' · ')
}

/** Why it waits, which names another run, and how far it has come. */
const waitingLine = (reason: string, step: number, total: number): string =>
  [nameForeign(reason, 500), ...(total === 0 ? [] : [t('training.line', { step, total })])].join(' · ')

const isLive = ({ state }: TrainingView): boolean => activeStatuses.includes(state.status)

/** Among the texts nothing is measured, so there is no version that could be kept. */
export const isWithoutVersion = (view: TrainingView): boolean => partOf(view) === 'texts'

/** Texts are not measured: the second part has begun, and has nothing to keep before its measurement is done. */
const opensExamples = (view: TrainingView): boolean =>
  isWithoutVersion(view) && (view.state.phase === 'evaluating' || isBetweenParts(view))

function askedLine(asked: 'pausing' | 'stopping', view: TrainingView): string {
  const isLost = asked === 'stopping' && isWithoutVersion(view)
  return t(isLost ? 'training.asked.stopping.lineInTexts' : `training.asked.${asked}.line`)
}

/** In which of two parts a run is, or what it means that it ended in the first; empty where it says nothing. */
export function partLine(view: TrainingView): string {
  const part = partOf(view)
  if (part === null) return ''
  if (isLive(view)) return t(`training.part.${opensExamples(view) ? 'examples' : part}`)
  if (part === 'examples' || view.train.length === 0) return ''
  const ended = isBetweenParts(view) ? 'endedBetween' : 'ended'
  return t(view.canContinue ? `training.part.${ended}AndGoesOn` : `training.part.${ended}`)
}

/** What takes its time before the first step. */
function doing(view: TrainingView): string[] {
  const { state, run } = view
  if (state.phase === 'quantising') return [t('training.quantising')]
  if (state.status !== 'running' || state.totalSteps === 0) return []
  // Between two parts, and where a run goes on.
  if (state.phase === 'loading' || state.phase === 'preparing')
    return [t(isBetweenParts(view) ? 'training.preparingExamples' : 'training.loadingModel')]
  if (hasBegun(view) && !opensExamples(view)) return []
  if (state.phase === 'evaluating') return [t('training.measuringFirst')]
  if (state.phase !== 'training') return []
  return [t(keepsCopies(run.recipe) ? 'training.copyingLayers' : 'training.firstStep')]
}

/** Of a run that has no plan yet, or never had one. */
const unplanned = (status: TrainingView['state']['status']): string =>
  t(status === 'queued' || status === 'running' ? 'training.loadingModel' : 'training.nothing')

export function chartOf(view: TrainingView): ChartView {
  const { state, train, validation } = view
  const border = borderOf(view)
  const part = partOf(view)
  const point = ({ step, lossNats }: { step: number; lossNats: number }) => [step, lossNats] as const
  const { bestStep, totalSteps, diagnoses } = state
  const lastStep = train.at(-1)?.step ?? 0
  const isPastBest = diagnoses.some(({ kind }) => kind === 'memorising')
  return {
    // Losses of texts and of examples cannot be compared: they are two lines.
    lines: [
      ...(part === null
        ? []
        : [{ name: t('training.textsLine'), points: train.filter(isOfTexts).map(point), isMain: false }]),
      ...(part === 'texts'
        ? []
        : [
            { name: t('training.trainLine'), points: train.filter(isOfExamples).map(point), isMain: false },
            { name: t('training.validationLine'), points: validation.map(point), isMain: true },
          ]),
    ],
    mark:
      bestStep === null || validation.length < 2
        ? null
        : { x: bestStep, text: t('training.kept', { step: bestStep }) },
    band: isPastBest && bestStep !== null && bestStep < lastStep ? { from: bestStep, to: lastStep } : null,
    border: border === null ? null : { x: border, text: t('training.border') },
    xTitle: t('training.steps'),
    lastX: Math.max(totalSteps, lastStep),
  }
}

/** What the border in the chart means, in words; null without one. */
export function borderLine(view: TrainingView): string | null {
  const border = borderOf(view)
  if (border === null) return null
  return t(isWithoutVersion(view) ? 'training.borderToCome' : 'training.borderMeans', { step: border })
}

/** The lowest loss on rows not seen; null before one was measured after training began. */
export function bestOf({ validation }: TrainingView): string | null {
  if (validation.length < 2) return null
  const best = validation.reduce((lowest, point) => (point.lossNats < lowest.lossNats ? point : lowest))
  return t('training.best', { loss: formatLoss(best.lossNats), step: best.step })
}

/** Less than this beside the work is starting and ending. */
const idleMs = 60_000

/** How long a run at rest was at work, and over which time where that says something else; null before it began. */
export function tookOf({
  workedMs,
  spanMs,
}: Pick<TrainingView['state'], 'workedMs' | 'spanMs'>): string | null {
  if (workedMs === null || spanMs === null) return null
  const [work, span] = [formatShortTime(workedMs), formatShortTime(spanMs)]
  return spanMs - workedMs < idleMs || work === span ? work : t('training.tookOver', { work, span })
}
