// What a terminal says of a trial at work: how far it is, and that it is held because the disk is full.

import { heldForDisk } from '#core/training/run-supervisor.ts'
import type { EventPayload } from '#shared/contract/index.ts'

type Update = EventPayload<'training.update'>
type Told = Pick<Update['state'], 'runId' | 'status' | 'step' | 'totalSteps'>

/** Held, the trial's run cannot be written down as paused: what counts is that its steps do not go on. */
export function createTrialTeller<State extends Told>(
  progress: (text: string, isMilestone?: boolean) => void,
  lineOf: (state: State) => string,
): (update: { readonly state: State; readonly notices: Update['notices'] }) => void {
  let heldAt: string | null = null
  return ({ state, notices }) => {
    const place = `${state.runId} ${state.step}`
    const held = notices.findLast(({ text }) => text.startsWith(heldForDisk))
    if (held !== undefined) {
      heldAt = place
      progress(held.text, true)
    }
    if (place === heldAt || state.status !== 'running' || state.totalSteps === 0) return
    heldAt = null
    progress(lineOf(state))
  }
}
