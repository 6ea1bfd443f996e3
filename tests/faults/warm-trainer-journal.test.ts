// Runs that share a trainer process, with the real launcher, supervisor and journal: each has its own end there and what it
// found ready, a kill in one is nobody else's, and one that is given up is at its end.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createWarmTrainers } from '#core/training/warm-trainer.ts'
import { unwrap } from '#shared/result.ts'
import type { PruneRung } from '#shared/study.ts'
import { openTinyRuns, type TinyRuns } from './tiny-runs.ts'

let runs: TinyRuns

beforeAll(async () => {
  runs = await openTinyRuns()
})
afterAll(() => runs.close())

const addRun = (learningRate: number): Promise<string> =>
  runs.addRun({
    optimizer: { learningRate },
    duration: { epochs: 2 },
    evaluation: { atShares: [1 / 5, 1], patience: null },
    checkpoints: { everySeconds: null, everySteps: 2 },
  })

test('runs in one process end in the journal each for itself, whatever became of the one before', {
  timeout: 600_000,
}, async () => {
  const launcher = createNodeLauncher()
  const service = runs.serviceOf(launcher)
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
  const reused = (runId: string) =>
    unwrap(runs.reader.eventsOfKind(runId, 'reused', 2)).map(({ body }) => body)
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
    expect(unwrap(runs.reader.getRun(third!))).toMatchObject({ endReason: 'pruned', adapterSha256: null })
    expect(reused(third!)).toMatchObject([{ isModelReused: true, graphsReused: 2, graphsCompiled: 0 }])

    expect(await live(fourth!)).toMatchObject({ status: 'finished', problem: null })
    for (const runId of [first!, second!, third!, fourth!]) {
      expect(unwrap(runs.reader.verifyChain(runId)).intact).toBe(true)
      expect(unwrap(runs.reader.getRun(runId)).endReason).toBe(runId === third ? 'pruned' : 'completed')
    }
  } finally {
    warm.close()
  }
})
