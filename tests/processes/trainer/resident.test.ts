// Jobs whose backend trains where it computes: TensorFlow, its variables on the processor as they would be on a card.
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Backend } from '#engine/index.ts'
import { measureStep } from '#processes/speedometer/measure-step.ts'
import type { SpeedEvent, StepTask } from '#shared/speed-protocol.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { MemoryLook } from '../../../src/processes/trainer/memory-check.ts'
import { findTensorflow } from '../../support/tensorflow.ts'
import { lossesIn, runJobHere, stepLossesIn } from './run-job-here.ts'
import type { TestLibrary } from './tiny-run.ts'
import { finishedOf } from './trainer-process.ts'
import { makeTwoStageLibrary } from './two-stage-runs.ts'

vi.setConfig({ testTimeout: 180_000 })

const plenty: MemoryLook = {
  residentBytes: () => 100e6,
  peakResidentBytes: () => 200e6,
  availableBytes: () => 64e9,
}

describe.skipIf(findTensorflow('float32').length === 0)(
  'a job on a backend that trains where it computes',
  () => {
    const [mapped] = findTensorflow('float32')
    const [resident] = findTensorflow('float32', 'resident')
    let tiny: TestLibrary
    let made = 0
    beforeAll(async () => {
      tiny = await makeTwoStageLibrary()
    })
    afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

    const jobOf = (changes: Record<string, unknown> = {}): Promise<TrainerJob> => {
      made += 1
      return tiny.makeJob(`run-${made}`, { before: null, duration: { epochs: 2 }, ...changes })
    }
    const runOn = (
      backend: Backend | undefined,
      job: TrainerJob,
      stopAtStep = Number.POSITIVE_INFINITY,
      memory: MemoryLook | null = null,
    ) => runJobHere(job, stopAtStep, memory, backend)

    const undisturbed = new Map<Backend | undefined, ReturnType<typeof runJobHere>>()
    /** The job without changes from its first step to its last: computed once on each, for all that is set beside it. */
    const undisturbedOn = (backend: Backend | undefined): ReturnType<typeof runJobHere> => {
      const known = undisturbed.get(backend) ?? jobOf().then((job) => runOn(backend, job))
      undisturbed.set(backend, known)
      return known
    }

    /** Largest relative distance. */
    const farthest = (a: readonly number[], b: readonly number[]): number => {
      expect(a).toHaveLength(b.length)
      return Math.max(...a.map((loss, i) => Math.abs(loss / b[i]! - 1)))
    }

    test.each([
      { name: 'LoRA' },
      {
        name: 'the whole model',
        method: { kind: 'full' },
        optimizer: { learningRate: 0.001, layerDecay: 0.8 },
      },
      { name: 'a new last layer beside adapters', method: { kind: 'lora-head', rank: 4, alpha: 8 } },
      { name: 'two stages', before: {} },
    ])('$name: the curve of the host, measurements too', async ({ name: _, ...changes }) => {
      const isPlain = Object.keys(changes).length === 0
      const run = async (backend: Backend | undefined) =>
        isPlain ? undisturbedOn(backend) : runOn(backend, await jobOf(changes))
      const [right, found] = [await run(mapped), await run(resident)]
      expect(lossesIn(right).at(-1)!).toBeLessThan(lossesIn(right)[0]!)
      expect(farthest(stepLossesIn(found), stepLossesIn(right))).toBeLessThan(1e-4)
      expect(farthest(lossesIn(found), lossesIn(right))).toBeLessThan(1e-4)
      expect(finishedOf(found)).toMatchObject({
        reason: 'completed',
        step: finishedOf(right).step,
        bestStep: finishedOf(right).bestStep,
      })
    })

    test('trying the longest rows, a stop and going on change no bit', async () => {
      const whole = finishedOf(await undisturbedOn(resident))
      const tried = await runOn(resident, await jobOf(), Number.POSITIVE_INFINITY, plenty)
      expect(tried).toContainEqual({ kind: 'phase', phase: 'training', detail: 'trying the longest rows' })
      expect(finishedOf(tried).adapterSha256).toBe(whole.adapterSha256)
      const job = await jobOf()
      for (const stopAtStep of process.env.TUNEWRIGHT_LONG ? [1, 4, 7] : [4])
        await runOn(resident, job, stopAtStep, plenty)
      expect(finishedOf(await runOn(resident, job)).adapterSha256).toBe(whole.adapterSha256)
    })

    test('a run goes from there to ONNX Runtime on the processor and back', async () => {
      const right = await undisturbedOn(mapped)
      const job = await jobOf()
      const losses: number[] = []
      for (const [backend, stopAtStep] of [
        [resident, 3],
        [undefined, 6],
        [resident, Number.POSITIVE_INFINITY],
      ] as const)
        losses.push(...stepLossesIn(await runOn(backend, job, stopAtStep)))
      expect(farthest(losses, stepLossesIn(right))).toBeLessThan(1e-4)
    })

    test.each([
      { name: 'adamw', changes: {}, isResident: true },
      { name: 'lion', changes: { optimizer: { kind: 'lion', learningRate: 1e-4 } }, isResident: false },
      { name: 'averaging', changes: { regularisation: { averaging: 0.9 } }, isResident: false },
    ])('$name: on the device: $isResident', async ({ changes, isResident }) => {
      const asked: boolean[] = []
      const watched: Backend = {
        ...resident!,
        compile: (graph, options) => {
          asked.push(options.resident !== undefined)
          return resident!.compile(graph, options)
        },
      }
      const short = { ...changes, duration: { epochs: 1, maxSteps: 2 } }
      expect(finishedOf(await runOn(watched, await jobOf(short))).reason).toBe('completed')
      // The training graph alone; others measure and write sample answers.
      expect(asked.filter(Boolean)).toHaveLength(isResident ? 1 : 0)
      expect(asked.length).toBeGreaterThan(1)
    })

    test('measuring the device tells the same gradient from its moments', async () => {
      const { recipe, modelFolder, runFolder } = await jobOf({ batch: { microRows: 3 } })
      const task: StepTask = {
        kind: 'step',
        modelFolder,
        recipe,
        tokensPerRow: 16,
        seconds: 0,
        leastSteps: 2,
      }
      const measure = async (backend: Backend) => {
        const events: SpeedEvent[] = []
        await measureStep(
          { device: 'cpu', enginesFolder: '', workFolder: runFolder, threads: 1, task },
          task,
          backend,
          { emit: async (event) => void events.push(event), signal: new AbortController().signal },
        )
        return events.find((event) => event.kind === 'stepped')!
      }
      const [found, right] = [await measure(resident!), await measure(mapped!)]
      expect(Math.abs(found.lossNats / right.lossNats - 1)).toBeLessThan(1e-5)
      const length = Math.hypot(...right.gradientSums)
      expect(length).toBeGreaterThan(0)
      const distance = Math.hypot(...right.gradientSums.map((sum, i) => sum - found.gradientSums[i]!))
      expect(distance / length).toBeLessThan(1e-5)
    })
  },
)
