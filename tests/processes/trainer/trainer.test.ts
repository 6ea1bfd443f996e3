// The trainer as a real process with the ONNX backend, on a tiny random Llama.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { appVersion } from '../../../src/core/system/app-version.ts'
import { openFileBytes } from '../../../src/core/system/file-bytes.ts'
import { readSafetensorsHeader } from '../../../src/formats/safetensors.ts'
import { unwrap } from '../../../src/shared/result.ts'
import type { TrainerJob } from '../../../src/shared/trainer-protocol.ts'
import { runJobHere } from './run-job-here.ts'
import { makeTinyLibrary, messagesCsv, readJson, type TestLibrary } from './tiny-run.ts'
import { curveOf, eventsIn, finishedOf, runTrainer, startTrainer, stored } from './trainer-process.ts'

// Several processes each, of lowered priority: a busy machine may take its time.
vi.setConfig({ testTimeout: 300_000 })

let tiny: TestLibrary
beforeAll(async () => {
  tiny = await makeTinyLibrary()
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

describe('a whole run', () => {
  it('goes from loading to an adapter, numbers its events without a gap and exits', async () => {
    const job = { ...(await tiny.makeJob('whole')), firstSeq: 17 }
    const { messages, exit } = await runTrainer(job)
    expect(exit).toMatchObject({ code: 0, signal: null, lastWords: '' })
    expect(stored(messages).map(({ seq }) => seq)).toEqual(stored(messages).map((_, i) => 17 + i))
    const events = eventsIn(messages)
    expect(events.slice(0, 3)).toMatchObject([
      { kind: 'phase', phase: 'loading' },
      { kind: 'phase', phase: 'preparing' },
      { kind: 'plan', totalSteps: 15, trainRows: 39, validationRows: 9, resumedAtStep: 0, leftOut: [] },
    ])
    const finished = finishedOf(events)
    const losses = events.flatMap((event) => (event.kind === 'evaluation' ? [event.lossNats] : []))
    expect(finished).toMatchObject({ reason: 'completed', step: 15, bestLossNats: Math.min(...losses) })
    expect(finished.bestLossNats!).toBeLessThan(losses[0]! - 1)
    expect(finished.peakResidentBytes).toBeGreaterThan(10_000_000)

    const weights = await readFile(join(job.runFolder, 'adapter', 'adapter_model.safetensors'))
    expect(createHash('sha256').update(weights).digest('hex')).toBe(finished.adapterSha256)
    expect(await readdir(join(job.runFolder, 'checkpoints'))).toHaveLength(2)
    expect((await readdir(job.runFolder)).sort()).toEqual(['adapter', 'checkpoints'])
  })

  it('writes the adapter as PEFT names it', async () => {
    const job = await tiny.makeJob('peft', {
      method: { kind: 'lora', rank: 4, alpha: 8, targets: ['v_proj', 'q_proj'], topLayers: 1 },
      duration: { epochs: 1 },
    })
    finishedOf(await runJobHere(job))
    expect(await readJson(join(job.runFolder, 'adapter', 'adapter_config.json'))).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      r: 4,
      lora_alpha: 8,
      target_modules: ['q_proj', 'v_proj'],
      layers_to_transform: [1],
      bias: 'none',
    })
    const file = await openFileBytes(join(job.runFolder, 'adapter', 'adapter_model.safetensors'))
    const { tensors } = unwrap(await readSafetensorsHeader(file))
    await file.close()
    expect([...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`).sort()).toEqual([
      'base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight F32 4,32',
      'base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight F32 32,4',
      'base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight F32 4,32',
      'base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight F32 16,4',
    ])
  })

  it('names rows that are too long, and trains on the others', async () => {
    const long = await makeTinyLibrary(`${messagesCsv(30)}${'much too long '.repeat(20)},money\n`)
    try {
      const events = await runJobHere(await long.makeJob('long', { duration: { epochs: 1 } }))
      const plan = events.find((event) => event.kind === 'plan')!
      const used = plan.trainRows + plan.validationRows
      // The long row may lie in the test part, which the trainer never sees.
      for (const { reason } of plan.leftOut) expect(reason).toMatch(/^\d+ tokens; 200 are allowed/)
      expect(plan.leftOut.length).toBeLessThanOrEqual(1)
      expect(used).toBeGreaterThan(20)
      finishedOf(events)
    } finally {
      await rm(long.library.home, { recursive: true, force: true })
    }
  })
})

describe('commands', () => {
  const long = { duration: { epochs: 200 }, evaluation: { patience: null, everySteps: 500 } }

  it('pause holds the run, resume lets it go on, and the numbers stay the same', async () => {
    // So long that a quick machine is not done before the first pause arrives.
    const settings = {
      duration: { epochs: 10 },
      evaluation: { patience: null, everySteps: 25 },
      checkpoints: { everySeconds: null, everySteps: 100 },
    }
    const undisturbed = await runJobHere(await tiny.makeJob('undisturbed', settings))
    const trainer = startTrainer(await tiny.makeJob('paused', settings), (event) => {
      if (event.kind === 'step' && (event.step === 4 || event.step === 9)) trainer.send({ kind: 'pause' })
      if (event.kind === 'paused') setTimeout(() => trainer.send({ kind: 'resume' }), 200)
    })
    await trainer.exited
    const events = eventsIn(trainer.messages)
    expect(events.filter((event) => event.kind === 'paused').length).toBeGreaterThan(0)
    expect(curveOf(events)).toEqual(curveOf(undisturbed))
    expect(finishedOf(events).adapterSha256).toBe(finishedOf(undisturbed).adapterSha256)
  })

  it('cancel before the first measurement leaves a checkpoint of the last step, and no adapter', async () => {
    const job = await tiny.makeJob('cancelled', long)
    const trainer = startTrainer(job, (event) => {
      if (event.kind === 'step' && event.step === 7) trainer.send({ kind: 'cancel' })
    })
    expect((await trainer.exited).code).toBe(0)
    const finished = finishedOf(eventsIn(trainer.messages))
    expect(finished).toMatchObject({ reason: 'cancelled', adapterSha256: null })
    const saved = eventsIn(trainer.messages).filter((event) => event.kind === 'checkpoint')
    expect(saved.at(-1)!.step).toBe(finished.step)
    expect(await readdir(job.runFolder)).toEqual(['checkpoints'])
  })

  it('cancel after a measurement leaves the best version ready for use, and the run ends as if never stopped', async () => {
    const settings = { duration: { epochs: 8 }, evaluation: { patience: null, everySteps: 10 } }
    const undisturbed = finishedOf(await runJobHere(await tiny.makeJob('whole-8', settings)))
    const job = await tiny.makeJob('kept', settings)
    const trainer = startTrainer(job, (event) => {
      if (event.kind === 'evaluation' && event.step === 20) trainer.send({ kind: 'cancel' })
    })
    await trainer.exited
    const stopped = finishedOf(eventsIn(trainer.messages))
    expect(stopped.reason).toBe('cancelled')
    expect(stopped.bestStep).toBeGreaterThan(0)
    const weights = await readFile(join(job.runFolder, 'adapter', 'adapter_model.safetensors'))
    expect(createHash('sha256').update(weights).digest('hex')).toBe(stopped.adapterSha256)

    const firstSeq = stored(trainer.messages).at(-1)!.seq + 1
    const finished = finishedOf(eventsIn((await runTrainer({ ...job, firstSeq })).messages))
    expect(finished).toMatchObject({ reason: 'completed', adapterSha256: undisturbed.adapterSha256 })
    expect(finished.adapterSha256).not.toBe(stopped.adapterSha256)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('%s is a cancel', async (signal) => {
    const job = await tiny.makeJob(signal, long)
    const trainer = startTrainer(job, (event, child) => {
      if (event.kind === 'step' && event.step === 5) process.kill(child.pid!, signal)
    })
    expect(await trainer.exited).toMatchObject({ code: 0, signal: null })
    expect(finishedOf(eventsIn(trainer.messages)).reason).toBe('cancelled')
  })

  it('cancel while paused ends the run', async () => {
    const trainer = startTrainer(await tiny.makeJob('paused-cancelled', long), (event) => {
      if (event.kind === 'step' && event.step === 3) trainer.send({ kind: 'pause' })
      if (event.kind === 'paused') trainer.send({ kind: 'cancel' })
    })
    await trainer.exited
    expect(finishedOf(eventsIn(trainer.messages)).reason).toBe('cancelled')
  })

  it('heartbeats tell step and phase, also while the run is paused', async () => {
    const trainer = startTrainer(await tiny.makeJob('beating', long), (event) => {
      if (event.kind === 'step' && event.step === 3) trainer.send({ kind: 'pause' })
    })
    const paused = await trainer.waitFor((event) => event.kind === 'paused')
    const beat = await trainer.waitFor((event) => event.kind === 'heartbeat' && event.phase === 'paused')
    expect(beat).toMatchObject({ step: (paused as { step: number }).step })
    const last = stored(trainer.messages).at(-1)!.seq
    const beatMessage = trainer.messages.find(({ event }) => event === beat)!
    expect(beatMessage.seq).toBe(last)
    trainer.send({ kind: 'cancel' })
    await trainer.exited
  })
})

describe('what it refuses', () => {
  it('a job that does not follow the protocol', async () => {
    const job = await tiny.makeJob('bad')
    const { messages } = await runTrainer({ ...job, recipe: { ...job.recipe, seed: -1 } })
    expect(eventsIn(messages)).toMatchObject([
      { kind: 'failed', problem: { code: 'recipe.invalid', where: 'job.recipe.seed' } },
    ])
  })
  it('weights that are not those of the recipe', async () => {
    const job = await tiny.makeJob('weights')
    const model = { ...job.recipe.model, weightsSha256: 'f'.repeat(64) }
    const { messages, exit } = await runTrainer({ ...job, recipe: { ...job.recipe, model } })
    expect(eventsIn(messages).at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'model.damaged' } })
    expect(exit.code).toBe(0)
  })
  it('a data set without a usable row', async () => {
    const job = await tiny.makeJob('short', { batch: { maxTokens: 16 } })
    const { messages } = await runTrainer(job)
    expect(eventsIn(messages).at(-1)).toMatchObject({
      kind: 'failed',
      problem: { code: 'data.too-few-rows', remedy: expect.stringContaining('maxTokens') },
    })
  })
  it('a checkpoint of another recipe', async () => {
    await runJobHere(await tiny.makeJob('changed', { duration: { epochs: 1 } }))
    const { messages } = await runTrainer(await tiny.makeJob('changed', { duration: { epochs: 1 }, seed: 1 }))
    expect(eventsIn(messages).at(-1)).toMatchObject({
      kind: 'failed',
      problem: { code: 'run.not-resumable' },
    })
  })
  it('a learning rate that makes the loss infinite, keeping the last finite checkpoint', async () => {
    const job = await tiny.makeJob('diverged', {
      optimizer: { learningRate: 1, clipNorm: null, weightDecay: 0, epsilon: 1e-30, beta1: 0, beta2: 0 },
      method: { kind: 'lora', rank: 4, alpha: 1e30 },
      evaluation: { everySteps: 100, patience: null },
      checkpoints: { everySeconds: null, everySteps: 1 },
    })
    const { messages } = await runTrainer(job)
    expect(eventsIn(messages).at(-1)).toMatchObject({
      kind: 'failed',
      problem: { code: 'training.diverged' },
    })
  })
})

/** Changes the state of the newest checkpoint as if another program had written it: every byte still verifies. */
async function rewriteNewestState(
  job: TrainerJob,
  change: (state: { identity: Record<string, string | undefined> }) => object,
): Promise<void> {
  const checkpoints = join(job.runFolder, 'checkpoints')
  const folder = join(checkpoints, (await readdir(checkpoints)).sort().at(-1)!)
  const state = JSON.stringify(change(JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'))))
  await writeFile(join(folder, 'state.json'), state)
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  const entry = manifest.files.find(({ name }: { name: string }) => name === 'state.json')
  entry.sizeBytes = state.length
  entry.sha256 = createHash('sha256').update(state).digest('hex')
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
}

describe('resume', () => {
  it('says when another version of Tunewright or of the backend made the checkpoint, and goes on', async () => {
    const job = await tiny.makeJob('versions', { duration: { epochs: 1 } })
    const whole = await runJobHere(job)
    const inOwnProcess = async () => eventsIn((await runTrainer(job)).messages)
    const resumed = async (changes: Record<string, string | undefined>, run = () => runJobHere(job)) => {
      await rewriteNewestState(job, (state) => ({ ...state, identity: { ...state.identity, ...changes } }))
      const events = await run()
      expect(finishedOf(events).adapterSha256).toBe(finishedOf(whole).adapterSha256)
      return events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []))
    }
    expect(await resumed({})).toEqual([])
    expect(await resumed({ tunewright: '0.0.1' }, inOwnProcess)).toEqual([
      expect.stringMatching(`from Tunewright 0.0.1 to ${appVersion}.*last digits may differ`),
    ])
    // As checkpoints were before they named the version, and on another backend.
    const both = await resumed({ tunewright: undefined, backend: 'abacus 1' })
    expect(both).toEqual([
      expect.stringMatching(/from abacus 1 to onnxruntime.*from an earlier Tunewright to/),
    ])
  })
  it('of a state that this version does not write is refused as not resumable, not as damaged', async () => {
    const job = await tiny.makeJob('foreign', { duration: { epochs: 1 } })
    await runJobHere(job)
    await rewriteNewestState(job, (state) => ({ ...state, later: 'field' }))
    expect(eventsIn((await runTrainer(job)).messages).at(-1)).toMatchObject({
      kind: 'failed',
      problem: { code: 'run.not-resumable', remedy: 'Start a new run.' },
    })
  })
  it('passes a damaged newest checkpoint over with a notice and ends the same', async () => {
    const job = await tiny.makeJob('damaged')
    const whole = await runJobHere(job)
    const checkpoints = join(job.runFolder, 'checkpoints')
    const newest = (await readdir(checkpoints)).sort().at(-1)!
    await writeFile(join(checkpoints, newest, 'moments.safetensors'), 'rotten')
    await rm(join(job.runFolder, 'adapter'), { recursive: true })
    const again = await runJobHere(job)
    expect(again.find((event) => event.kind === 'notice')).toMatchObject({
      text: expect.stringContaining(newest),
    })
    expect(again.find((event) => event.kind === 'plan')).toMatchObject({ resumedAtStep: 12 })
    expect(finishedOf(again).adapterSha256).toBe(finishedOf(whole).adapterSha256)
    curveOf([...whole, ...again])
  })
  it('of a finished run writes a lost or changed adapter again, and keeps a right one', async () => {
    const job = await tiny.makeJob('finished')
    const { adapterSha256 } = finishedOf(await runJobHere(job))
    const path = join(job.runFolder, 'adapter', 'adapter_model.safetensors')
    for (const disturb of [
      async () => {},
      () => writeFile(path, 'changed'),
      () => rm(join(job.runFolder, 'adapter'), { recursive: true }),
    ]) {
      await disturb()
      const events = await runJobHere(job)
      expect(events.filter((event) => event.kind === 'step')).toEqual([])
      expect(finishedOf(events)).toMatchObject({ reason: 'completed', adapterSha256 })
      expect(
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      ).toBe(adapterSha256)
    }
  })
})
