// A search as the screen has it: read from the journal once, and again when something of it changed, at most so often.
import { onScopeDispose, ref, shallowRef } from 'vue'
import type { CallInput } from '#shared/contract/index.ts'
import type { StudyView } from '#shared/contract/studies.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

/** A study tells each trial's end and how far its trial is; a view of a thousand trials is not read at each. */
const gatherMs = 700

/** `about`: of a journal that was opened for looking, where nothing happens any more. */
export function useStudy(studyId: string, about: { readonly journal?: string } = {}) {
  const view = shallowRef<StudyView | null>(null)
  const problem = shallowRef<Problem | null>(null)
  /** Asked for, and not answered yet. */
  const isAsking = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  async function load(): Promise<void> {
    const reply = await api.call('studies.get', { studyId, ...about })
    if (isOver) return
    if (reply.ok) view.value = reply.value
    problem.value = reply.ok ? null : reply.problem
  }
  function loadSoon(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      void load()
    }, gatherMs)
  }

  /** True where it was done. */
  async function act(
    name: 'studies.pause' | 'studies.resume' | 'studies.stop' | 'studies.remove',
  ): Promise<boolean> {
    isAsking.value = true
    const reply = await api.call(name, { studyId })
    isAsking.value = false
    if (!reply.ok) problem.value = reply.problem
    else if (name !== 'studies.remove') await load()
    return reply.ok
  }

  /** Why it could not be kept; null once it is. */
  async function edit(change: Omit<CallInput<'studies.edit'>, 'studyId'>): Promise<Problem | null> {
    const reply = await api.call('studies.edit', { studyId, ...change })
    if (!reply.ok) return reply.problem
    if (view.value !== null) view.value = { ...view.value, study: reply.value }
    return null
  }

  /** The project whose plan the trial became; null where it did not. */
  async function adopt(number: number): Promise<string | null> {
    isAsking.value = true
    const reply = await api.call('studies.adopt', { studyId, number })
    isAsking.value = false
    problem.value = reply.ok ? null : reply.problem
    return reply.ok ? reply.value.projectId : null
  }

  onScopeDispose(
    api.on('studies.changed', (changed) => {
      if (changed.studyId === studyId && about.journal === undefined) loadSoon()
    }),
  )
  onScopeDispose(() => {
    isOver = true
    clearTimeout(timer)
  })
  void load()
  return { view, problem, isAsking, act, edit, adopt }
}
