// Saves a setting the moment it is changed, and knows how that went.
import { ref, shallowRef } from 'vue'
import type { Settings } from '#shared/contract/system.ts'
import type { Problem } from '#shared/result.ts'
import { useSettings } from '../../stores/settings.ts'

export function useSettingSaver() {
  const store = useSettings()
  const isSaved = ref(false)
  const problem = shallowRef<Problem | null>(null)

  async function save(change: Partial<Settings>): Promise<void> {
    isSaved.value = false
    const reply = await store.change(change)
    problem.value = reply.ok ? null : reply.problem
    isSaved.value = reply.ok
  }

  return { isSaved, problem, save }
}
