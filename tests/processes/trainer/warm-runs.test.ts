// Runs one after the other in one real trainer process: each gives exactly what it gives in a process of its own, and says what
// it found ready. What becomes of the process: warm-process.test.ts.
import { readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TrainerEventOf } from '#shared/trainer-protocol.ts'
import { hasTensorflow, linkTensorflow } from '../../support/tensorflow-engine.ts'
import { type HeadRuns, makeHeadRuns } from './head-runs.ts'
import { finishedOf } from './trainer-process.ts'
import { alone, lora, makeJob, place, resultOf, reusedOf, runWarm } from './warm-runs.ts'

vi.setConfig({ testTimeout: 400_000 })

/** In the quick run every second one is computed in a process of its own too; all of them go through the one process. */
const isComparedAt = (index: number): boolean => Boolean(process.env.TUNEWRIGHT_LONG) || index % 2 === 1

let heads: HeadRuns
beforeAll(async () => {
  heads = await makeHeadRuns()
})
afterAll(() => rm(heads.tiny.library.home, { recursive: true, force: true }))

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
      if (isComparedAt(index)) expect(resultOf(events), name).toEqual(resultOf(await alone(job)))
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
    const weights = join(place.tiny.modelFolder, 'model.safetensors')
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
  beforeAll(() => linkTensorflow(place.tiny.library.enginesFolder))

  it('give the numbers of a process of their own', async () => {
    const trials = [
      [{}, 0],
      [{ optimizer: { learningRate: 0.002 }, seed: 9 }, 2],
      [{ method: { ...lora, rank: 8 } }, 0],
      [{}, 2],
    ] as const
    for (const [index, [changes, graphsReused]] of trials.entries()) {
      const job = {
        ...(await makeJob({ ...changes, device: 'tensorflow-cpu' })),
        enginesFolder: place.tiny.library.enginesFolder,
      }
      const { events } = await runWarm(job)
      expect(reusedOf(events)).toMatchObject({ graphsReused, graphsCompiled: 2 - graphsReused })
      if (isComparedAt(index)) expect(resultOf(events)).toEqual(resultOf(await alone(job)))
    }
  })
})
