// Another computer's journal: many runs with events and measurements, searches, views.
import { join } from 'node:path'
import { openJournalWriter } from '#journal/writer.ts'
import type { NewRun } from '#shared/journal-commands.ts'
import { temporaryFolder } from '../../journal/support/folders.ts'
import {
  addSampleLibrary,
  evaluationEvent,
  good,
  sampleLibrary,
  sampleRecipe,
  stepEvent,
} from '../../journal/support/sample.ts'
import { forgeRows } from '../../support/forged-rows.ts'

export interface OtherJournal {
  readonly path: string
  readonly runIds: readonly string[]
  readonly studyId: string
}

/** Closed, with all of it in the one file. */
export function otherJournal({ runs = 6, events = 20 } = {}): OtherJournal {
  const path = join(temporaryFolder(), 'journal.db')
  const writer = good(openJournalWriter(path))
  const newRun = addSampleLibrary(writer)
  good(writer.ensureProject({ name: 'Empty', scenario: 'code' }))
  const runIds = Array.from({ length: runs }, (_, n) =>
    addRun(writer, { ...newRun, name: `Run ${n}` }, n, events),
  )
  const { id: studyId } = good(
    writer.createStudy({
      projectId: newRun.projectId,
      name: 'Overnight',
      spec: {
        ...{
          version: 1,
          base: sampleRecipe(),
          sampler: 'random',
          seed: 3,
          pruning: null,
          budget: { trials: 4 },
        },
        space: [{ kind: 'whole', path: 'method.rank', low: 4, high: 64 }],
      },
    }),
  )
  const trialRuns = [0, 1].map((number) => {
    const trial = { studyId, number, seed: 42, rungs: [], purpose: 'search' as const }
    return good(
      writer.addTrial(
        { ...trial, settings: { 'method.rank': 4 + number } },
        { ...newRun, name: `Trial ${number}` },
      ),
    ).runId
  })
  const measured = trialRuns[0] ?? ''
  good(writer.startAttempt(measured))
  good(writer.appendEvents(measured, 1, [stepEvent(1, 9), evaluationEvent(2, 9, 0.25, true)]))
  const end = { studyId, number: 0, rungLosses: [], reason: null, work: null }
  good(writer.endTrial({ ...end, status: 'complete', lossNats: 0.25, lossStep: 9 }))
  good(writer.changeStudy(studyId, { status: 'running' }))
  if (runs > 1) good(writer.addLink({ runId: runIds[1]!, kind: 'retried-from', parent: runIds[0]! }))
  good(writer.saveView({ name: 'Good ones', query: { minRating: 4 } }))
  good(writer.markRun(runIds[0]!, { rating: 5, isPinned: true }))
  good(writer.close())
  return { path, runIds, studyId }
}

/** The first trial says another loss than its run measured, as if somebody had put it in by hand. */
export const falsifyLoss = (path: string): number =>
  forgeRows(path, 'trials_end_once', 'UPDATE trials SET loss_nats = 0.01 WHERE number = 0')

type Writer = Extract<ReturnType<typeof openJournalWriter>, { ok: true }>['value']

export function addRun(writer: Writer, newRun: NewRun, n: number, events: number): string {
  const { id } = good(
    writer.createRun({ ...newRun, recipe: sampleRecipe(n), notes: `night ${n}`, tags: ['mine'] }),
  )
  const { attempt } = good(writer.startAttempt(id))
  const steps = Array.from({ length: events }, (_, step) => stepEvent(step + 1, step + 1, 1 / (step + 1 + n)))
  good(writer.appendEvents(id, attempt, [...steps, evaluationEvent(events + 1, events, 0.5, true)]))
  good(
    writer.finishRun(id, {
      reason: 'completed',
      bestStep: events,
      bestLossNats: 0.5,
      adapterSha256: 'b'.repeat(64),
    }),
  )
  const path = `runs/${id}/adapter/adapter_model.safetensors`
  good(writer.addArtifact({ runId: id, kind: 'adapter', path, bytes: 9, sha256: 'b'.repeat(64) }))
  const subject = (name: 'base' | 'tuned') => ({
    ...{
      runId: id,
      subject: name,
      datasetFingerprint: sampleLibrary.dataset.fingerprint,
      metrics: { accuracy: n },
    },
    answers: [1, 2, 3].map((row) => ({
      ...{ rowId: `row-${row}`, expected: 'billing', answer: `word${n} ${name}`, scores: { accuracy: 1 } },
    })),
  })
  const comparison = { runId: id, body: { verdict: { kind: 'better' }, n } }
  good(writer.recordTestSetOpening({ datasetFingerprint: 'd'.repeat(64), runId: id, purpose: 'proof' }))
  good(writer.addProof({ base: subject('base'), tuned: subject('tuned'), comparison }))
  return id
}
