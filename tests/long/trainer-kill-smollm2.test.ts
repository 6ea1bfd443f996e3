// kill -9 of a real trainer process on the real SmolLM2-135M, 20 times: what is resumed equals, bit for bit, a run that
// nobody disturbed, and the next start leaves no half-written file.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importModel } from '../../src/core/models/import-model.ts'
import { unwrap } from '../../src/shared/result.ts'
import { allMoments, describeKills, type KillReport, killTrainers } from '../faults/kill-trainer.ts'
import { makeTestLibrary, messagesCsv, type TestLibrary } from '../processes/trainer/tiny-run.ts'
import { findStarterGguf } from '../support/models.ts'

const gguf = findStarterGguf()

describe.skipIf(gguf === null)('a trainer of SmolLM2-135M killed with SIGKILL', () => {
  let library: TestLibrary
  let seen: KillReport
  beforeAll(async () => {
    library = await makeTestLibrary(messagesCsv(30), async (home) => unwrap(await importModel(home, gguf!)))
    seen = await killTrainers(library, {
      settings: {
        threads: 2,
        method: { kind: 'lora', rank: 8, alpha: 16 },
        optimizer: { learningRate: 2e-4 },
        batch: { microRows: 2, accumulation: 2, maxTokens: 128 },
        duration: { epochs: 2 },
        evaluation: { everySteps: 3, patience: null },
        checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
      },
      kills: 20,
      withinMs: {
        'anywhere in training': 20_000,
        saving: 400,
        measuring: 1_500,
        'just after a checkpoint': 200,
        'a step': 1_500,
        starting: 5_000,
        'writing the adapter': 200,
      },
    })
    console.info(describeKills(seen))
  }, 3_600_000)
  afterAll(() => rm(library.library.home, { recursive: true, force: true }))

  it('was killed 20 times, at every kind of moment', () => {
    expect(seen.kills).toHaveLength(20)
    expect(new Set(seen.kills.map(({ moment }) => moment))).toEqual(new Set(allMoments))
  })

  it('goes on bit for bit: each killed run ends with the curve, the best step and the adapter of the undisturbed one', () => {
    const { adapterSha256, bestStep, bestLossNats } = seen.undisturbed.finished
    expect(adapterSha256).toMatch(/^[0-9a-f]{64}$/)
    for (const { curve, finished } of seen.runs) {
      expect(curve).toEqual(seen.undisturbed.curve)
      expect(finished).toMatchObject({ adapterSha256, bestStep, bestLossNats })
    }
  })

  it('leaves no temporary file in a run that went to its end, and none anywhere after the next start', () => {
    for (const { orphans } of seen.runs) expect(orphans).toEqual([])
    expect(seen.orphansAfterNextStart).toEqual([])
  })
})
