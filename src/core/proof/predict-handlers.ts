// A text that somebody brings, for the screen: what the new last layer of a run names in it. Nothing of it is kept.
import type { SomeHandlers } from '#shared/contract/index.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { createPredictor } from './predict-text.ts'

export interface Predictions extends SomeHandlers<'predict.text'> {
  /** Ends what is being read. */
  close(): Promise<void>
}

export function createPredictHandlers(context: WorkstationContext): Predictions {
  const { predict, close } = createPredictor(context)
  return {
    'predict.text': ({ runId, text }) =>
      attemptAsync(async () => {
        const { names, probabilities } = unwrap(await predict(runId, text))
        return { names: names && [...names], labels: probabilities && [...probabilities] }
      }),
    close,
  }
}
