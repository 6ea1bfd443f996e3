// The project that a first start begins with: the goal that trains fastest, with its sample rows.
import type { ProjectDetail } from '#shared/contract/projects.ts'
import type { Result } from '#shared/result.ts'
import { api } from '../../api.ts'
import { t } from '../../words/index.ts'
import { freeName } from '../wizard/free-name.ts'

export async function createSampleProject(): Promise<Result<ProjectDetail>> {
  const known = await api.call('projects.list', {})
  if (!known.ok) return known
  const names = known.value.projects.map(({ project }) => project.name)
  return api.call('projects.create', {
    name: freeName(t('start.sampleName'), names),
    scenario: 'classification',
    goal: t('start.sampleGoal'),
    language: 'en',
    withSample: true,
  })
}
