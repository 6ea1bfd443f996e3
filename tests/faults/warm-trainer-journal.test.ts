// Runs that share a trainer process, with the real launcher, supervisor and journal: each has its own end there and what it
// found ready, a kill in one is nobody else's, and one that is given up is at its end.
import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createRunService } from '#core/training/run-service.ts'
import { createWarmTrainers } from '#core/training/warm-trainer.ts'
import { type JournalReader, openJournalReader } from '#journal/reader.ts'
import { type JournalWriter, openJournalWriter } from '#journal/writer.ts'
import { unwrap } from '#shared/result.ts'
import type { PruneRung } from '#shared/study.ts'
import { makeTinyLibrary, type TestLibrary } from '../processes/trainer/tiny-run.ts'

let tiny: TestLibrary
let writer: JournalWriter
let reader: JournalReader

beforeAll(async () => {
  tiny = await makeTinyLibrary()
  writer = unwrap(openJournalWriter(tiny.library.journalPath))
  reader = unwrap(openJournalReader(tiny.library.journalPath))
})
afterAll(async () => {
  reader.close()
  writer.close()
  await rm(tiny.library.home, { recursive: true, force: true })
})

async function addRun(learningRate: number): Promise<string> {
  const { recipe, datasetFolder } = await tiny.makeJob('never-launched', {
    optimizer: { learningRate },
    duration: { epochs: 2 },
    evaluation: { atShares: [1 / 5, 1], patience: null },
    checkpoints: { everySeconds: null, everySteps: 2 },
  })
  const project = unwrap(writer.ensureProject({ name: 'warm', scenario: 'classification' }))
  const { id, weightsSha256 } = recipe.model
  unwrap(writer.addModel({ id, name: id, source: 'test', licence: 'none', weightsSha256, parameters: 1 }))
  const counts = { train: 1, validation: 1, test: 1, leftOut: 0 }
  unwrap(
    writer.addDataset({
      fingerprint: basename(datasetFolder),
      scenario: 'classification',
      sourceName: 'messages.csv',
      manifest: {},
      counts,
    }),
  )
  const run = { projectId: project.id, name: 'run', recipe, backend: 'not started', device: {}, versions: {} }
  return unwrap(writer.createRun(run)).id
}

test('runs in one process end in the journal each for itself, whatever became of the one before', {
  timeout: 600_000,
}, async () => {
  const launcher = createNodeLauncher()
  const service = createRunService({ library: tiny.library, writer, reader, launcher, silentLimitMs: 60_000 })
  const warm = createWarmTrainers(launcher).open()
  const pids = new Map<string, number | undefined>()
  async function live(runId: string, pruneAt: readonly PruneRung[] = [], killAtStep = -1) {
    const run = unwrap(await service.launch(runId, null, { pruneAt, warmTrainer: warm.launcher }))
    run.onEvent(({ event }) => {
      if (event.kind === 'phase') pids.set(runId, run.pid)
      if (event.kind === 'step' && event.step === killAtStep) process.kill(run.pid!, 'SIGKILL')
    })
    return run.ended
  }
  const reused = (runId: string) => unwrap(reader.eventsOfKind(runId, 'reused', 2)).map(({ body }) => body)
  const [first, second, third, fourth] = await Promise.all([0.01, 0.005, 0.02, 0.001].map(addRun))
  try {
    expect(await live(first!)).toMatchObject({ status: 'finished', problem: null })
    expect(reused(first!)).toMatchObject([{ isModelReused: false, graphsReused: 0 }])

    expect(await live(second!, [], 5)).toMatchObject({ status: 'crashed' })
    expect(pids.get(second!)).toBe(pids.get(first!))
    expect(reused(second!)).toEqual([])
    expect(await live(second!)).toMatchObject({ status: 'finished', problem: null })
    expect(pids.get(second!)).not.toBe(pids.get(first!))

    await live(third!, [{ share: 1 / 5, aboveNats: 0.001 }])
    expect(pids.get(third!)).toBe(pids.get(second!))
    expect(unwrap(reader.getRun(third!))).toMatchObject({ endReason: 'pruned', adapterSha256: null })
    expect(reused(third!)).toMatchObject([{ isModelReused: true, graphsReused: 2, graphsCompiled: 0 }])

    expect(await live(fourth!)).toMatchObject({ status: 'finished', problem: null })
    for (const runId of [first!, second!, third!, fourth!]) {
      expect(unwrap(reader.verifyChain(runId)).intact).toBe(true)
      expect(unwrap(reader.getRun(runId)).endReason).toBe(runId === third ? 'pruned' : 'completed')
    }
  } finally {
    warm.close()
  }
})
