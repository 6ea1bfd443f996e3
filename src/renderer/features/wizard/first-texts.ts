// Texts of the field as they were read: again when the file, its column or the rows changed, the last ones shown
// meanwhile. Until the newest question is answered they count as unread.
import { computed, shallowRef, watch } from 'vue'
import type { DataCheck, StageCheck } from '#shared/contract/data.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

/** Whether the wizard can go on with them; without a file they are sound. */
export type TextsState = 'sound' | 'unread' | 'unsound'

interface Read {
  readonly file: string
  readonly rows: DataCheck | null
}

/** `fileKey` tells one file from another, null without one; `rows`: what is locked of them is not read before. */
export function useFirstTexts(projectId: string, fileKey: () => string | null, rows: () => DataCheck | null) {
  const check = shallowRef<StageCheck | null>(null)
  const refused = shallowRef<Problem | null>(null)
  const problem = computed(() => refused.value ?? check.value?.problem ?? null)
  /** What the last answer was about; null while another is awaited. */
  const read = shallowRef<Read | null>(null)
  const state = computed((): TextsState => {
    const file = fileKey()
    if (file === null) return 'sound'
    if (read.value?.file !== file || read.value.rows !== rows()) return 'unread'
    return problem.value === null ? 'sound' : 'unsound'
  })
  let asked = 0

  /** What was read no longer counts: something about it is being changed. */
  function forget(): void {
    asked += 1
    read.value = null
  }

  async function refresh(): Promise<void> {
    forget()
    const turn = asked
    const file = fileKey()
    const about = rows()
    const reply = file === null ? null : await api.call('data.checkBefore', { projectId })
    if (turn !== asked) return
    refused.value = reply === null || reply.ok ? null : reply.problem
    check.value = reply?.ok ? reply.value.check : null
    read.value = file === null ? null : { file, rows: about }
  }

  watch([fileKey, rows], refresh, { immediate: true })
  return { check, problem, state, forget, refresh }
}
