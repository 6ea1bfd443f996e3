// Whether things may be fetched over the network, and the switch that a dialog turns on before it fetches one.
import { computed, shallowRef } from 'vue'
import type { Problem } from '#shared/result.ts'
import { useSettings } from '../stores/settings.ts'

export function useDownloadConsent() {
  const settings = useSettings()
  /** Why the switch could not be turned on. */
  const problem = shallowRef<Problem | null>(null)
  const isAllowed = computed(() => settings.current.allowsDownloads)

  /** True once fetching is allowed. */
  async function allow(): Promise<boolean> {
    problem.value = null
    if (isAllowed.value) return true
    const reply = await settings.change({ allowsDownloads: true })
    problem.value = reply.ok ? null : reply.problem
    return reply.ok
  }

  return { isAllowed, problem, allow }
}
