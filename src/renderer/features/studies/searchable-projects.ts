// The projects that a search can begin from: those with a model chosen. One has to be picked where the address names none.
import { onScopeDispose, shallowRef } from 'vue'
import type { PresetId, ProjectDraft } from '#shared/contract/projects.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

interface SearchableProject {
  readonly id: string
  readonly name: string
  /** The plan as it stands. */
  readonly plan: {
    readonly projectId: string
    readonly preset: PresetId
    readonly changes: ProjectDraft['changes']
  }
}

/** More are not looked through: each is asked for its plan. The newest come first. */
const mostProjects = 50

/** `asked`: the project that the address names, or null. */
export function useSearchableProjects(asked: string | null) {
  const projects = shallowRef<readonly SearchableProject[] | null>(null)
  const chosen = shallowRef<SearchableProject | null>(null)
  const problem = shallowRef<Problem | null>(null)
  let isOver = false

  /** null where nothing can be searched: no model yet. */
  async function read(projectId: string): Promise<SearchableProject | null> {
    const reply = await api.call('projects.get', { projectId })
    if (!reply.ok) {
      if (asked !== null) problem.value = reply.problem
      return null
    }
    const { project, draft } = reply.value
    if (draft.modelId === null) return null
    return {
      id: project.id,
      name: project.name,
      plan: { projectId, preset: draft.preset, changes: draft.changes },
    }
  }

  async function ids(): Promise<readonly string[]> {
    if (asked !== null) return [asked]
    const reply = await api.call('projects.list', {})
    if (reply.ok) return reply.value.projects.slice(0, mostProjects).map(({ project }) => project.id)
    problem.value = reply.problem
    return []
  }

  async function load(): Promise<void> {
    const found: SearchableProject[] = []
    for (const id of await ids()) {
      const project = await read(id)
      if (isOver) return
      if (project !== null) found.push(project)
    }
    projects.value = found
    chosen.value = found[0] ?? null
  }

  function choose(projectId: string): void {
    chosen.value = projects.value?.find(({ id }) => id === projectId) ?? chosen.value
  }

  onScopeDispose(() => {
    isOver = true
  })
  void load()
  return { projects, chosen, problem, choose }
}
