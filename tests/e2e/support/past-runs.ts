// A library that was used for a while: two runs that were really trained, one of them really proved, and three of another
// project as the journal would hold them. The model is gone.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { type Library, openLibrary } from '#core/system/library.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { fail, unwrap } from '#shared/result.ts'
import { evaluationEvent, stepEvent } from '../../journal/support/sample.ts'
import { messagesCsv } from '../../processes/trainer/tiny-run.ts'
import { callerOf, type TestBrowser } from './browser.ts'
import { addModel, followJob, followRun, makeProject } from './library.ts'

/** Names of the runs; the second one is proved. */
export const pastRuns = {
  first: 'First try',
  proved: 'Twice as strong',
  steady: 'Steady',
  wild: 'Wild',
  crashed: 'Power cut',
} as const

/** They are trained once; every library gets a copy. */
let made: Promise<string> | null = null

export async function makePastRuns(home: string): Promise<void> {
  made ??= trainPastRuns()
  cpSync(await made, home, { recursive: true })
}

async function trainPastRuns(): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'tunewright-past-'))
  process.once('exit', () => rmSync(home, { recursive: true, force: true }))
  await addModel(home)
  const workstation = unwrap(
    createWorkstation({
      home,
      launcher: createNodeLauncher(),
      host: { kind: 'direct', pickedPath: () => null, moveToBin: () => Promise.resolve(fail(noBin)) },
    }),
  )
  const call = callerOf(workstation)
  const { projectId } = await makeProject(call, { name: 'Support mail', csv: messagesCsv(60) })
  await train(call, projectId, pastRuns.first, {})
  const proved = await train(call, projectId, pastRuns.proved, {
    'optimizer.learningRate': 0.01,
    'method.rank': 8,
  })
  await followJob(call, await call('proof.start', { runId: proved }))
  await workstation.close()
  const library = openLibrary(home)
  addRecordedRuns(library, proved)
  rmSync(library.modelsFolder, { recursive: true })
  return home
}

const noBin = { code: 'bin.failed', message: 'No bin here.', where: '', remedy: '' } as const

async function train(
  call: TestBrowser['call'],
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
  const { runId } = await call('training.start', { projectId, preset: 'quick', changes, name })
  await followRun(call, runId)
  return runId
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
