// Runs one after the other in one real trainer process: each gives exactly what it gives in a process of its own, says what
// it found ready, and nothing is left behind when one dies.
import { fork } from 'node:child_process'
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ChildExit, createNodeLauncher } from '#core/system/launcher.ts'
import { entryPath } from '#core/system/program-places.ts'
import { createWarmTrainers, type WarmTrainer } from '#core/training/warm-trainer.ts'
import {
  type TrainerCommand,
  type TrainerEvent,
  type TrainerEventOf,
  type TrainerJob,
  type TrainerMessage,
  trainerEvent,
} from '#shared/trainer-protocol.ts'
import { hasTensorflow, linkTensorflow } from '../../support/tensorflow-engine.ts'
import { type HeadRuns, makeHeadRuns } from './head-runs.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'
import { curveOf, finishedOf, runTrainer, stored } from './trainer-process.ts'

vi.setConfig({ testTimeout: 400_000 })

let tiny: TestLibrary
let heads: HeadRuns
beforeAll(async () => {
  tiny = await makeTinyLibrary()
  heads = await makeHeadRuns()
})
afterAll(async () => {
  await rm(tiny.library.home, { recursive: true, force: true })
  await rm(heads.tiny.library.home, { recursive: true, force: true })
})

const trainers = createWarmTrainers(createNodeLauncher(), 600_000)
let warm: WarmTrainer = trainers.open()
afterEach(() => {
  warm.close()
  warm = trainers.open()
})

interface Ended {
  readonly events: readonly TrainerEvent[]
  readonly messages: readonly TrainerMessage[]
  readonly pid: number | undefined
  readonly exit: ChildExit
}

/** A run through the warm trainer, to what its supervisor takes for its end. */
function runWarm(job: TrainerJob, onEvent: (event: TrainerEvent, kill: () => void) => void = () => {}) {
  const child = warm.launcher.launch('trainer')
  const messages: TrainerMessage[] = []
  return new Promise<Ended>((resolve) => {
    child.onMessage((raw) => {
      const { seq, event } = raw as TrainerMessage
      messages.push({ seq, event: trainerEvent.parse(event) })
      onEvent(event, () => child.kill())
    })
    child.onExit((exit) =>
      resolve({ events: stored(messages).map(({ event }) => event), messages, pid: child.pid, exit }),
    )
    child.send({ kind: 'start', job } satisfies TrainerCommand)
  })
}

const reusedOf = (events: readonly TrainerEvent[]): TrainerEventOf<'reused'> => {
  const found = events.find((event) => event.kind === 'reused')
  if (found === undefined) throw new Error('nothing was said of what was found ready')
  return found
}

/** What a run computed and left, to the bit. */
const resultOf = (events: readonly TrainerEvent[]) => {
  const { reason, step, bestStep, bestLossNats, adapterSha256 } = finishedOf(events)
  return { curve: curveOf(events), reason, step, bestStep, bestLossNats, adapterSha256 }
}

const settings = {
  duration: { epochs: 1 },
  evaluation: { everySteps: 2, patience: null },
  checkpoints: { everySeconds: null, everySteps: 100 },
}
let jobs = 0
const makeJob = (changes: Record<string, unknown> = {}): Promise<TrainerJob> => {
  jobs += 1
  return tiny.makeJob(`run-${jobs}`, { ...settings, ...changes })
}

/** The same run in a process of its own, which finds no tokens and no states on the disk either. */
async function alone(job: TrainerJob) {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'tunewright-cold-'))
  const runFolder = `${job.runFolder}-alone`
  const { messages } = await runTrainer({ ...job, cacheFolder, runFolder })
  await rm(cacheFolder, { recursive: true, force: true })
  return stored(messages).map(({ event }) => event)
}

const lora = { kind: 'lora', rank: 4, alpha: 8 }

describe('runs in one process', () => {
  it('give the bits of a process of their own: other rates, ranks, seeds, bases, frozen blocks, and back', async () => {
    const trials: readonly (readonly [string, Record<string, unknown>, Partial<TrainerEventOf<'reused'>>])[] =
      [
        ['first', {}, { isModelReused: false, graphsReused: 0, graphsCompiled: 2 }],
        ['another rate', { optimizer: { learningRate: 0.002 } }, { graphsReused: 2, graphsCompiled: 0 }],
        ['another seed', { seed: 7 }, { graphsReused: 2, graphsCompiled: 0 }],
        ['another optimizer', { optimizer: { kind: 'adamw-8bit' } }, { graphsReused: 2, graphsCompiled: 0 }],
        ['another rank', { method: { ...lora, rank: 8 } }, { graphsReused: 0, graphsCompiled: 2 }],
        ['the first rank', { duration: { epochs: 2 } }, { graphsReused: 2, graphsCompiled: 0 }],
        ['4 bits', { method: { ...lora, base: 'int4' } }, { graphsReused: 0, graphsCompiled: 2 }],
        ['4 bits again', { method: { ...lora, base: 'int4' }, seed: 3 }, { graphsReused: 2 }],
        [
          'frozen blocks',
          { method: { ...lora, topLayers: 1 }, reuseFrozenLayers: true },
          { graphsCompiled: 3, frozenRowsReused: 0 },
        ],
        [
          'frozen blocks, another rank',
          { method: { ...lora, topLayers: 1, rank: 2 }, reuseFrozenLayers: true },
          { graphsReused: 1, graphsCompiled: 2, frozenRowsComputed: 0 },
        ],
        ['decomposed', { method: { ...lora, decomposed: true } }, { graphsCompiled: 2 }],
        // More than six others have come since: its graphs were let go.
        ['the first', {}, { graphsReused: 0, graphsCompiled: 2 }],
      ]
    const pids = new Set<number | undefined>()
    for (const [index, [name, changes, found]] of trials.entries()) {
      const job = await makeJob(changes)
      const { events, pid, exit } = await runWarm(job)
      expect(exit, name).toEqual({ code: 0, signal: null, lastWords: '' })
      expect(resultOf(events), name).toEqual(resultOf(await alone(job)))
      expect(reusedOf(events), name).toMatchObject({
        isModelReused: index > 0,
        areTokensReused: index > 0,
        ...found,
      })
      expect(events.at(-2)?.kind).toBe('reused')
      pids.add(pid)
    }
    expect(pids.size).toBe(1)
  })

  it('give the bits of a process of their own with a new last layer', async () => {
    const head = (changes: Record<string, unknown>) =>
      heads.makeJob('classification', {
        duration: { epochs: 3 },
        method: { kind: 'head' },
        reuseFrozenLayers: true,
        ...changes,
      })
    for (const [changes, computed] of [
      [{}, true],
      [{ optimizer: { learningRate: 0.01 } }, false],
      [{ method: { kind: 'lora-head', rank: 2, alpha: 4 } }, false],
    ] as const) {
      const job = await head(changes)
      const { events } = await runWarm(job)
      expect(resultOf(events)).toEqual(resultOf(await alone(job)))
      expect(reusedOf(events).frozenRowsComputed > 0).toBe(computed)
    }
  })

  it('say zeros where nothing is found ready, in a process that does not stay too', async () => {
    const told = reusedOf(await alone(await makeJob()))
    expect(told).toMatchObject({
      isModelReused: false,
      areTokensReused: false,
      graphsReused: 0,
      graphsCompiled: 2,
      frozenRowsReused: 0,
      frozenRowsComputed: 0,
      frozenMs: 0,
    })
    expect(told.preparingMs).toBeGreaterThan(0)
  })

  it('check the model anew once its file is another one, and refuse one that changed', async () => {
    const weights = join(tiny.modelFolder, 'model.safetensors')
    const before = await readFile(weights)
    finishedOf((await runWarm(await makeJob())).events)
    await utimes(weights, new Date(), new Date())
    expect(reusedOf((await runWarm(await makeJob())).events)).toMatchObject({
      isModelReused: false,
      graphsReused: 0,
    })
    const changed = Buffer.from(before)
    changed[changed.length - 1] = changed.at(-1)! ^ 1
    await writeFile(weights, changed)
    try {
      const { events } = await runWarm(await makeJob())
      expect(events.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'model.damaged' } })
    } finally {
      await writeFile(weights, before)
    }
    const job = await makeJob()
    expect(resultOf((await runWarm(job)).events)).toEqual(resultOf(await alone(job)))
  })

  it.skipIf(process.platform !== 'linux')('hold no more memory after ten runs than after two', async () => {
    const residentBytes = async (pid: number | undefined): Promise<number> =>
      4096 * Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1])
    const seen: number[] = []
    for (let run = 0; run < 12; run += 1) {
      const rank = [4, 8][run % 2]
      const { pid, events } = await runWarm(await makeJob({ method: { ...lora, rank }, seed: run }))
      finishedOf(events)
      seen.push(await residentBytes(pid))
    }
    expect(Math.max(...seen.slice(8)), `resident bytes ${seen}`).toBeLessThan(
      1.1 * Math.max(...seen.slice(1, 4)),
    )
  })
})

describe.skipIf(!hasTensorflow())('runs in one process on TensorFlow', () => {
  beforeAll(() => linkTensorflow(tiny.library.enginesFolder))

  it('give the numbers of a process of their own', async () => {
    for (const [changes, graphsReused] of [
      [{}, 0],
      [{ optimizer: { learningRate: 0.002 }, seed: 9 }, 2],
      [{ method: { ...lora, rank: 8 } }, 0],
      [{}, 2],
    ] as const) {
      const job = {
        ...(await makeJob({ ...changes, device: 'tensorflow-cpu' })),
        enginesFolder: tiny.library.enginesFolder,
      }
      const { events } = await runWarm(job)
      expect(reusedOf(events)).toMatchObject({ graphsReused, graphsCompiled: 2 - graphsReused })
      expect(resultOf(events)).toEqual(resultOf(await alone(job)))
    }
  })
})

describe('the process behind runs', () => {
  it('is another one after a kill inside a run and after one between two, and the run goes on bit for bit', async () => {
    const checkpoints = { everySeconds: null, everySteps: 2 }
    const job = await makeJob({ checkpoints, duration: { epochs: 2 } })
    const whole = resultOf(await alone(job))
    const first = await runWarm(job, (event, kill) => {
      if (event.kind === 'step' && event.step === 5) kill()
    })
    expect(first.exit.signal).toBe('SIGKILL')
    const firstSeq = 1 + stored(first.messages).length
    const second = await runWarm({ ...job, firstSeq })
    expect(second.pid).not.toBe(first.pid)
    expect(finishedOf(second.events)).toMatchObject({ adapterSha256: whole.adapterSha256 })
    expect(curveOf([...first.events, ...second.events])).toEqual(whole.curve)

    // Dead, and nobody may know yet when the next run comes.
    process.kill(second.pid!, 'SIGKILL')
    const other = await makeJob()
    const third = await runWarm(other)
    expect(third.pid).not.toBe(second.pid)
    expect(resultOf(third.events)).toEqual(resultOf(await alone(other)))
  })

  it('is another one for another number of threads, and for a run beside it', async () => {
    const one = await runWarm(await makeJob())
    const two = await runWarm(await makeJob({ threads: 2 }))
    expect(two.pid).not.toBe(one.pid)
    const [three, four] = await Promise.all([
      runWarm(await makeJob({ threads: 2 })),
      runWarm(await makeJob({ threads: 2 })),
    ])
    expect(three.pid).not.toBe(four.pid)
    expect([three.pid, four.pid]).toContain(two.pid)
    for (const { events } of [three, four]) finishedOf(events)
  })

  it('serves the next run after one that diverged, and not after one that failed otherwise', async () => {
    const first = await runWarm(await makeJob())
    const diverged = await runWarm(
      await makeJob({
        optimizer: { kind: 'sgd', learningRate: 1, clipNorm: null, beta1: 0.9 },
        method: { ...lora, alpha: 1e30 },
      }),
    )
    expect(diverged.events.at(-1)).toMatchObject({ kind: 'failed', problem: { code: 'training.diverged' } })
    const job = await makeJob()
    const after = await runWarm(job)
    expect(after.pid).toBe(first.pid)
    expect(resultOf(after.events)).toEqual(resultOf(await alone(job)))
    const failed = await runWarm({ ...(await makeJob()), datasetFolder: join(tiny.library.home, 'nowhere') })
    expect(failed.events.at(-1)?.kind).toBe('failed')
    expect((await runWarm(await makeJob())).pid).not.toBe(first.pid)
  })

  it('hears no command that was meant for the run before', async () => {
    const job = await makeJob()
    const child = warm.launcher.launch('trainer')
    await new Promise<void>((resolve) => {
      child.onExit(() => resolve())
      child.onMessage((raw) => {
        if ((raw as TrainerMessage).event.kind === 'finished') child.send({ kind: 'cancel' })
      })
      child.send({ kind: 'start', job })
    })
    child.send({ kind: 'cancel' })
    const next = await runWarm(await makeJob())
    expect(next.pid).toBe(child.pid)
    expect(finishedOf(next.events).reason).toBe('completed')
  })

  it('ends when its memory is wanted, when its study is over, and when nobody comes', async () => {
    const isThere = (pid: number | undefined): boolean => {
      try {
        return process.kill(pid!, 0)
      } catch {
        return false
      }
    }
    const first = await runWarm(await makeJob())
    expect(isThere(first.pid)).toBe(true)
    trainers.letGo()
    await vi.waitFor(() => expect(isThere(first.pid)).toBe(false), 10_000)
    const second = await runWarm(await makeJob())
    expect(second.pid).not.toBe(first.pid)
    warm.close()
    await vi.waitFor(() => expect(isThere(second.pid)).toBe(false), 10_000)
    warm = createWarmTrainers(createNodeLauncher(), 50).open()
    const third = await runWarm(await makeJob())
    await vi.waitFor(() => expect(isThere(third.pid)).toBe(false), 10_000)
  })

  it('ends with the program that started it, while it waits', async () => {
    const job = { ...(await makeJob()), staysOpen: true }
    const child = fork(entryPath('trainer'), [], { serialization: 'advanced', stdio: 'ignore', execArgv: [] })
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await new Promise<void>((resolve) => {
      child.on('message', (raw) => {
        if ((raw as TrainerMessage).event.kind === 'finished') resolve()
      })
      child.send({ kind: 'start', job })
    })
    expect(child.exitCode).toBeNull()
    child.disconnect()
    expect(await exited).toBe(0)
  })
})
