// The proof of a run as its page knows it, with what stands beside it. Read anew at every change: only the newest answer
// counts, and it takes away what went wrong before.
import { shallowRef } from 'vue'
import type { ExperimentRow, ProofView } from '#shared/contract/results.ts'
import type { Advice } from '#shared/contract/training.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

/** `about`: the journal, as the contract takes it. */
export function useProof(runId: string, isOther: boolean, about: { readonly journal?: string }) {
  const view = shallowRef<ProofView | null>(null)
  /** As the journal's list has the run: its number in the project, and what it trained. */
  const listed = shallowRef<ExperimentRow | null>(null)
  const advice = shallowRef<Advice | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let newest = 0

  async function load(): Promise<void> {
    const mine = ++newest
    const reply = await api.call('proof.get', { runId, ...about })
    if (mine !== newest) return
    problem.value = reply.ok ? null : reply.problem
    if (!reply.ok) return
    const found = await api.call('experiments.list', { runIds: [runId], ...about })
    if (mine !== newest) return
    listed.value = found.ok ? (found.value.rows[0] ?? null) : null
    view.value = reply.value
    if (isOther) return
    // Only a note: a project whose files are gone has its proof all the same.
    const measured = await api.call('advice.get', { projectId: reply.value.projectId })
    if (mine === newest) advice.value = measured.ok ? measured.value.advice : null
  }

  return { view, listed, advice, problem, load }
}
