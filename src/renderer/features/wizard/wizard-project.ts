// The project that the wizard works on: loaded once, its draft changed on the screen at once and kept with every change.
import { computed, type InjectionKey, inject, onScopeDispose, provide, shallowRef } from 'vue'
import type { ModelCard } from '#shared/contract/models.ts'
import type { ProjectDetail, ProjectDraft, ScenarioFacts } from '#shared/contract/projects.ts'
import type { Problem, Result } from '#shared/result.ts'
import { api } from '../../api.ts'
import { makeDraftSaver } from './draft-saver.ts'

export type WizardProject = ReturnType<typeof openWizardProject>
const key: InjectionKey<WizardProject> = Symbol('wizard project')

export function openWizardProject(projectId: string) {
  const detail = shallowRef<ProjectDetail | null>(null)
  const draft = shallowRef<ProjectDraft | null>(null)
  /** Why the project could not be opened. */
  const problem = shallowRef<Problem | null>(null)
  /** Why the last change could not be kept. */
  const notKept = shallowRef<Problem | null>(null)

  /** The chosen model where it is no longer in the library: other calls would name it by its id only. */
  const goneModelId = shallowRef<string | null>(null)
  /** As the library lists them. */
  const models = shallowRef<readonly ModelCard[]>([])
  const modelWay = computed(() => models.value.find(({ id }) => id === draft.value?.modelId)?.way ?? null)
  const isModelGone = computed(() => draft.value !== null && isGone(draft.value))
  const isGone = ({ modelId }: ProjectDraft): boolean => modelId !== null && modelId === goneModelId.value

  async function lookForModel({ modelId }: ProjectDraft): Promise<void> {
    const reply = await api.call('models.list', {})
    if (!reply.ok) return
    // A damaged one is still here, and what helps is said where it is listed.
    const { damaged } = reply.value
    models.value = reply.value.models
    const isThere =
      models.value.some(({ id }) => id === modelId) ||
      damaged.some(({ where }) => where.startsWith(`models/${modelId}`))
    goneModelId.value = isThere ? null : modelId
  }

  const saver = makeDraftSaver(async () => {
    const saved = draft.value
    if (saved === null) return false
    const reply = await api.call('projects.saveDraft', { projectId, draft: saved })
    notKept.value = reply.ok ? null : reply.problem
    if (reply.ok && draft.value === saved) take(reply.value)
    return reply.ok
  })

  function take(changed: ProjectDetail): void {
    detail.value = changed
    draft.value = changed.draft
  }

  async function load(): Promise<void> {
    const reply = await api.call('projects.get', { projectId })
    if (reply.ok) {
      if (draft.value === null) await lookForModel(reply.value.draft)
      if (!saver.isBusy()) take(reply.value)
      problem.value = null
    } else {
      problem.value = reply.problem
    }
  }

  /** Shows the change at once and keeps it; true once it is kept. */
  function change(part: Partial<ProjectDraft>): Promise<boolean> {
    if (draft.value === null) return Promise.resolve(false)
    draft.value = { ...draft.value, ...part }
    return saver.save()
  }

  /** A call that changes the project and gives it back. */
  async function apply(call: Promise<Result<ProjectDetail>>): Promise<Problem | null> {
    const reply = await call
    if (!reply.ok) return reply.problem
    // A change that is on its way to be kept is newer than the draft of this answer.
    if (saver.isBusy()) detail.value = reply.value
    else take(reply.value)
    return null
  }

  // Another window may change it too.
  const stop = api.on('projects.changed', (changed) => {
    if (changed.projectId === projectId && !saver.isBusy()) void load()
  })
  onScopeDispose(stop)
  const stopLooking = api.on('models.changed', () => {
    if (draft.value !== null) void lookForModel(draft.value)
  })
  onScopeDispose(stopLooking)

  const opened = {
    projectId,
    detail,
    draft,
    problem,
    notKept,
    isModelGone,
    /** What the chosen model does with a text; null before it is known. */
    modelWay,
    files: computed(() => detail.value?.files ?? []),
    scenario: computed(() => detail.value?.project.scenario ?? null),
    load,
    change,
    apply,
  }
  provide(key, opened)
  return opened
}

/** For the steps inside the wizard's screen. */
export function useWizardProject(): WizardProject {
  const project = inject(key)
  if (project === undefined) throw new Error('a step of the wizard stands outside of its screen')
  return project
}

/** What the project's goal brings along, for the steps; null until it is known. */
export function useScenarioFacts() {
  const { scenario } = useWizardProject()
  const facts = shallowRef<ScenarioFacts | null>(null)
  void api.call('scenarios.list', {}).then((reply) => {
    if (reply.ok) facts.value = reply.value.scenarios.find(({ id }) => id === scenario.value) ?? null
  })
  return facts
}
