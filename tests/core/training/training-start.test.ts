// A run that is started stands in the queue before anything else is noted of it.
import { expect, test, vi } from 'vitest'
import { createProjectSource } from '#core/projects/project-source.ts'
import { createProjectStore } from '#core/projects/project-store.ts'
import { openLibrary } from '#core/system/library.ts'
import type { LiveRuns } from '#core/training/live-runs.ts'
import type { RunQueue } from '#core/training/run-queue-port.ts'
import { createTrainingHandlers } from '#core/training/training-handlers.ts'
import type { WorkstationContext } from '#core/workstation/context.ts'
import { openJournalReader } from '#journal/reader.ts'
import { openJournalWriter } from '#journal/writer.ts'
import { ok, ProblemError, unwrap } from '#shared/result.ts'
import { newProject } from '../workstation/new-project.ts'
import { openWorkstation } from '../workstation/open-workstation.ts'

test('what cannot be noted of a started run leaves none that nobody begins', {
  timeout: 120_000,
}, async () => {
  // Bug: the winner was noted before the run was put into the queue; a full disk then left it waiting for good.
  const station = await openWorkstation()
  const { projectId } = await newProject(station)
  await station.close()
  const library = openLibrary(station.home)
  const writer = unwrap(openJournalWriter(library.journalPath))
  const reader = unwrap(openJournalReader(library.journalPath))
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const enqueued: string[] = []
  const noted: string[][] = []
  const queue: Pick<RunQueue, 'enqueueRun'> = {
    async enqueueRun(runId) {
      enqueued.push(runId)
      return ok({})
    },
  }
  const context = { library, reader, writer, comesBack: () => 0, emit: () => {} }
  const store = createProjectStore(library)
  const handlers = createTrainingHandlers(
    context as unknown as WorkstationContext,
    {} as LiveRuns,
    queue as RunQueue,
    createProjectSource(reader, store),
    store,
    () => {
      noted.push([...enqueued])
      throw new ProblemError({ code: 'disk.full', message: 'The disk is full.', where: '', remedy: '' })
    },
  )
  const changes = { 'duration.maxSteps': 6, 'batch.maxTokens': 256, device: 'cpu' }
  const asked = { projectId, preset: 'quick' as const, changes, name: 'First', retriedFrom: null }
  const { runId } = unwrap(await handlers['training.start'](asked))
  expect([enqueued, noted]).toEqual([[runId], [[runId]]])
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('could not be noted'))
  warn.mockRestore()
  reader.close()
  unwrap(writer.close())
})
