// What a library holds before a test: a model, a project that has rows, a run that was trained.
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type ImportOptions, importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import type { CallOutput } from '#shared/contract/contract.ts'
import type { ProjectDraft } from '#shared/contract/projects.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { livingStudies } from '#shared/study.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import type { TestBrowser } from './browser.ts'

type Call = TestBrowser['call']

/** The model at `path`; without one a tiny model made here, so that nothing has to be fetched. */
export async function addModel(
  home: string,
  path: string | null = null,
  options: ImportOptions = {},
): Promise<string> {
  const source = path ?? writeTinyModel(join(home, 'cache', 'tiny'))
  return unwrap(await importModel(openLibrary(home), source, options)).id
}

interface NewProject {
  readonly name: string
  readonly goal?: string
  /** Rows; sample rows unless told. */
  readonly csv?: string
  /** Sorting of texts unless told. */
  readonly scenario?: ScenarioId
  readonly draft?: Partial<ProjectDraft>
}

/** A project with the library's only model. */
export async function makeProject(call: Call, project: NewProject) {
  const { name, goal = '', csv, draft, scenario = 'classification' } = project
  const created = await call('projects.create', { name, goal, scenario, withSample: csv === undefined })
  const projectId = created.project.id
  if (csv !== undefined) await upload(call, projectId, csv)
  const modelId = (await call('models.list', {})).models[0]!.id
  await call('projects.saveDraft', { projectId, draft: { ...created.draft, modelId, ...draft } })
  return { projectId, modelId }
}

async function upload(call: Call, projectId: string, csv: string): Promise<void> {
  const bytes = Buffer.from(csv)
  const purpose = { kind: 'data', projectId } as const
  const file = { purpose, name: 'messages.csv', sizeBytes: bytes.length }
  const { uploadId } = await call('upload.begin', file)
  await call('upload.piece', { uploadId, offset: 0, base64: bytes.toString('base64') })
  await call('upload.finish', { uploadId })
}

const lookEveryMs = 250

/** Until the run has finished or is where it shall be; throws where it ends otherwise. */
export async function followRun(
  call: Call,
  runId: string,
  isThere: (view: CallOutput<'training.get'>) => boolean = () => false,
): Promise<void> {
  for (;;) {
    const view = await call('training.get', { runId })
    const { status, failure } = view.run
    if (status === 'finished' || isThere(view)) return
    if (!activeStatuses.includes(status))
      throw new Error(`the run ended as ${status}: ${JSON.stringify(failure)}`)
    await setTimeout(lookEveryMs)
  }
}

/** Until the search is at its end; throws where it ends otherwise. */
export async function followStudy(call: Call, studyId: string): Promise<void> {
  for (;;) {
    const { status, reason } = (await call('studies.get', { studyId })).study
    if (status === 'finished') return
    if (!livingStudies.includes(status)) throw new Error(`the search ended as ${status}: ${reason}`)
    await setTimeout(lookEveryMs)
  }
}

/** Until the job is done; throws where it ends otherwise. */
export async function followJob(call: Call, { jobId }: { readonly jobId: string }): Promise<void> {
  for (;;) {
    const job = (await call('system.activity', {})).jobs.find(({ id }) => id === jobId)
    if (job?.status === 'done') return
    if (job?.status !== 'running') throw new Error(JSON.stringify(job))
    await setTimeout(lookEveryMs)
  }
}
