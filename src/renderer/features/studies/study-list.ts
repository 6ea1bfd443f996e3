// Searches as lists show them: of one project or of all, read again when one of them changes.
import { onScopeDispose, shallowRef } from 'vue'
import type { StudyCard } from '#shared/contract/studies.ts'
import { api } from '../../api.ts'

const gatherMs = 500

/** `projectId`: of this project only. Without an answer there is none to show, and the lists around it say why. */
export function useStudies(projectId?: string) {
  const studies = shallowRef<readonly StudyCard[]>([])
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load(): Promise<void> {
    const reply = await api.call('studies.list', projectId === undefined ? {} : { projectId })
    if (reply.ok) studies.value = reply.value.studies
  }
  onScopeDispose(
    api.on('studies.changed', () => {
      timer ??= setTimeout(() => {
        timer = undefined
        void load()
      }, gatherMs)
    }),
  )
  onScopeDispose(() => clearTimeout(timer))
  void load()
  return studies
}
