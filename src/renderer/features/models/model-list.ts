// The models on this computer and those to begin with, read again whenever one came or went.
import { onScopeDispose, shallowRef } from 'vue'
import type { ModelCard, RecommendedModel } from '#shared/contract/models.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

/** `projectId` null recommends without a goal. */
export function useModelList(projectId: string | null, whenLoaded: () => void = () => {}) {
  /** null before the first answer. */
  const installed = shallowRef<readonly ModelCard[] | null>(null)
  const recommended = shallowRef<readonly RecommendedModel[]>([])
  const damaged = shallowRef<readonly Problem[]>([])
  const problem = shallowRef<Problem | null>(null)

  async function load(): Promise<void> {
    const [list, advised] = await Promise.all([
      api.call('models.list', {}),
      api.call('models.recommended', { projectId }),
    ])
    problem.value = list.ok ? (advised.ok ? null : advised.problem) : list.problem
    if (advised.ok) recommended.value = advised.value.models
    if (!list.ok) return
    installed.value = list.value.models
    damaged.value = list.value.damaged
    whenLoaded()
  }
  void load()
  onScopeDispose(api.on('models.changed', () => void load()))
  return { installed, recommended, damaged, problem, load }
}
