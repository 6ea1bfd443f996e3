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

  /** Reads again; asked for meanwhile, it reads once more at the end. */
  async function refresh(): Promise<void> {
    isWanted = true
    if (isChecking.value) return
    isChecking.value = true
    while (isWanted) {
      isWanted = false
      const reply = await api.call('data.check', { projectId })
      if (isWanted) continue
      problem.value = reply.ok ? null : reply.problem
      check.value = reply.ok ? reply.value : null
    }
    isChecking.value = false
  }

  function clear(): void {
    check.value = null
    problem.value = null
  }

  return { check, problem, isChecking, refresh, clear }
}
