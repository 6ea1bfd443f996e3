// A library that was used for a while: two runs that were really trained, one of them really proved, and three of another
// project as the journal would hold them. The model is gone.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { importModel } from '#core/models/import-model.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { type Api, dispatch, type Job, makeApi } from '#shared/contract/index.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import { fail, unwrap } from '#shared/result.ts'
import { evaluationEvent, stepEvent } from '../../journal/support/sample.ts'
import { writeTinyModel } from '../../processes/tiny-model.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'

/** Names of the runs; the second one is proved. */
export const pastRuns = {
  first: 'First try',
  proved: 'Twice as strong',
  steady: 'Steady',
  wild: 'Wild',
  crashed: 'Power cut',
} as const

export async function makePastRuns(home: string): Promise<void> {
  const library = openLibrary(home)
  const { id: modelId } = unwrap(await importModel(library, writeTinyModel(join(home, 'cache', 'tiny'))))
  const workstation = unwrap(
    createWorkstation({
      home,
      launcher: createNodeLauncher(),
      host: { kind: 'direct', pickedPath: () => null, moveToBin: () => Promise.resolve(fail(noBin)) },
    }),
  )
  const api = makeApi({
    call: (name, input) => dispatch(workstation.handlers, name, input),
    onEvent: (listener) => workstation.onEvent(listener),
  })
  const projectId = await makeProject(api, modelId)
  await train(api, projectId, pastRuns.first, {})
  const proved = await train(api, projectId, pastRuns.proved, {
    'optimizer.learningRate': 0.01,
    'method.rank': 8,
  })
  await prove(api, proved)
  await workstation.close()
  addRecordedRuns(library, proved)
  rmSync(library.modelsFolder, { recursive: true })
}

const noBin = { code: 'bin.failed', message: 'No bin here.', where: '', remedy: '' } as const

async function makeProject(api: Api, modelId: string): Promise<string> {
  const created = await api.call('projects.create', { name: 'Support mail', scenario: 'classification' })
  const { project, draft } = unwrap(created)
  const projectId = project.id
  const bytes = Buffer.from(messagesCsv(60))
  const file = {
    purpose: { kind: 'data', projectId },
    name: 'messages.csv',
    sizeBytes: bytes.length,
  } as const
  const { uploadId } = unwrap(await api.call('upload.begin', file))
  unwrap(await api.call('upload.piece', { uploadId, offset: 0, base64: bytes.toString('base64') }))
  unwrap(await api.call('upload.finish', { uploadId }))
  unwrap(await api.call('projects.saveDraft', { projectId, draft: { ...draft, modelId } }))
  return projectId
}

async function train(
  api: Api,
  projectId: string,
  name: string,
  changed: Readonly<Record<string, number>>,
): Promise<string> {
  const changes = {
    'batch.maxTokens': 256,
    'checkpoints.everySeconds': null,
    'duration.maxSteps': 6,
    ...changed,
  }
  const done = new Promise<void>((resolve, reject) => {
    const stop = api.on('training.update', ({ state }) => {
      if (activeStatuses.includes(state.status)) return
      stop()
      if (state.status === 'finished') resolve()
      else reject(new Error(`${name} ended as ${state.status}`))
    })
  })
  const { runId } = unwrap(await api.call('training.start', { projectId, preset: 'quick', changes, name }))
  await done
  return runId
}

async function prove(api: Api, runId: string): Promise<void> {
  const ended = new Promise<Job>((resolve) => {
    api.on('job.changed', (job) => {
      if (job.kind === 'proof' && job.status !== 'running') resolve(job)
    })
  })
  unwrap(await api.call('proof.start', { runId }))
  const { problem } = await ended
  if (problem !== null) throw new Error(JSON.stringify(problem))
}

/** Runs of another project, with the settings of a real one but for what is named. */
function addRecordedRuns({ journalPath }: Library, like: string): void {
  const reader = unwrap(openJournalReader(journalPath))
  const { recipe, backend, versions } = unwrap(reader.getRun(like))
  reader.close()
  // Of last year, so that what the screen says of them is the same on every day.
  let nowMs = Date.UTC(2025, 5, 15, 12)
  const writer = unwrap(openJournalWriter(journalPath, { now: () => (nowMs += 60_000) }))
  const project = unwrap(writer.addProject({ name: 'Clinic letters', scenario: 'classification' }))
  for (const [index, name] of [pastRuns.steady, pastRuns.wild, pastRuns.crashed].entries()) {
    const { id } = unwrap(
      writer.createRun({
        projectId: project.id,
        name,
        recipe: { ...recipe, seed: 7 + index },
        backend,
        device: {},
        versions: { ...versions },
        notes: name === pastRuns.steady ? 'Ana liked these answers' : '',
        tags: name === pastRuns.steady ? ['keep'] : [],
      }),
    )
    unwrap(writer.startAttempt(id))
    const steps = Array.from({ length: 10 }, (_, step) =>
      stepEvent(step + 1, step + 1, 2 / (step + 1) + index),
    )
    unwrap(writer.appendEvents(id, 1, [...steps, evaluationEvent(11, 10, 0.5 + index, true)]))
    const problem = {
      code: 'trainer.crashed',
      message: 'The power went.',
      where: 'trainer',
      remedy: 'Go on.',
    } as const
    if (name === pastRuns.crashed) unwrap(writer.failRun(id, { status: 'crashed', problem }))
    else
      unwrap(
        writer.finishRun(id, {
          reason: 'completed',
          bestStep: 10,
          bestLossNats: 0.5 + index,
          adapterSha256: null,
        }),
      )
  }
  unwrap(writer.close())
}
