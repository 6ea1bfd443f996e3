// The judged rows of a project: read again when something about them changed, the last ones shown meanwhile.
import { ref, shallowRef } from 'vue'
import type { DataCheck } from '#shared/contract/data.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

export function useDataCheck(projectId: string) {
  const check = shallowRef<DataCheck | null>(null)
  /** Why nothing could be read; where a file is there, `check.blocking` says it instead. */
  const problem = shallowRef<Problem | null>(null)
  const isChecking = ref(false)
  let isWanted = false
  /** Rises when the files went away: what is still being read then counts no longer. */
  let round = 0

  /** Reads again; asked for meanwhile, it reads once more at the end. */
  async function refresh(): Promise<void> {
    isWanted = true
    if (isChecking.value) return
    isChecking.value = true
    while (isWanted) {
      isWanted = false
      const asked = round
      const reply = await api.call('data.check', { projectId })
      if (isWanted || asked !== round) continue
      problem.value = reply.ok ? null : reply.problem
      check.value = reply.ok ? reply.value : null
    }
    isChecking.value = false
  }

  function clear(): void {
    round += 1
    check.value = null
    problem.value = null
  }

  return { check, problem, isChecking, refresh, clear }
}
