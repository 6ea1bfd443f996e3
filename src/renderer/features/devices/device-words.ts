// Devices and what was measured of them, in words. Pure but for the words.
import type { DeviceFigure, DeviceState, DevicesView } from '#shared/contract/devices.ts'
import type { DeviceId } from '#shared/devices.ts'
import { formatBytes, formatDay, formatNumber } from '../../format.ts'
import { t } from '../../words/index.ts'

/** "Processor with TensorFlow (float32)". */
export const namedDevice = (id: DeviceId): string =>
  t('devices.named', { name: t(`devices.names.${id}`), term: t(`devices.terms.${id}`) })

/** "a", "a and b", "a, b and c". */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  if (names.length < 2) return last
  return t('devices.listed', { most: names.slice(0, -1).join(', '), last })
}

/** Two digits are what a measurement can know. */
const rounded = (value: number): number => Number(value.toPrecision(2))

export function formatStep(stepMs: number): string {
  if (stepMs < 100) return t('common.amounts.milliseconds', { count: rounded(stepMs) })
  if (stepMs < 90_000) return t('common.amounts.seconds', { count: formatNumber(rounded(stepMs / 1000)) })
  return t('common.amounts.minutes', { count: formatNumber(rounded(stepMs / 60_000)) })
}

/** Of the same step only. */
const isComparable = (a: DeviceFigure, b: DeviceFigure): boolean =>
  a.modelId === b.modelId && a.rows === b.rows && a.tokensPerRow === b.tokensPerRow

/** Less than a twentieth is chance. */
const leastDifference = 1.05

/** Beside the processor's own figure; empty where there is nothing to compare with. */
function comparison(figure: DeviceFigure, processor: DeviceFigure | null): string[] {
  if (processor === null || processor === figure || !isComparable(figure, processor)) return []
  const times = processor.stepMs / figure.stepMs
  if (times >= leastDifference) return [t('devices.figure.faster', { times: rounded(times) })]
  if (1 / times >= leastDifference) return [t('devices.figure.slower', { times: rounded(1 / times) })]
  return [t('devices.figure.same')]
}

/** "A step of 1,024 tokens with SmolLM2 in 2.9 s, 1.5 times as fast as the processor alone, 2.1 GB of memory." */
export function figureSentence(figure: DeviceFigure, processor: DeviceFigure | null): string {
  const { modelName, stepMs, peakBytes, devicePeakBytes, stepWattHours, rows, tokensPerRow } = figure
  const parts = [
    t('devices.figure.step', {
      tokens: formatNumber(rows * tokensPerRow),
      model: modelName,
      time: formatStep(stepMs),
    }),
    ...comparison(figure, processor),
    t('devices.figure.memory', { size: formatBytes(peakBytes) }),
    ...(devicePeakBytes === null
      ? []
      : [t('devices.figure.cardMemory', { size: formatBytes(devicePeakBytes) })]),
    ...(stepWattHours === null
      ? []
      : [t('devices.figure.energy', { amount: String(rounded(stepWattHours)) })]),
  ]
  return `${parts.join(', ')}.`
}

/** What the engineer beside them wants to know. */
export function figureNote(figure: DeviceFigure): string {
  const { rows, tokensPerRow, gflops, difference, backend, measuredAtMs } = figure
  return [
    t('devices.note.measured', { day: formatDay(measuredAtMs) }),
    t('devices.note.step', { rows, tokens: tokensPerRow }),
    t('devices.note.rate', { count: rounded(gflops) }),
    ...(difference > 0
      ? [t('devices.note.difference', { percent: String(Number((100 * difference).toPrecision(1))) })]
      : []),
    backend,
  ].join(' · ')
}

export type DeviceStanding = 'used' | 'ready' | 'unready' | 'away' | 'wrong'

/** `pinned`: chosen by hand, which it stays while it is away. */
export function standingOf(
  { id, isAvailable, failure }: DeviceState,
  { chosen, pinned }: Pick<DevicesView, 'chosen' | 'pinned'>,
): DeviceStanding {
  if (!isAvailable) return id === pinned ? 'away' : 'unready'
  if (failure?.code === 'device.wrong') return 'wrong'
  return id === chosen ? 'used' : 'ready'
}
