// Runs as trials of a study, in real trainer processes on a tiny random Llama: measured at shares of their steps on some of
// the rows, and given up at a rung, the same after a kill.
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import { runJobHere } from './run-job-here.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'
import { curveOf, eventsIn, finishedOf, runTrainer, startTrainer, stored } from './trainer-process.ts'

vi.setConfig({ testTimeout: 300_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTinyLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

const shares = { atShares: [1 / 5, 3 / 5, 1], patience: null }
const makeTrial = (runId: string, evaluation: Record<string, unknown> = {}): Promise<TrainerJob> =>
  tiny.makeJob(runId, {
    evaluation: { ...shares, ...evaluation },
    checkpoints: { everySeconds: null, everySteps: 4 },
  })
const measured = (events: readonly TrainerEvent[]) =>
  events.flatMap((event) => (event.kind === 'evaluation' ? [event] : []))

describe('a run that is measured at shares of its steps', () => {
  it('says where before it begins, is measured there, and learns what it would learn otherwise', async () => {
    const usual = await runJobHere(await tiny.makeJob('usual', { evaluation: { patience: null } }))
    const trial = await runJobHere(await makeTrial('shares'))
    expect(trial.find(({ kind }) => kind === 'plan')).toMatchObject({
      totalSteps: 15,
      evaluateAtSteps: [3, 9, 15],
    })
    expect(usual.find(({ kind }) => kind === 'plan')).not.toHaveProperty('evaluateAtSteps')
    expect(measured(trial).map(({ step }) => step)).toEqual([0, 3, 9, 15])
    const steps = (events: readonly TrainerEvent[]) =>
      events.flatMap((event) => (event.kind === 'step' ? [event.lossNats] : []))
    expect(steps(trial)).toEqual(steps(usual))
  })

  it('writes no answers where nobody reads them, and learns the same', async () => {
    const kinds = (events: readonly TrainerEvent[]) => events.map(({ kind }) => kind)
    const usual = await runJobHere(await makeTrial('answering'))
    expect(kinds(usual)).toContain('samples')
    const silent = await runJobHere({ ...(await makeTrial('silent')), withoutSamples: true })
    expect(kinds(silent)).not.toContain('samples')
    expect(curveOf(silent)).toEqual(curveOf(usual))
    expect(finishedOf(silent).adapterSha256).toBe(finishedOf(usual).adapterSha256)
  })

  it('takes some of the rows, the same ones for every seed and rate', async () => {
    const plan = { validationRows: 4 }
    const events = await runJobHere(await makeTrial('some', { mostRows: 4 }))
    expect(events.find(({ kind }) => kind === 'plan')).toMatchObject(plan)
    const other = await tiny.makeJob('other', {
      evaluation: { ...shares, mostRows: 4 },
      optimizer: { learningRate: 0.002 },
      seed: 7,
    })
    const others = measured(await runJobHere(other))
    // Before the first step an adapter changes nothing: the same rows give the same loss.
    expect(others[0]).toMatchObject({
      lossNats: measured(events)[0]!.lossNats,
      labelledTokens: expect.any(Number),
    })
    expect(others.at(-1)!.lossNats).not.toBe(measured(events).at(-1)!.lossNats)
    const all = measured(await runJobHere(await makeTrial('all')))[0]!
    expect(measured(events)[0]!.labelledTokens).toBeLessThan(all.labelledTokens)
    expect(measured(await runJobHere(await makeTrial('more', { mostRows: 100 })))[0]!.lossNats).toBe(
      all.lossNats,
    )
  })
})

describe('a run that is given up at a rung', () => {
  const given = async (runId: string): Promise<TrainerJob> => {
    const whole = measured(await runJobHere(await makeTrial(`${runId}-whole`)))
    const rungs = [
      { share: 1 / 5, aboveNats: whole[1]!.lossNats },
      { share: 3 / 5, aboveNats: whole[2]!.lossNats - 1e-9 },
    ]
    return { ...(await makeTrial(runId)), pruneAt: rungs }
  }

  it('ends with its last measurement: no version, no state, no answers of that step', async () => {
    const job = await given('pruned')
    const { messages, exit } = await runTrainer(job)
    expect(exit).toMatchObject({ code: 0, lastWords: '' })
    const events = eventsIn(messages)
    const last = measured(events).at(-1)!
    expect(finishedOf(events)).toMatchObject({
      reason: 'pruned',
      step: 9,
      bestStep: 9,
      bestLossNats: last.lossNats,
      adapterSha256: null,
    })
    const behind = events.slice(events.indexOf(last) + 1).map(({ kind }) => kind)
    expect(behind.filter((kind) => kind !== 'reused')).toEqual(['finished'])
    expect(existsSync(join(job.runFolder, 'adapter'))).toBe(false)
    const kept = await readdir(join(job.runFolder, 'checkpoints'))
    expect(kept.map((name) => name.slice(0, 11)).sort()).toEqual(['step-000004', 'step-000008'])
  })

  it('is given up the same after it was killed and gone on with', async () => {
    const job = await given('killed')
    const undisturbed = eventsIn((await runTrainer({ ...job, ...(await given('undisturbed')) })).messages)
    const trainer = startTrainer(job, (event, child) => {
      if (event.kind === 'step' && event.step === 6) child.kill()
    })
    expect((await trainer.exited).signal).toBe('SIGKILL')
    const firstSeq = 1 + stored(trainer.messages).length
    const rest = eventsIn((await runTrainer({ ...job, firstSeq })).messages)
    expect(rest.find(({ kind }) => kind === 'plan')).toMatchObject({ resumedAtStep: 4 })
    const { reason, step, bestStep, bestLossNats } = finishedOf(undisturbed)
    expect(finishedOf(rest)).toMatchObject({ reason, step, bestStep, bestLossNats })
    expect(reason).toBe('pruned')
    expect(curveOf([...eventsIn(trainer.messages), ...rest])).toEqual(curveOf(undisturbed))
  })
})
