// predict RUN TEXT: what the new last layer of a run makes of a text
import { createPredictor } from '#core/proof/predict-text.ts'
import { unwrap } from '#shared/result.ts'
import type { Application } from '../application.ts'
import { formatTable } from '../table.ts'

export async function predictLabel(application: Application, runId: string, text: string): Promise<void> {
  const { library, launcher, output } = application
  const predictor = createPredictor({ library, launcher, reader: application.reader() })
  const release = application.onInterrupt(() => void predictor.close())
  try {
    const prediction = unwrap(await predictor.predict(runId, text))
    output.line(prediction.answer)
    if (prediction.probabilities !== null) {
      const rows = prediction.probabilities.map(({ label, probability }) => [
        label,
        `${(100 * probability).toFixed(1)} %`,
      ])
      output.line()
      for (const line of formatTable(['label', 'probability'], rows)) output.line(`  ${line}`)
    }
    output.result(prediction)
  } finally {
    release()
    await predictor.close()
  }
}
