// kill -9 of a real trainer process on a tiny model, once at every kind of moment (20 times in the long run): what is
// resumed equals, bit for bit, a run that nobody disturbed, and the next start leaves no half-written file.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTinyLibrary, type TestLibrary } from '../processes/trainer/tiny-run.ts'
import { allMoments, describeKills, type KillReport, killTrainers } from './kill-trainer.ts'

const kills = process.env.TUNEWRIGHT_LONG ? 20 : allMoments.length

describe('a trainer of a tiny model killed with SIGKILL', () => {
  let tiny: TestLibrary
  let seen: KillReport
  beforeAll(async () => {
    tiny = await makeTinyLibrary()
    seen = await killTrainers(tiny, {
      settings: {
        // Wide enough for moments in 8 bits, and with every file that a checkpoint can have.
        method: { kind: 'lora', rank: 128, alpha: 256 },
        optimizer: { kind: 'adamw-8bit', learningRate: 0.003 },
        regularisation: { averaging: 0.9 },
        duration: { epochs: 6 },
        evaluation: { everySteps: 3, patience: null },
        checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
      },
      kills,
      withinMs: {
        'anywhere in training': 1500,
        saving: 40,
        measuring: 20,
        'just after a checkpoint': 15,
        'a step': 30,
        starting: 800,
        'writing the adapter': 20,
      },
    })
    console.info(describeKills(seen))
  }, 1_800_000)
  afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

  it(`was killed ${kills} times, at every kind of moment`, () => {
    expect(seen.kills).toHaveLength(kills)
    expect(new Set(seen.kills.map(({ moment }) => moment))).toEqual(new Set(allMoments))
  })

  it('goes on bit for bit: each killed run ends with the curve, the best step and the adapter of the undisturbed one', () => {
    const { adapterSha256, bestStep, bestLossNats } = seen.undisturbed.finished
    expect(adapterSha256).toMatch(/^[0-9a-f]{64}$/)
    expect(seen.undisturbed.curve.size).toBeGreaterThan(30)
    expect(seen.runs.length).toBeGreaterThanOrEqual(kills / 5)
    for (const { curve, finished } of seen.runs) {
      expect(curve).toEqual(seen.undisturbed.curve)
      expect(finished).toMatchObject({ adapterSha256, bestStep, bestLossNats })
    }
  })

  it('leaves no temporary file in a run that went to its end', () => {
    for (const { orphans } of seen.runs) expect(orphans).toEqual([])
  })

  it('leaves no temporary file after the next start, beside the model neither', () => {
    expect(seen.orphansAfterNextStart).toEqual([])
  })
})
