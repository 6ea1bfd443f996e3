// What a run was and what it proved, as lines of text: settings, the two curves, base against tuned with intervals.
import {
  baseNote,
  firstStageWords,
  hasTargets,
  methodWords,
  optimizerNames,
} from '#core/training/method-words.ts'
import { isOfClasses, nearestWords } from '#shared/class-proof.ts'
import type { RunCurve } from '#shared/journal-types.ts'
import { isShare, type MetricName, metricFacts, metricTitle } from '#shared/metrics.ts'
import type { Interval, ProofSummary } from '#shared/proof-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'
import { formatChange } from '#shared/units.ts'
import { plotSeries } from './plot.ts'
import { formatTable } from './table.ts'

/** Every setting that decides the run, plain words first, the field's term after them. */
export function settingLines(recipe: Recipe): string[] {
  const { method, optimizer, schedule, batch, duration, evaluation } = recipe
  const note = baseNote(method)
  const first = firstStageWords(recipe)
  const rows: string[][] = [
    ['what is trained', methodWords(method)],
    ...(hasTargets(method) ? [['adapted layers', method.targets.join(', ')]] : []),
    ...(note === null ? [] : [['what is measured', note]]),
    ...(first === null ? [] : [['before the rows', first]]),
    [
      'how strongly it learns',
      `learning rate ${optimizer.learningRate}, ${schedule.kind} after ${Math.round(schedule.warmupShare * 100)} % warm-up`,
    ],
    [
      'optimizer',
      `${optimizerNames[optimizer.kind]}, weight decay ${optimizer.weightDecay}, clipping at ${optimizer.clipNorm ?? 'none'}`,
    ],
    [
      'rows at once',
      `${batch.microRows} x ${batch.accumulation} (micro-batch x accumulation), up to ${batch.maxTokens} tokens a row`,
    ],
    [
      'how long',
      `${duration.epochs} passes over the rows (epochs)${duration.maxSteps === null ? '' : `, at most ${duration.maxSteps} steps`}`,
    ],
    [
      'stops early',
      evaluation.patience === null
        ? 'no'
        : `after ${evaluation.patience} measurements without improvement; the best version is kept`,
    ],
    ['seed, threads', `${recipe.seed}, ${recipe.threads}`],
  ]
  return rows.map(([name, value]) => `  ${name.padEnd(24)}${value}`)
}

/** Training and validation loss over steps. */
export function curveLines(curve: RunCurve): string[] {
  return plotSeries(
    [
      {
        name: 'training',
        mark: '·',
        points: curve.train.map(({ step, lossNats }) => ({ x: step, y: lossNats })),
      },
      {
        name: 'validation',
        mark: 'O',
        points: curve.validation.map(({ step, lossNats }) => ({ x: step, y: lossNats })),
      },
    ],
    { widthColumns: 64, heightRows: 12, xTitle: 'step', yTitle: 'loss (nats a token)' },
  )
}

/** A change of a share is in points (hundredths of the whole), never in per cent. */
export function intervalText(
  metric: MetricName,
  { value, low, high }: Interval,
  isDifference = false,
): string {
  const scale = isShare(metric) ? 100 : 1
  const sign = metricFacts[metric].unit === 'share' ? ' %' : ''
  const unit = isShare(metric) && isDifference ? ' points' : sign
  const number = (x: number) => {
    const decimals = isShare(metric) || Math.abs(x) >= 100 ? 0 : 2
    return isDifference ? formatChange(scale * x, decimals) : (scale * x).toFixed(decimals)
  }
  return `${number(value)}${unit} (${number(low)} to ${number(high)})`
}

const trivialSentence = (
  { kind, label, ...reached }: NonNullable<ProofSummary['trivial']>,
  metric: MetricName,
): string =>
  kind === 'known-names'
    ? `Without any model, only the names that training rows marked reach ${intervalText(metric, reached)}.`
    : `Without any model, always answering "${label}" reaches ${intervalText(metric, reached)}.`

/** The verdict, then every metric for base and tuned with its 95 % interval. */
export function proofLines(report: ProofSummary): string[] {
  const rows = report.comparisons.map((one) => [
    metricTitle(one.metric, isOfClasses(report)),
    intervalText(one.metric, one.base),
    intervalText(one.metric, one.tuned),
    intervalText(one.metric, one.difference, true),
  ])
  return [
    report.verdict.sentence,
    '',
    ...formatTable(['', 'base model', 'tuned', 'difference'], rows).map((line) => `  ${line}`),
    '',
    `  ${report.rows} locked test rows; in brackets the 95 % interval (${report.intervals.method}, ${report.intervals.resamples} resamples).`,
    ...(isOfClasses(report)
      ? [
          '  This model only reads, and an untrained last layer says nothing. "base model" is what it knows by itself:',
          `  ${nearestWords(report.metric)}; nothing is trained.`,
        ]
      : []),
    ...(report.trivial ? [`  ${trivialSentence(report.trivial, report.metric)}`] : []),
    ...(report.leftOut.length > 0 ? [`  ${report.leftOut.length} test rows could not be measured.`] : []),
  ]
}
