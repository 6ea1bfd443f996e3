// predict RUN TEXT: what the new last layer of a run makes of a text
import { createPredictor } from '#core/proof/predict-text.ts'
import { doubtOfLabels } from '#shared/label-doubt.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

type Prediction = Extract<
  Awaited<ReturnType<ReturnType<typeof createPredictor>['predict']>>,
  { ok: true }
>['value']

/** As the screen says it: what is not clear is not given as the answer. */
function answerWords({ answer, probabilities }: Prediction): string {
  if (probabilities === null || doubtOfLabels(probabilities) === null) return answer
  return `Not sure, perhaps: ${answer}`
}

/** Never "0.0 %" or "100.0 %" of what is neither. */
function shareWords(probability: number): string {
  if (probability > 0 && probability < 0.0005) return 'under 0.1 %'
  if (probability < 1 && probability >= 0.9995) return 'over 99.9 %'
  return `${(100 * probability).toFixed(1)} %`
}

export async function predictLabel(application: Application, runId: string, text: string): Promise<void> {
  const { library, launcher, output } = application
  const predictor = createPredictor({ library, launcher, reader: application.reader() })
  const release = application.onInterrupt(() => void predictor.close())
  try {
    const prediction = unwrap(await predictor.predict(runId, text))
    output.line(answerWords(prediction))
    if (prediction.probabilities !== null) {
      const rows = prediction.probabilities.map(({ label, probability }) => [label, shareWords(probability)])
      output.line()
      for (const line of formatTable(['label', 'probability'], rows)) output.line(`  ${line}`)
    }
    output.result(prediction)
  } finally {
    release()
    await predictor.close()
  }
}
