// Sample answers of a run: which rows, how much time, what is told; and that training never notices them.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createOnnxBackend } from '#backends/onnx/index.ts'
import type { Backend, Graph } from '#engine/index.ts'
import { fail, ok, unwrap } from '#shared/result.ts'
import type { TrainerEvent, TrainerEventOf, TrainerJob } from '#shared/trainer-protocol.ts'
import { createControl, obeyControl } from '../../../src/processes/trainer/control.ts'
import { drawSamples, shownAnswer } from '../../../src/processes/trainer/sample-rows.ts'
import { createSampleTime } from '../../../src/processes/trainer/sample-time.ts'
import { runTrainingJob, type TrainerHost } from '../../../src/processes/trainer/training-job.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'

vi.setConfig({ testTimeout: 120_000 })

describe('which rows', () => {
  const candidates = Array.from({ length: 30 }, (_, i) => ({
    promptTokens: 100 - i,
    answer: ['often', 'often', 'often', 'often', 'rare'][i % 5]!,
  }))

  test('the same for the same seed, others for another, of short, middle and long prompts, the shortest first', () => {
    const drawn = drawSamples(candidates, 7, 3)
    expect(drawSamples(candidates, 7, 3)).toEqual(drawn)
    const others = [8, 9, 10].map((seed) => drawSamples(candidates, seed, 3))
    expect(others.some((other) => JSON.stringify(other) !== JSON.stringify(drawn))).toBe(true)
    const stretches = drawn.map(({ promptTokens }) => Math.floor((promptTokens - 71) / 10))
    expect(stretches).toEqual([0, 1, 2])
  })

  test('an answer that is not there yet is preferred', () => {
    for (let seed = 0; seed < 20; seed += 1)
      expect(new Set(drawSamples(candidates, seed, 3).map(({ answer }) => answer)).size).toBe(2)
  })

  test('no more than there are', () => {
    expect(drawSamples(candidates.slice(0, 2), 1, 3)).toHaveLength(2)
    expect(drawSamples([], 1, 3)).toEqual([])
  })
})

describe('right or wrong', () => {
  const row = { rowId: 'r', prompt: 'p', expected: 'The refund', ids: [] }
  const judged = (text: string, isEnded: boolean, isLabel: boolean) =>
    shownAnswer(row, text, { ids: [], isEnded }, isLabel).isRight

  test('a label is right, wrong, or not to be told where it was cut on its way', () => {
    expect(judged(' The refund', true, true)).toBe(true)
    expect(judged('the refund', true, true)).toBe(false)
    expect(judged('The ref', true, true)).toBe(false)
    expect(judged('The ref', false, true)).toBeNull()
    expect(judged('It is about', false, true)).toBe(false)
  })

  test('a free text is right where it says the same, and never wrong', () => {
    expect(judged('refund.', true, false)).toBe(true)
    expect(judged('the refund', false, false)).toBeNull()
    expect(judged('money back', true, false)).toBeNull()
  })

  test('half a character at the cut is not shown, and texts have an end', () => {
    expect(shownAnswer(row, 'caf\uFFFD', { ids: [], isEnded: false }, false)).toMatchObject({
      answer: 'caf',
      isCut: true,
    })
    expect(shownAnswer(row, 'x'.repeat(9000), { ids: [], isEnded: true }, false).answer).toHaveLength(4000)
  })
})

describe('time', () => {
  const step = (durationMs: number): TrainerEvent => ({
    kind: 'step',
    step: 1,
    epoch: 1,
    lossNats: 1,
    gradNorm: 1,
    learningRate: 1,
    labelledTokens: 1,
    tokensSeen: 1,
    durationMs,
  })
  const evaluation = (durationMs: number): TrainerEvent => ({
    kind: 'evaluation',
    step: 0,
    lossNats: 1,
    labelledTokens: 1,
    isBest: true,
    durationMs,
  })
  const samples = (durationMs: number): TrainerEvent => ({
    kind: 'samples',
    step: 0,
    answers: [],
    durationMs,
  })

  test('a twentieth of the work so far and of the steps to come, less what was taken', () => {
    const tokens = { intervalTokens: 2_000, validationTokens: 1_000 }
    const time = createSampleTime({ totalSteps: 100, evaluateEverySteps: 10 }, tokens)
    time.follow(evaluation(10_000))
    // Before the first step they are reckoned from the measurement.
    expect(time.allowedMs(0)).toBeCloseTo(0.05 * (10_000 + 50_000))
    time.follow(samples(3_000))
    for (let i = 0; i < 10; i += 1) time.follow(step(8_000))
    time.follow(evaluation(10_000))
    expect(time.allowedMs(10)).toBeCloseTo(0.05 * (20_000 + 80_000 + 80_000) - 3_000)
  })

  test('a whole run takes no more than a twentieth and the answers before its last interval', () => {
    const tokens = { intervalTokens: 1_000, validationTokens: 1_000 }
    const time = createSampleTime({ totalSteps: 80, evaluateEverySteps: 10 }, tokens)
    let spentMs = 0
    for (let at = 0; at <= 80; at += 10) {
      time.follow(evaluation(20_000))
      const durationMs = time.allowedMs(at)
      spentMs += durationMs
      time.follow(samples(durationMs))
      if (at < 80) for (let i = 0; i < 10; i += 1) time.follow(step(5_000))
    }
    const workMs = 9 * 20_000 + 80 * 5_000
    expect(spentMs / workMs).toBeLessThan(0.05 * (1 + 1 / 8))
  })

  test('the first and the last answers of a short run get two seconds, those between only what is left', () => {
    const tokens = { intervalTokens: 10, validationTokens: 10 }
    const time = createSampleTime({ totalSteps: 4, evaluateEverySteps: 1 }, tokens)
    time.follow(evaluation(100))
    expect(time.allowedMs(0)).toBe(2_000)
    time.follow(samples(2_000))
    expect(time.allowedMs(1)).toBeLessThan(0)
    expect(time.allowedMs(4)).toBe(2_000)
  })
})

describe('in a run', () => {
  let tiny: TestLibrary
  beforeAll(async () => {
    tiny = await makeTinyLibrary()
  })
  afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

  const settings = { evaluation: { everySteps: 5, patience: null } }
  const onnx = createOnnxBackend()
  const isDecoding = ({ inputs }: Graph): boolean => inputs.some(({ name }) => name === 'past.mask')
  /** A backend that trains, and cannot write answers. */
  const withoutAnswers: Backend = {
    ...onnx,
    compile: async (graph, options) =>
      isDecoding(graph)
        ? fail({ code: 'backend.failed', message: 'No room.', where: 'here', remedy: 'none' })
        : onnx.compile(graph, options),
  }

  /** A clock by which a training step takes seconds, as on a real model, and a token of an answer `tokenMs`. */
  function realClock(tokenMs: number): Pick<TrainerHost, 'nowMs' | 'backend'> {
    let ms = 0
    const backend: Backend = {
      ...onnx,
      async compile(graph, options) {
        const session = unwrap(await onnx.compile(graph, options))
        const runMs = isDecoding(graph) ? tokenMs : 4_000
        return ok({
          ...session,
          run(feeds) {
            ms += runMs
            return session.run(feeds)
          },
        })
      },
    }
    return { nowMs: () => ms, backend }
  }

  async function runJob(
    job: TrainerJob,
    host: Partial<TrainerHost> = {},
    onEvent: (event: TrainerEvent) => void = () => {},
  ): Promise<TrainerEvent[]> {
    const events: TrainerEvent[] = []
    const whole: TrainerHost = {
      ...obeyControl(createControl()),
      ...realClock(20),
      appVersion: 'test',
      peakResidentBytes: () => 1,
      memory: null,
      ...host,
    }
    for await (const event of runTrainingJob(job, whole)) {
      events.push(event)
      onEvent(event)
    }
    return events
  }
  const samplesIn = (events: readonly TrainerEvent[]): TrainerEventOf<'samples'>[] =>
    events.filter((event) => event.kind === 'samples')

  test('answers behind every measurement, of the same rows, and the very adapter of a run that wrote none', async () => {
    const events = await runJob(await tiny.makeJob('with-samples', settings))
    const samples = samplesIn(events)
    expect(samples.map(({ step }) => step)).toEqual([0, 5, 10, 15])
    for (const { step, answers } of samples) {
      expect(answers.length).toBeGreaterThan(0)
      const at = events.findIndex((event) => event.kind === 'samples' && event.step === step)
      expect(events[at - 1]).toMatchObject({ kind: 'evaluation', step })
      for (const [index, answer] of answers.entries())
        expect(answer).toMatchObject({
          rowId: samples[0]!.answers[index]!.rowId,
          prompt: expect.stringMatching(/\d+$/),
          expected: expect.stringMatching(/^(money|shipping|access)$/),
        })
    }
    const saidAt = (index: number) => samples.at(index)!.answers.map(({ answer }) => answer)
    expect(saidAt(-1)).not.toEqual(saidAt(0))

    const without = await runJob(await tiny.makeJob('without-samples', settings), { backend: withoutAnswers })
    expect(samplesIn(without)).toEqual([])
    expect(without.filter((event) => event.kind === 'notice')).toMatchObject([
      { text: expect.stringMatching(/^No more sample answers .* No room\.$/) },
    ])
    expect(finishedOf(without).adapterSha256).toBe(finishedOf(events).adapterSha256)
  })

  test('a run that goes on from a checkpoint asks the same rows, and none twice at one step', async () => {
    const job = await tiny.makeJob('resumed-samples', settings)
    let isCancelled = false
    const nextCommand = async (): Promise<'cancel' | 'continue'> => (isCancelled ? 'cancel' : 'continue')
    const first = await runJob(job, { nextCommand }, (event) => {
      if (event.kind === 'step' && event.step === 7) isCancelled = true
    })
    const second = await runJob(job)
    const samples = [...samplesIn(first), ...samplesIn(second)]
    expect(samples.map(({ step }) => step)).toEqual([0, 5, 10, 15])
    const rowIds = samples.map(({ answers }) => answers.map(({ rowId }) => rowId).join())
    expect(new Set(rowIds).size).toBe(1)
    const undisturbed = await runJob(await tiny.makeJob('undisturbed-samples', settings))
    const told = (events: readonly TrainerEventOf<'samples'>[]) =>
      events.map(({ step, answers }) => ({ step, answers }))
    expect(told(samples)).toEqual(told(samplesIn(undisturbed)))
    expect(finishedOf(second).adapterSha256).toBe(finishedOf(undisturbed).adapterSha256)
  })

  test('a command ends the answers at the next token: what is written is told, and the run obeys', async () => {
    let looks = 0
    let isMeasured = false
    const nextCommand = async () => {
      if (isMeasured) looks += 1
      return looks > 4 ? 'cancel' : 'continue'
    }
    const job = await tiny.makeJob('stopped-samples', settings)
    const events = await runJob(job, { nextCommand }, (event) => {
      if (event.kind === 'evaluation') isMeasured = true
    })
    expect(looks).toBeLessThan(8)
    const [samples] = samplesIn(events)
    // Three prompts were read and one more token was written.
    expect(samples!.answers).toHaveLength(3)
    expect(samples!.answers.some(({ isCut }) => isCut)).toBe(true)
    expect(finishedOf(events)).toMatchObject({ reason: 'cancelled', step: 0 })
  })

  test('where tokens are slow there are fewer of them, and a run is not made longer by more than is allowed', async () => {
    const events = await runJob(await tiny.makeJob('slow-samples', settings), realClock(1_500))
    const samples = samplesIn(events)
    expect(samples.map(({ step }) => step)).toContain(0)
    expect(samples[0]!.answers.length).toBeLessThan(3)
    expect(samples[0]!.answers.every(({ isCut }) => isCut)).toBe(true)
    const sum = (kinds: readonly string[]): number =>
      events.reduce(
        (total, event) =>
          total + ('durationMs' in event && kinds.includes(event.kind) ? event.durationMs : 0),
        0,
      )
    // One token more may be under way when the time is over.
    expect(sum(['samples'])).toBeLessThan(
      0.05 * 1.34 * sum(['step', 'evaluation']) + 1_500 * samples.length + 2_000,
    )
  })
})
