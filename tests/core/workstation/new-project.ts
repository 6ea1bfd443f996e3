// A project on an open workstation as a person has it before the plan: its rows are sent, its model is in the library.
import { join } from 'node:path'
import { importModel } from '#core/models/import-model.ts'
import { openLibrary } from '#core/system/library.ts'
import type { ProjectDraft } from '#shared/contract/projects.ts'
import type { ScenarioId } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import type { OpenWorkstation } from './open-workstation.ts'

/** What is left out: short messages that are sorted by team, and the tiny model. */
interface Wishes {
  readonly scenario?: ScenarioId
  readonly csv?: string
  readonly writeModel?: (folder: string) => string
  readonly draft?: Partial<ProjectDraft>
}

export async function newProject(
  station: OpenWorkstation,
  {
    scenario = 'classification',
    csv = messagesCsv(60),
    writeModel = writeTinyModel,
    draft = {},
  }: Wishes = {},
): Promise<{ readonly projectId: string; readonly modelId: string }> {
  const { api, home } = station
  const model = unwrap(await importModel(openLibrary(home), writeModel(join(home, 'cache', 'model'))))
  const made = unwrap(await api.call('projects.create', { name: 'Teams', scenario }))
  const projectId = made.project.id
  await upload(station, { kind: 'data', projectId }, 'messages.csv', csv)
  const filled = { ...made.draft, modelId: model.id, ...draft }
  unwrap(await api.call('projects.saveDraft', { projectId, draft: filled }))
  return { projectId, modelId: model.id }
}

/** `kind`: its rows, or the texts of the first stage. */
export async function upload(
  { api }: OpenWorkstation,
  purpose: { readonly kind: 'data' | 'before'; readonly projectId: string },
  name: string,
  text: string,
): Promise<void> {
  const bytes = Buffer.from(text)
  const { uploadId } = unwrap(await api.call('upload.begin', { purpose, name, sizeBytes: bytes.length }))
  unwrap(await api.call('upload.piece', { uploadId, offset: 0, base64: bytes.toString('base64') }))
  unwrap(await api.call('upload.finish', { uploadId }))
}
