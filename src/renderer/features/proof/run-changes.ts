// Tells the page of a proof that its run stands otherwise: it ended, goes on, or was changed elsewhere.
import { api } from '../../api.ts'

/** Each step of a run under way is no change. Gives back what ends the listening. */
export function whenRunChanges(runId: string, tell: () => void): () => void {
  let status: string | null = null
  const leave = [
    api.on('training.update', ({ state }) => {
      if (state.runId !== runId || state.status === status) return
      status = state.status
      tell()
    }),
    api.on('experiments.changed', (changed) => {
      if (changed.runId === runId) tell()
    }),
  ]
  return () => {
    for (const stop of leave) stop()
  }
}
