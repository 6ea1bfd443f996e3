// A device fails in the middle of a run, in every way that it can: real supervisor, real journal, real processes. What
// cannot be had here, a card that breaks, is played by a process that speaks the trainer's protocol.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { whileMeasuring } from '#core/devices/measuring-lock.ts'
import { hasComputedSince } from '#core/devices/require-quiet.ts'
import type { Launcher } from '#core/system/launcher.ts'
import type { Library } from '#core/system/library.ts'
import { createLiveRuns } from '#core/training/live-runs.ts'
import type { NextDevice } from '#core/training/next-device.ts'
import { repeatabilityOf } from '#core/training/repeatability.ts'
import { createRunService, type RunServiceOptions, runFolderOf } from '#core/training/run-service.ts'
import type { GraphicsCard } from '#shared/contract/devices.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { RunStatus } from '#shared/journal-types.ts'
import type { ProblemCode } from '#shared/problem-codes.ts'
import { ok, unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { JournalReader } from '../../src/journal/reader.ts'
import type { JournalWriter } from '../../src/journal/writer.ts'
import { figureOf, keepFigure } from '../core/devices/device-figures.ts'
import {
  finishedAt,
  forkScripted,
  openRunsToSupervise,
  type RunsToSupervise,
  type Script,
  step,
} from '../core/training/scripted-trainer.ts'
import { sampleLibrary, sampleRecipe } from '../journal/support/sample.ts'

const sha = 'a'.repeat(64)
let library: Library
let writer: JournalWriter
let reader: JournalReader
let runs: RunsToSupervise

beforeEach(() => {
  runs = openRunsToSupervise()
  ;({ library, writer, reader } = runs)
})
afterEach(() => runs.close())

function addRun(device: DeviceId, notices: readonly string[] = []): string {
  const { batch } = sampleRecipe()
  return runs.addRun({ device, batch: { ...batch, microRows: 6 } }, notices)
}

/** What a launched trainer was told, and what the journal said of the run at that moment. */
interface Launched {
  readonly job: TrainerJob
  readonly status: RunStatus
}

/** The n-th trainer follows the n-th script. */
function scripted(scripts: readonly Script[]) {
  const launched: Launched[] = []
  const launcher: Launcher = {
    launch() {
      const script = scripts[launched.length]
      if (script === undefined) throw new Error('a trainer was launched that nobody expected')
      const child = forkScripted(script)
      return {
        ...child,
        send(message) {
          const { kind, job } = message as { kind: string; job: TrainerJob }
          if (kind === 'start') launched.push({ job, status: unwrap(reader.getRun(job.runId)).status })
          child.send(message)
        },
      }
    },
  }
  return { launcher, launched }
}

const plan = (resumedAtStep: number) => ({
  kind: 'plan',
  totalSteps: 9,
  stepsPerEpoch: 3,
  evaluateEverySteps: 3,
  trainRows: 9,
  validationRows: 3,
  trainableParameters: 1,
  leftOut: [],
  resumedAtStep,
  determinism: 'bit-exact on this machine',
  backend: 'b',
})
const checkpoint = (number: number) => ({
  kind: 'checkpoint',
  step: number,
  folder: `step-${number}`,
  manifestSha256: sha,
  bytes: 1,
})
const finished = finishedAt(9)
const failed = (code: ProblemCode, message: string) => ({
  kind: 'failed',
  problem: { code, message, where: 'the card', remedy: 'r' },
})
const lost = failed('device.lost', 'The driver of the graphics card was reset.')
const outOfMemory = failed('device.out-of-memory', 'The memory of the graphics card was too small.')

/** TensorFlow on the card, then on the processor, then the processor alone. */
const order: readonly DeviceId[] = ['tensorflow-cuda', 'tensorflow-cpu', 'cpu']
const nextDevice: NextDevice = (without) => order.find((device) => !without.includes(device)) ?? null

async function run(device: DeviceId, scripts: readonly Script[], more: Partial<RunServiceOptions> = {}) {
  const runId = addRun(device, ['Planned so.'])
  const { launcher, launched } = scripted(scripts)
  const requireModel = async () => ok(undefined)
  const service = createRunService({ library, writer, reader, launcher, nextDevice, requireModel, ...more })
  const active = unwrap(await service.launch(runId))
  const places = () => launched.map(({ job }) => [job.device ?? job.recipe.device, job.rowsAtOnce ?? null])
  const notices = () =>
    unwrap(reader.eventsOfKind(runId, 'notice', 100)).map(({ body }) => (body as { text: string }).text)
  return { runId, active, launched, places, notices, service }
}

/** At every launch and at the end the journal is whole, and between attempts nobody could read that the run had failed. */
function expectOneRun(runId: string, launched: readonly Launched[]): void {
  expect(launched.map(({ status }) => status)).toEqual(launched.map(() => 'running'))
  expect(unwrap(reader.verifyChain(runId))).toMatchObject({ intact: true })
  expect(unwrap(reader.getRun(runId)).attempts).toBe(launched.length)
  const seqs = unwrap(reader.events(runId)).map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.map((_, index) => index + 1))
}

test('a device that is lost is tried once more, from the last checkpoint, and says so', async () => {
  const { runId, active, launched, places, notices } = await run('tensorflow-cuda', [
    [plan(0), step(1), checkpoint(1), step(2), lost],
    [plan(1), step(2), step(3), finished],
  ])
  expect(await active.ended).toEqual({ runId, status: 'finished', problem: null })
  expectOneRun(runId, launched)
  expect(places()).toEqual([
    ['tensorflow-cuda', null],
    ['tensorflow-cuda', null],
  ])
  expect(notices()).toEqual([
    'The driver of the graphics card was reset. The run goes on from its last checkpoint, once more on the NVIDIA card with TensorFlow.',
  ])
  const kept = unwrap(reader.getRun(runId))
  expect(kept).toMatchObject({ status: 'finished', failure: null })
  const steps = unwrap(reader.curve(runId)).train.map(({ step: number, attempt }) => [number, attempt])
  expect(steps).toEqual([
    [1, 1],
    [2, 2],
    [3, 2],
  ])
})

test.each([
  [
    'a crash in native code',
    [plan(0), step(1), checkpoint(1), '!crash'],
    /signal SIGSEGV before it was done/,
  ],
  ['an end by the system', [plan(0), step(1), checkpoint(1), '!kill'], /signal SIGKILL before it was done/],
  [
    'an end without a word',
    [plan(0), step(1), checkpoint(1), '!die'],
    /ended with code 7 before it was done/,
  ],
  ['a device that hangs', [plan(0), step(1), checkpoint(1), '!silent'], /no sign of life/],
  [
    'an error that the runtime has no name for',
    [plan(0), step(1), checkpoint(1), failed('backend.failed', 'CUDA failure 719.')],
    /CUDA failure 719/,
  ],
])('%s goes on too: after the second time on the next device', async (_name, script, words) => {
  const { runId, active, launched, places, notices } = await run(
    'tensorflow-cuda',
    [script, [plan(1), ...script.slice(-1)], [plan(1), step(2), finished]],
    { silentLimitMs: 1_500 },
  )
  expect(await active.ended).toEqual({ runId, status: 'finished', problem: null })
  expectOneRun(runId, launched)
  expect(places()).toEqual([
    ['tensorflow-cuda', null],
    ['tensorflow-cuda', null],
    ['tensorflow-cpu', null],
  ])
  expect(notices()).toHaveLength(2)
  for (const notice of notices()) expect(notice).toMatch(words)
  expect(notices()[1]).toMatch(
    /from its last checkpoint on the processor with TensorFlow instead of the NVIDIA card with TensorFlow\.$/,
  )
})

test('a device that fails each time ends on the processor, before any checkpoint too', async () => {
  const { runId, active, launched, places, notices } = await run('tensorflow-cuda', [
    [lost],
    [lost],
    [plan(0), '!crash'],
    ['!die'],
    [plan(0), step(1), finished],
  ])
  expect((await active.ended).status).toBe('finished')
  expectOneRun(runId, launched)
  expect(places().map(([device]) => device)).toEqual([
    'tensorflow-cuda',
    'tensorflow-cuda',
    'tensorflow-cpu',
    'tensorflow-cpu',
    'cpu',
  ])
  // What the plan said is told once, by the first trainer that came to it.
  const told = ['Planned so.']
  expect(launched.map(({ job }) => job.notices)).toEqual([told, told, told, [], []])
  expect(notices().at(-1)).toMatch(
    /from its beginning on the processor instead of the processor with TensorFlow/,
  )
})

test('a checkpoint between two failures counts as a new beginning: the device is kept', async () => {
  const { active, places } = await run('tensorflow-cuda', [
    [plan(0), checkpoint(1), lost],
    [plan(1), checkpoint(2), lost],
    [plan(2), checkpoint(3), lost],
    [plan(3), checkpoint(3), lost],
    [plan(3), finished],
  ])
  expect((await active.ended).status).toBe('finished')
  // The fourth attempt saved nothing newer.
  expect(places().map(([device]) => device)).toEqual([
    'tensorflow-cuda',
    'tensorflow-cuda',
    'tensorflow-cuda',
    'tensorflow-cuda',
    'tensorflow-cpu',
  ])
})

test('memory that is too small: fewer rows at once, down to one, and only then elsewhere, with all of them', async () => {
  const { runId, active, launched, places, notices } = await run('tensorflow-cuda', [
    [plan(0), checkpoint(1), outOfMemory],
    [plan(1), outOfMemory],
    [plan(1), outOfMemory],
    [plan(1), finished],
  ])
  expect((await active.ended).status).toBe('finished')
  expectOneRun(runId, launched)
  expect(places()).toEqual([
    ['tensorflow-cuda', null],
    ['tensorflow-cuda', 3],
    ['tensorflow-cuda', 1],
    ['tensorflow-cpu', null],
  ])
  expect(notices()).toEqual([
    'The memory of the graphics card was too small. The run goes on from its last checkpoint on the NVIDIA card with TensorFlow with 3 rows at a time instead of 6, added up: the same steps with the same rows, somewhat slower.',
    expect.stringContaining('with one row at a time instead of 3'),
    expect.stringMatching(/on the processor with TensorFlow instead of the NVIDIA card with TensorFlow\.$/),
  ])
  // The recipe stays what it was: a checkpoint belongs to it.
  for (const { job } of launched) expect(job.recipe.batch.rowsAtOnce).toBeNull()
})

test.each<[ProblemCode]>([['device.missing'], ['device.wrong'], ['engine.missing'], ['engine.damaged']])(
  '%s: the next device at once',
  async (code) => {
    const { active, places } = await run('tensorflow-cuda', [
      [failed(code, 'It is gone.')],
      [plan(0), finished],
    ])
    expect((await active.ended).status).toBe('finished')
    expect(places().map(([device]) => device)).toEqual(['tensorflow-cuda', 'tensorflow-cpu'])
  },
)

test('where all devices fail there is one Problem that names them, and the run can be continued by hand', async () => {
  const { runId, active, launched, service } = await run('tensorflow-cuda', [
    [lost],
    [lost],
    [failed('engine.damaged', 'The engine is damaged.')],
    ['!crash'],
    [plan(0), finished],
  ])
  const { status, problem } = await active.ended
  expect(status).toBe('crashed')
  expect(problem).toMatchObject({
    code: 'trainer.crashed',
    message:
      'The run could not go on on any device of this computer. Last, on the processor: The training process was ended by the signal SIGSEGV before it was done.',
    remedy: expect.stringContaining(`runs resume ${runId}`),
    faults: [
      { where: 'the NVIDIA card with TensorFlow', message: 'The driver of the graphics card was reset.' },
      { where: 'the processor with TensorFlow', message: 'The engine is damaged.' },
      { where: 'the processor', message: expect.stringContaining('SIGSEGV') },
    ],
  })
  expectOneRun(runId, launched)
  const kept = unwrap(reader.getRun(runId))
  expect(kept.status).toBe('crashed')
  expect(kept.failure).toEqual(problem)
  const again = unwrap(await service.launch(runId))
  expect((await again.ended).status).toBe('finished')
  expect(launched.at(-1)?.job.device).toBeUndefined()
})

test('on the processor nothing is tried again by itself', async () => {
  const { active, launched } = await run('cpu', [[plan(0), checkpoint(1), '!crash']])
  expect(await active.ended).toMatchObject({ status: 'crashed', problem: { code: 'trainer.crashed' } })
  expect(launched).toHaveLength(1)
})

test.each([
  ['with its last checkpoint', checkpoint(1), /goes on from its last checkpoint/],
  ['from its beginning where nothing was saved', step(1), /begins again with its first step/],
])('what was killed is said to go on %s', async (_, event, expected) => {
  const { active } = await run('cpu', [[plan(0), event, '!crash']])
  expect((await active.ended).problem?.remedy).toMatch(expected)
})

test('a run that begins while the computer is measured says that both are slower, and makes the figures void', async () => {
  const sinceMs = Date.now()
  expect(hasComputedSince({ reader }, sinceMs)).toBe(false)
  const { active, launched } = await whileMeasuring(library, () => run('cpu', [[plan(0), finished]]))
  await active.ended
  expect(launched[0]?.job.notices).toEqual(['Planned so.', expect.stringMatching(/being measured/)])
  expect(hasComputedSince({ reader }, sinceMs)).toBe(true)
  expect(hasComputedSince({ reader }, Date.now() + 1)).toBe(false)
})

test("a run that several backends computed parts of is not called repeatable; one that began again is the last one's", async () => {
  const on = (backend: string, resumedAtStep: number) => ({ ...plan(resumedAtStep), backend })
  const labelAfter = async (first: readonly unknown[], resumedAtStep: number) => {
    const { runId, active } = await run('tensorflow-cpu', [
      [on('A', 0), ...first, failed('device.missing', 'm')],
      [on('B', resumedAtStep), step(resumedAtStep + 1), finished],
    ])
    expect((await active.ended).status).toBe('finished')
    return repeatabilityOf(reader, unwrap(reader.getRun(runId)))
  }
  expect(await labelAfter([step(1), checkpoint(1)], 1)).toBe(
    'parts of it were computed on A and on B; not bit for bit repeatable',
  )
  expect(await labelAfter([step(1)], 0)).toBe('bit-exact on this machine')
})

test('a run that goes on elsewhere reckons with the memory of that device', async () => {
  const figure = figureOf(sampleLibrary.model.id, { peakBytes: 3e9, plannedBytes: 1e9 })
  await keepFigure(library, 'cpu', figure)
  const { active, launched } = await run(
    'tensorflow-cuda',
    [[failed('engine.missing', 'm')], [plan(0), finished]],
    {
      nextDevice: (without) => (without.includes('cpu') ? null : 'cpu'),
    },
  )
  expect((await active.ended).status).toBe('finished')
  expect(launched.map(({ job }) => job.memoryFactor)).toEqual([1, 3])
})

test.each<[ProblemCode]>([['training.diverged'], ['disk.failed'], ['model.damaged'], ['recipe.invalid']])(
  '%s is about the run, not its device: it ends',
  async (code) => {
    const { active, launched } = await run('tensorflow-cuda', [[plan(0), failed(code, 'm')]])
    expect(await active.ended).toMatchObject({ status: 'failed', problem: { code, message: 'm' } })
    expect(launched).toHaveLength(1)
  },
)

test('a trainer that had its last word and hangs in its driver ended as it said', async () => {
  const { active, notices } = await run(
    'tensorflow-cuda',
    [
      [plan(0), checkpoint(1), lost, '!silent'],
      [plan(1), finished, '!silent'],
    ],
    { silentLimitMs: 1_000 },
  )
  expect((await active.ended).status).toBe('finished')
  expect(notices()).toEqual([expect.stringMatching(/^The driver of the graphics card was reset\./)])
})

describe('a journal that cannot be written between two attempts', () => {
  const refusing = (code: ProblemCode, times: number): JournalWriter => {
    let left = times
    return {
      ...writer,
      nextAttempt(runId) {
        left -= 1
        if (left < 0) return writer.nextAttempt(runId)
        return { ok: false, problem: { code, message: 'm', where: 'w', remedy: 'r' } }
      },
    }
  }

  test('because the disk is full: the run waits for it, and goes on', async () => {
    const scripts = [
      [plan(0), checkpoint(1), lost],
      [plan(1), finished],
    ]
    const { active, launched } = await run('tensorflow-cuda', scripts, {
      writer: refusing('journal.disk-full', 3),
    })
    expect((await active.ended).status).toBe('finished')
    expect(launched).toHaveLength(2)
  })

  test('for another reason: the run ends with that', async () => {
    const broken = { writer: refusing('journal.failed', 1) }
    const { active, launched } = await run('tensorflow-cuda', [[plan(0), checkpoint(1), lost]], broken)
    expect(await active.ended).toMatchObject({ status: 'failed', problem: { code: 'journal.failed' } })
    expect(launched).toHaveLength(1)
  })
})

test('a run that was asked to stop is not begun again', async () => {
  const { active, launched } = await run('tensorflow-cuda', [[plan(0), checkpoint(1), '!await cancel', lost]])
  active.cancel()
  expect(await active.ended).toMatchObject({ status: 'failed', problem: { code: 'device.lost' } })
  expect(launched).toHaveLength(1)
})

test('a run that was asked to pause pauses in its next attempt', async () => {
  const { active, launched, runId } = await run('tensorflow-cuda', [
    [plan(0), checkpoint(1), '!await pause', '!crash'],
    [
      plan(1),
      '!await pause',
      { kind: 'paused', step: 1, problem: null },
      '!await resume',
      { kind: 'resumed', step: 1 },
      finished,
    ],
  ])
  active.pause()
  while (unwrap(reader.getRun(runId)).status !== 'paused')
    await new Promise((resolve) => setTimeout(resolve, 20))
  active.resume()
  expect((await active.ended).status).toBe('finished')
  expect(launched).toHaveLength(2)
})

describe('on the page', () => {
  test('the run is under way until it ends, and what happened is told', async () => {
    const runId = addRun('tensorflow-cuda')
    const { launcher } = scripted([
      [plan(0), step(1), step(2), checkpoint(2), step(3), step(4), lost],
      [plan(2), step(3), '!crash'],
      [plan(2), step(3), step(4), '!await resume', finished],
    ])
    const statuses = new Set<string>()
    const notices: string[] = []
    let steps: number[] = []
    const service = createRunService({ library, writer, reader, launcher, nextDevice })
    const runs = createLiveRuns({
      service,
      reader,
      runFolderOf: (id) => runFolderOf(library, id),
      emit: (event, payload) => {
        if (event !== 'training.update') return
        const {
          state,
          train,
          notices: told,
        } = payload as {
          state: { status: string }
          train: { step: number }[]
          notices: { text: string }[]
        }
        statuses.add(state.status)
        notices.push(...told.map(({ text }) => text))
        // As the screen joins them (renderer/features/training/run-view.ts).
        const [first] = train
        if (first)
          steps = [...steps.filter((known) => known < first.step), ...train.map((point) => point.step)]
      },
    })
    unwrap(await runs.launch(runId))
    while (notices.length < 2 || runs.stateOf(runId)?.step !== 4)
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect(unwrap(reader.getRun(runId)).attempts).toBe(3)
    runs.resume(runId)
    await runs.ended(runId)
    await new Promise((resolve) => setImmediate(resolve))
    expect([...statuses]).toEqual(['running', 'finished'])
    expect(notices).toEqual([
      expect.stringContaining('once more on the NVIDIA card with TensorFlow'),
      expect.stringContaining('on the processor with TensorFlow instead of'),
    ])
    expect(steps).toEqual([1, 2, 3, 4])
  })
})

describe('several cards', () => {
  const card = (name: string): GraphicsCard => ({
    name,
    vendor: 'nvidia',
    memoryBytes: null,
    driver: '590.1',
    computeCapability: '9.0',
    sentences: [],
  })
  const graphicsCards = async () => [card('first'), card('second')]

  test('two runs at once take different cards, and the third one after them the first that is free', async () => {
    const script = [plan(0), '!await cancel', { ...finished, reason: 'cancelled' }]
    const { launcher, launched } = scripted([script, script, [plan(0), finished]])
    const service = createRunService({ library, writer, reader, launcher, nextDevice, graphicsCards })
    const [first, second] = [
      unwrap(await service.launch(addRun('tensorflow-cuda'))),
      unwrap(await service.launch(addRun('tensorflow-cuda-bf16'))),
    ]
    expect(launched.map(({ job }) => job.card)).toEqual([0, 1])
    second.cancel()
    await second.ended
    const third = unwrap(await service.launch(addRun('onnx-cuda')))
    expect((await third.ended).status).toBe('finished')
    first.cancel()
    await first.ended
    expect(launched.map(({ job }) => job.card)).toEqual([0, 1, 1])
  })

  test('a card that is lost is left for the other one; a processor takes none', async () => {
    const { active, launched } = await run('tensorflow-cuda', [[lost], [lost], [plan(0), finished]], {
      graphicsCards,
    })
    await active.ended
    expect(launched.map(({ job }) => job.card)).toEqual([0, 1, undefined])
  })
})
