// Checks of models byte by byte. What came of them stays while the page is open, so that a check may end while the person
// is at another screen.
import { shallowRef } from 'vue'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { useActivity } from '../../stores/activity.ts'

export type CheckState =
  | { readonly kind: 'running' }
  | { readonly kind: 'good' }
  | { readonly kind: 'bad'; readonly problem: Problem }

const states = shallowRef<ReadonlyMap<string, CheckState>>(new Map())

function note(modelId: string, state: CheckState): void {
  states.value = new Map(states.value).set(modelId, state)
}

export function useModelChecks() {
  const activity = useActivity()

  async function check(modelId: string): Promise<void> {
    note(modelId, { kind: 'running' })
    const reply = await api.call('models.verify', { modelId })
    if (!reply.ok) return note(modelId, { kind: 'bad', problem: reply.problem })
    const { problem } = await activity.ended(reply.value.jobId)
    note(modelId, problem === null ? { kind: 'good' } : { kind: 'bad', problem })
  }

  return { check, stateOf: (modelId: string) => states.value.get(modelId) ?? null }
}
