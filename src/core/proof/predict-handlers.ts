// A text that somebody brings, for the screen: what the new last layer of a run names in it. Nothing of it is kept.
import type { SomeHandlers } from '#shared/contract/index.ts'
import { attemptAsync, unwrap } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { predictText } from './predict-text.ts'

export interface Predictions extends SomeHandlers<'predict.text'> {
  /** Ends what is being read. */
  close(): Promise<void>
}

export function createPredictHandlers({ library, launcher, reader }: WorkstationContext): Predictions {
  const stop = new AbortController()
  const open = new Set<Promise<unknown>>()
  return {
    'predict.text': ({ runId, text }) => {
      const reading = predictText(runId, text, { library, launcher, reader, signal: stop.signal })
      open.add(reading)
      return attemptAsync(async () => {
        try {
          const { names, probabilities } = unwrap(await reading)
          return { names: names && [...names], labels: probabilities && [...probabilities] }
        } finally {
          open.delete(reading)
        }
      })
    },
    async close() {
      stop.abort()
      await Promise.all(open)
    },
  }
}
