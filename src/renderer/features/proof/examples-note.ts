// What examples in the prompt reached without any training, beside a proof: the cheaper way may do as well. Pure.
import type { ProofView } from '#shared/contract/results.ts'
import type { Advice } from '#shared/contract/training.ts'
import { isHigherBetter } from '#shared/metrics.ts'
import { formatMetric } from '../../metric-words.ts'
import { t } from '../../words/index.ts'

/** null where examples were not measured with this model and by the metric that decides. */
export function examplesNote({ summary, modelId }: ProofView, advice: Advice | null): string | null {
  if (summary === null || advice === null) return null
  const { metric, tuned } = summary
  const examples = advice.subjects.find(({ subject }) => subject === 'few-shot')
  if (examples === undefined || advice.modelId !== modelId || advice.metric !== metric) return null
  const { value, shots } = examples
  const write = (amount: number): string => formatMetric(metric, amount)
  const mayDo = isHigherBetter(metric) ? tuned.value <= value.high : tuned.value >= value.low
  return [
    t('proof.examples', {
      count: shots,
      value: write(value.value),
      low: write(value.low),
      high: write(value.high),
      rows: advice.rows,
    }),
    ...(mayDo ? [t('proof.examplesMayDo')] : []),
  ].join(' ')
}
