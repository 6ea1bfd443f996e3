// What is on its way while the person goes on: answers that come late must not undo what is newer.

import { expect, it } from 'vitest'
import { createSSRApp } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { type ProjectDetail, projectDraft } from '#shared/contract/projects.ts'
import { openTestPage } from '../support/page.ts'

const detail = (modelId: string | null, files: ProjectDetail['files'] = []): ProjectDetail => ({
  project: {
    id: 'p',
    createdAtMs: 0,
    name: 'Mail',
    scenario: 'classification',
    goal: '',
  },
  draft: projectDraft.parse({ modelId }),
  files,
  runs: [],
})
const file = { name: 'a.csv', sizeBytes: 3, isSample: false }
const waiting = new Map<string, (value: unknown) => void>()
const later = (name: string) => () => new Promise((resolve) => waiting.set(name, resolve))

openTestPage({
  'projects.get': () => detail(null),
  'projects.saveDraft': later('save'),
  'projects.addSample': later('sample'),
  'data.check': later('check'),
})
const { openWizardProject } = await import('#renderer/features/wizard/wizard-project.ts')
const { useDataCheck } = await import('#renderer/features/wizard/data-check.ts')
const { api } = await import('#renderer/api.ts')

it('keeps a change that is being saved when another call gives the project back', async () => {
  let project: ReturnType<typeof openWizardProject> | undefined
  await renderToString(
    createSSRApp({
      setup() {
        project = openWizardProject('p')
        return () => null
      },
    }),
  )
  await project?.load()
  const applied = project?.apply(api.call('projects.addSample', { projectId: 'p' }))
  const kept = project?.change({ modelId: 'm' })
  waiting.get('sample')?.(detail(null, [file]))
  await applied
  expect(project?.draft.value?.modelId).toBe('m')
  expect(project?.files.value).toEqual([file])
  waiting.get('save')?.(detail('m', [file]))
  expect(await kept).toBe(true)
  expect(project?.detail.value?.draft.modelId).toBe('m')
})

it('shows no rows of files that went away while they were read', async () => {
  const { check, isChecking, refresh, clear } = useDataCheck('p')
  const read = {
    files: [file],
    form: 'CSV',
    columns: [],
    preview: [],
    usableRows: 0,
    leftOutRows: 0,
    split: null,
    score: [],
    blocking: null,
    instruction: '',
    example: null,
    ninetyMeans: null,
    labels: null,
  }
  const first = refresh()
  waiting.get('check')?.(read)
  await first
  expect(check.value).toEqual(read)
  const second = refresh()
  clear()
  waiting.get('check')?.(read)
  await second
  expect({ check: check.value, isChecking: isChecking.value }).toEqual({ check: null, isChecking: false })
})
