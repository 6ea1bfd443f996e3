// Searches as lists show them: of one project or of all, read again when one of them changes; or of another journal that
// was opened for looking.
import { onScopeDispose, shallowRef, watch } from 'vue'
import type { StudyCard } from '#shared/contract/studies.ts'
import { api } from '../../api.ts'

const gatherMs = 500

/** `projectId`: of this project only. Without an answer there is none to show, and the lists around it say why. */
export function useStudies(projectId?: string, journal: () => string = () => '') {
  const studies = shallowRef<readonly StudyCard[]>([])
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load(): Promise<void> {
    const asked = journal()
    const about = {
      ...(projectId === undefined ? {} : { projectId }),
      ...(asked === '' ? {} : { journal: asked }),
    }
    const reply = await api.call('studies.list', about)
    if (reply.ok && asked === journal()) studies.value = reply.value.studies
  }
  function loadSoon(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      void load()
    }, gatherMs)
  }
  onScopeDispose(api.on('studies.changed', loadSoon))
  // Another journal may have brought searches with its runs.
  onScopeDispose(api.on('experiments.changed', ({ runId }) => runId ?? loadSoon()))
  onScopeDispose(() => clearTimeout(timer))
  watch(journal, load, { immediate: true })
  return studies
}
