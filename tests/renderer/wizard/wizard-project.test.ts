// What is on its way while the person goes on: answers that come late must not undo what is newer.

import { expect, it } from 'vitest'
import { createSSRApp } from 'vue'
import { renderToString } from 'vue/server-renderer'
import type { ModelCard } from '#shared/contract/models.ts'
import { type ProjectDetail, projectDraft } from '#shared/contract/projects.ts'
import type { Problem } from '#shared/result.ts'
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
  before: null,
  runs: [],
})
const file = { name: 'a.csv', sizeBytes: 3, isSample: false }
const waiting = new Map<string, (value: unknown) => void>()
const later = (name: string) => () => new Promise((resolve) => waiting.set(name, resolve))

const modelCard = (id: string): ModelCard => ({
  id,
  name: 'tiny',
  family: 'llama',
  parameters: 1000,
  layers: 2,
  maxTokens: 512,
  sizeBytes: 4000,
  licence: '',
  languages: '',
  goodAt: '',
  origin: { kind: 'folder', name: 'tiny' },
  place: `/models/${id}`,
  runs: 0,
  isStarter: false,
  way: 'talks',
  addedAtMs: 0,
  fit: { kind: 'fits', neededBytes: 1, availableBytes: 2, reason: '' },
})
const hurt: Problem = { code: 'model.damaged', message: '-', where: 'models/hurt/config.json', remedy: '-' }
let keptModel: string | null = null
let inLibrary: readonly string[] = []
const page = openTestPage({
  'projects.get': () => detail(keptModel),
  'models.list': () => ({ models: inLibrary.map(modelCard), damaged: [hurt] }),
  'projects.saveDraft': later('save'),
  'projects.addSample': later('sample'),
  'data.check': later('check'),
})
const { openWizardProject } = await import('#renderer/features/wizard/wizard-project.ts')
const { useDataCheck } = await import('#renderer/features/wizard/data-check.ts')
const { api } = await import('#renderer/api.ts')

async function openProject(): Promise<ReturnType<typeof openWizardProject> | undefined> {
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
  return project
}

it('keeps a change that is being saved when another call gives the project back', async () => {
  const project = await openProject()
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
    languages: [],
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

it('knows that the chosen model is gone, until it is back or another is chosen; a damaged one is still here', async () => {
  keptModel = 'gone'
  const project = await openProject()
  expect(project?.isModelGone.value).toBe(true)
  void project?.change({ modelId: 'other' })
  expect(project?.isModelGone.value).toBe(false)
  void project?.change({ modelId: 'gone' })
  expect(project?.isModelGone.value).toBe(true)
  inLibrary = ['gone']
  page.tell('models.changed', {})
  await expect.poll(() => project?.isModelGone.value).toBe(false)
  keptModel = 'hurt'
  expect((await openProject())?.isModelGone.value).toBe(false)
})
