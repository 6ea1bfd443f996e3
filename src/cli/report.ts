// What a run was and what it proved, as lines of text: settings, the two curves, base against tuned with intervals.
import type { RunCurve } from '#shared/journal-types.ts'
import { type Interval, isShare, type MetricName, type ProofSummary } from '#shared/proof-protocol.ts'
import type { Recipe } from '#shared/recipe.ts'
import { formatChange } from '#shared/units.ts'
import { plotSeries } from './plot.ts'
import { formatTable } from './table.ts'

/** Every setting that decides the run, plain words first, the field's term after them. */
export function settingLines(recipe: Recipe): string[] {
  const { method, optimizer, schedule, batch, duration, evaluation } = recipe
  const layers = method.topLayers === null ? 'all blocks' : `the uppermost ${method.topLayers} blocks`
  const rows: string[][] = [
    ['what is trained', `a LoRA adapter, rank ${method.rank}, alpha ${method.alpha}, on ${layers}`],
    ['adapted layers', method.targets.join(', ')],
    [
      'how strongly it learns',
      `learning rate ${optimizer.learningRate}, ${schedule.kind} after ${Math.round(schedule.warmupShare * 100)} % warm-up`,
    ],
    [
      'optimizer',
      `AdamW, weight decay ${optimizer.weightDecay}, clipping at ${optimizer.clipNorm ?? 'none'}`,
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

const metricWords: Readonly<Record<MetricName, string>> = {
  accuracy: 'right answers (accuracy)',
  macroF1: 'balance over the labels (macro F1)',
  exactMatch: 'word for word (exact match)',
  tokenF1: 'words in common (token F1)',
  lossNats: 'surprise (loss, nats a token)',
  perplexity: 'perplexity',
}
/** A change of a share is in points (hundredths of the whole), never in per cent. */
function intervalText(metric: MetricName, { value, low, high }: Interval, isDifference = false): string {
  const [scale, unit] = !isShare(metric) ? [1, ''] : isDifference ? [100, ' points'] : [100, ' %']
  const number = (x: number) => {
    const decimals = isShare(metric) || Math.abs(x) >= 100 ? 0 : 2
    return isDifference ? formatChange(scale * x, decimals) : (scale * x).toFixed(decimals)
  }
  return `${number(value)}${unit} (${number(low)} to ${number(high)})`
}

/** The verdict, then every metric for base and tuned with its 95 % interval. */
export function proofLines(report: ProofSummary): string[] {
  const rows = report.comparisons.map((one) => [
    metricWords[one.metric],
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
    ...(report.leftOut.length > 0 ? [`  ${report.leftOut.length} test rows could not be measured.`] : []),
  ]
}
