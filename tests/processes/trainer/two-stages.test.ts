// A run that learns texts of its field before its rows, through the trainer's own job: the first stage teaches what it
// reads, both train the same weights, and a run that is stopped anywhere ends bit for bit as one that was not.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TrainerEvent, TrainerEventOf, TrainerJob } from '#shared/trainer-protocol.ts'
import type { MemoryLook } from '../../../src/processes/trainer/memory-check.ts'
import { runJobHere } from './run-job-here.ts'
import type { TestLibrary } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'
import { firstSteps, makeTwoStageLibrary } from './two-stage-runs.ts'

vi.setConfig({ testTimeout: 120_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTwoStageLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

let runs = 0
const makeJob = (changes: Record<string, unknown> = {}): Promise<TrainerJob> => {
  runs += 1
  const settings = {
    duration: { epochs: 2 },
    evaluation: { everySteps: 5, patience: null },
    checkpoints: { everySeconds: null, everySteps: 100 },
  }
  return tiny.makeJob(`run-${runs}`, { ...settings, ...changes })
}

const ofKind = <K extends TrainerEvent['kind']>(
  events: readonly TrainerEvent[],
  kind: K,
): TrainerEventOf<K>[] => events.filter((event): event is TrainerEventOf<K> => event.kind === kind)

const lossesOf = (events: readonly TrainerEvent[], stage: 1 | undefined): number[] =>
  ofKind(events, 'step')
    .filter((event) => event.stage === stage)
    .map(({ lossNats }) => lossNats)

const lora = { kind: 'lora', rank: 4, alpha: 8 }

const ways: readonly (readonly [name: string, changes: Record<string, unknown>])[] = [
  ['LoRA', { method: lora }],
  ['the whole model', { method: { kind: 'full' }, optimizer: { learningRate: 0.003 } }],
  ['rows packed in both stages', { method: lora, batch: { microRows: 4, accumulation: 2, packing: true } }],
  ['a base of 4 bits', { method: { ...lora, base: 'nf4' } }],
  [
    'the uppermost block, what lies below computed once',
    { method: { ...lora, topLayers: 1 }, reuseFrozenLayers: true },
  ],
  [
    'noise, an average and moments in 8 bits',
    {
      method: { ...lora, rank: 128, alpha: 256 },
      optimizer: { kind: 'adamw-8bit', learningRate: 0.003 },
      regularisation: { neftuneAlpha: 5, averaging: 0.8 },
    },
  ],
]

/** In the first stage, at its end and in the second one; in the quick run so for the first way, at the end for the others. */
const stopsOf = (name: string): number[] =>
  process.env.TUNEWRIGHT_LONG || name === 'LoRA' ? [2, firstSteps, firstSteps + 3] : [firstSteps]

describe.each(ways)('%s', (name, changes) => {
  it('learns the texts and then the rows, and goes on from either stage as if never stopped', async () => {
    const whole = await runJobHere(await makeJob(changes))
    const texts = lossesOf(whole, 1)
    expect(texts).toHaveLength(firstSteps)
    expect(texts.at(-1)!).toBeLessThan(texts[0]! - 0.2)
    const measured = ofKind(whole, 'evaluation')
    expect(measured[0]!.step).toBe(firstSteps)
    expect(Math.min(...measured.slice(1).map(({ lossNats }) => lossNats))).toBeLessThan(
      measured[0]!.lossNats - 0.3,
    )

    for (const stopAt of stopsOf(name)) {
      const job = await makeJob(changes)
      expect(finishedOf(await runJobHere(job, stopAt)).reason).toBe('cancelled')
      const rest = await runJobHere(job)
      expect(finishedOf(rest).adapterSha256).toBe(finishedOf(whole).adapterSha256)
      const after = ofKind(whole, 'step').filter(({ step }) => step > stopAt)
      expect(ofKind(rest, 'step').map(({ step, lossNats, gradNorm }) => [step, lossNats, gradNorm])).toEqual(
        after.map(({ step, lossNats, gradNorm }) => [step, lossNats, gradNorm]),
      )
    }
  })
})

describe('the first stage', () => {
  it('is told in the plan, and a text that is too long is left out with its stage', async () => {
    const events = await runJobHere(await makeJob())
    const [plan] = ofKind(events, 'plan')
    expect(ofKind(events, 'notice')[0]?.text).toMatch(
      /^One row takes no part in training: first stage: \d+ tokens; 200 are allowed/,
    )
    expect(plan).toMatchObject({
      totalSteps: firstSteps + 10,
      stepsPerEpoch: 5,
      trainRows: 39,
      before: { steps: firstSteps, stepsPerEpoch: 3, trainRows: 19 },
      leftOut: [{ reason: expect.stringMatching(/^first stage: \d+ tokens; 200 are allowed/) }],
    })
    expect(plan!.before!.stepWork).toBeGreaterThan(0.5)
  })

  it('reads texts as a run of the domain scenario does: every token a target, one text behind the other', async () => {
    const all = { batch: { microRows: 19, accumulation: 1, maxTokens: 200 } }
    const both = await makeJob({ ...all, before: { epochs: 1 }, duration: { epochs: 1, maxSteps: 1 } })
    const [ofStage] = ofKind(await runJobHere(both), 'step')
    const { before: _, ...recipe } = both.recipe
    const alone = {
      ...both,
      runFolder: join(tiny.library.runsFolder, 'run-1'),
      datasetFolder: both.beforeFolder!,
      recipe: {
        ...recipe,
        before: null,
        data: { fingerprint: both.recipe.before!.fingerprint },
        scenario: 'domain' as const,
        batch: { ...recipe.batch, packing: true },
      },
    }
    await rm(join(alone.runFolder, 'checkpoints'), { recursive: true, force: true })
    const [ofDomain] = ofKind(await runJobHere(alone), 'step')
    expect(ofStage!.labelledTokens).toBe(ofDomain!.labelledTokens)
    expect(ofStage!.tokensSeen).toBe(ofDomain!.tokensSeen)
    expect(ofStage!.lossNats).toBeCloseTo(ofDomain!.lossNats, 5)
    expect(ofStage!.gradNorm).toBeCloseTo(ofDomain!.gradNorm, 4)
  })

  it('has a learning rate of its own where the recipe says so', async () => {
    const events = await runJobHere(await makeJob({ before: { learningRate: 0.002 } }))
    const highest = (stage: 1 | undefined): number =>
      Math.max(
        ...ofKind(events, 'step').flatMap((event) => (event.stage === stage ? [event.learningRate] : [])),
      )
    expect(highest(1)).toBeCloseTo(0.002, 3)
    expect(highest(undefined)).toBeGreaterThan(0.009)
  })

  it('stopped in it leaves no version, says so, and the best of the second stage may be what the first one left', async () => {
    const job = await makeJob({ optimizer: { learningRate: 1e-9 }, before: { learningRate: 0.01 } })
    const stopped = await runJobHere(job, 3)
    expect(finishedOf(stopped)).toMatchObject({
      reason: 'cancelled',
      adapterSha256: null,
      bestStep: null,
      step: 3,
    })
    expect(ofKind(stopped, 'notice').slice(1)).toEqual([
      { kind: 'notice', text: expect.stringContaining('Stopped in the first stage') },
    ])
    expect(await readdir(job.runFolder)).toEqual(['checkpoints'])

    const atBorder = await runJobHere(job, firstSteps + 1)
    expect(finishedOf(atBorder).bestStep).toBe(firstSteps)
    expect(finishedOf(atBorder).adapterSha256).not.toBeNull()
  })

  it('goes on from a checkpoint only with the same texts and the same settings', async () => {
    const job = await makeJob()
    await runJobHere(job, 3)
    const other = await tiny.makeJob('other', { before: null })
    const epochs = { ...job, recipe: { ...job.recipe, before: { ...job.recipe.before!, epochs: 3 } } }
    for (const changed of [epochs, { ...other, runId: job.runId, runFolder: job.runFolder }])
      expect((await runJobHere(changed)).at(-1)).toMatchObject({
        kind: 'failed',
        problem: { code: 'run.not-resumable' },
      })
  })

  it('without a usable text is no stage to begin with', async () => {
    const job = await makeJob({ batch: { microRows: 4, maxTokens: 16 } })
    expect((await runJobHere(job)).at(-1)).toMatchObject({
      kind: 'failed',
      problem: {
        code: 'data.too-few-rows',
        where: expect.stringContaining('first stage'),
        remedy: expect.stringContaining('train without a first stage'),
      },
    })
  })
})

describe('memory', () => {
  const run = (job: TrainerJob, memory: MemoryLook): Promise<TrainerEvent[]> =>
    runJobHere(job, Number.POSITIVE_INFINITY, memory)
  const plenty: MemoryLook = {
    residentBytes: () => 100e6,
    peakResidentBytes: () => 200e6,
    availableBytes: () => 64e9,
  }
  const tries = (events: readonly TrainerEvent[]): number =>
    ofKind(events, 'phase').filter(({ detail }) => detail === 'trying the longest rows').length

  // The second was tried once more at the border: minutes of a large model, for what was known.
  it('is tried once for each stage, before the first step, and no bit changes', async () => {
    const events = await run(await makeJob(), plenty)
    const firstStep = events.findIndex(({ kind }) => kind === 'step')
    expect([tries(events.slice(0, firstStep)), tries(events)]).toEqual([2, 2])
    const untried = await runJobHere(await makeJob())
    expect(finishedOf(events).adapterSha256).toBe(finishedOf(untried).adapterSha256)
  })

  it('above the plan is told once, not at each stage', async () => {
    const events = await run(await makeJob(), { ...plenty, peakResidentBytes: () => 900e6 })
    const [leftOut, ...others] = ofKind(events, 'notice')
    expect(leftOut?.text).toContain('no part in training')
    expect(others).toEqual([{ kind: 'notice', text: expect.stringContaining('900 MB') }])
  })

  it('too short for the second stage ends the run before the first', async () => {
    const events = await run(await makeJob(), { ...plenty, availableBytes: () => 20e6 })
    expect(events.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'memory.too-small' } })
    expect(ofKind(events, 'step')).toEqual([])
  })

  it('that became short in the first stage ends the run at the border, from where it goes on', async () => {
    const job = await makeJob()
    let looks = 0
    const memory: MemoryLook = {
      ...plenty,
      availableBytes: () => {
        looks += 1
        return looks > 4 ? 1e6 : 64e9
      },
    }
    const events = await run(job, memory)
    expect(events.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'memory.too-small' } })
    expect(ofKind(events, 'step').at(-1)).toMatchObject({ step: firstSteps, stage: 1 })
    expect(ofKind(events, 'checkpoint').at(-1)!.step).toBe(firstSteps)
    const rest = await run(job, plenty)
    expect(ofKind(rest, 'plan')[0]!.resumedAtStep).toBe(firstSteps)
    expect(ofKind(rest, 'step').some(({ stage }) => stage === 1)).toBe(false)
    expect(finishedOf(rest).reason).toBe('completed')
  })
})
