// What a trainer that stays open holds for its next run: the model as it was verified, rows as tokens, where weights of few
// bits lie, compiled graphs, files with the states of frozen blocks. What is taken again is exactly what would be made anew:
// files are the same by what the system says of them, everything else by what it was made from.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FrozenCache } from '#core/training/frozen-cache.ts'
import { hasClassHead } from '#core/training/method-of.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import type { Opened, Quantised, StageParts } from './compile-job.ts'
import { createKeptSessions } from './kept-sessions.ts'
import { type MemoryLook, plannedMemory, type TriedRows } from './memory-check.ts'
import { type OpenModel, openModel } from './open-model.ts'
import type { PlannedStage, RowSource } from './plan-stages.ts'
import { type PreparedRows, prepareRows, prepareTexts } from './prepare-rows.ts'
import type { ReuseTally } from './reuse-tally.ts'

/** One run's way to what is kept: it counts in `tally`, and what it opens for itself goes into `opened`. */
export interface RunParts {
  openModel(): Promise<OpenModel>
  readonly rows: RowSource
  /** For as long as `opened` is open. */
  stageParts(opened: Opened[]): StageParts
  readonly triedRows: TriedRows
  /** Whether graphs of other runs take memory beside this one's. */
  holdsOthers(): boolean
}

export interface KeptParts {
  forRun(job: TrainerJob, tally: ReuseTally, memory: MemoryLook | null): RunParts
  /** Lets go of everything. */
  close(): Promise<void>
}

/** Graphs that wait for a run which wants them again, whatever memory there is. */
const mostIdleGraphs = 6

interface Kept<T> {
  readonly key: string
  readonly value: T
}

export function createKeptParts(): KeptParts {
  const sessions = createKeptSessions()
  const triedRows: TriedRows = new WeakMap()
  const caches = new Map<string, FrozenCache>()
  const rows = new Map<RowsOf, Kept<PreparedRows>>()
  let model: Kept<OpenModel> | null = null
  let quantised: Kept<Quantised | undefined> | null = null

  async function close(): Promise<void> {
    await sessions.close()
    for (const cache of caches.values()) cache.close()
    for (const { value } of rows.values()) value.close()
    caches.clear()
    rows.clear()
    model = null
    quantised = null
  }

  /** With a model that is not the one from before everything goes: it was all made of that one. */
  async function openModelOnce(job: TrainerJob, tally: ReuseTally): Promise<OpenModel> {
    const key = JSON.stringify([job.recipe.model.weightsSha256, await filesOf(job.modelFolder, modelFiles)])
    if (model?.key === key) {
      tally.isModelReused = true
      return model.value
    }
    await close()
    const value = await openModel(job)
    model = { key, value }
    return value
  }

  async function rowsOnce(of: RowsOf, job: TrainerJob, open: OpenModel, tally: ReuseTally) {
    const key = rowsKey(job, open)
    const known = rows.get(of)
    const value = known?.key === key ? known.value : await makeRows[of](job, open)
    if (known !== undefined && value !== known.value) known.value.close()
    rows.set(of, { key, value })
    if (of === 'rows') tally.areTokensReused = known?.value === value || value.isReused
    return value
  }

  async function quantisedOnce(job: TrainerJob, make: () => Promise<Quantised | undefined>) {
    const { base } = job.recipe.method
    const files = [`model.${base}.safetensors`, `model.${base}.json`]
    const keyNow = async () => JSON.stringify([base, await filesOf(job.modelFolder, files)])
    if (base !== 'float' && quantised?.key === (await keyNow())) return quantised.value
    const value = await make()
    quantised = { key: await keyNow(), value }
    return value
  }

  function cacheOnce(folder: string, roomBytes: number, open: () => FrozenCache): FrozenCache {
    const known = caches.get(folder)
    if (known?.goOn(roomBytes)) return known
    known?.close()
    const cache = open()
    caches.set(folder, cache)
    return cache
  }

  return {
    close,
    forRun: (job, tally, memory) => ({
      triedRows,
      holdsOthers: sessions.holdsIdle,
      openModel: () => openModelOnce(job, tally),
      rows: {
        rows: (of, open) => rowsOnce('rows', of, open, tally),
        texts: (of, open) => rowsOnce('texts', of, open, tally),
      },
      stageParts: (opened) => ({
        async session(key, compile) {
          const { session, isReused } = await sessions.take(key, compile)
          if (isReused) tally.graphsReused += 1
          else tally.graphsCompiled += 1
          opened.push({ dispose: () => sessions.leave(key, job.staysOpen ?? false) })
          return session
        },
        quantised: quantisedOnce,
        cache: cacheOnce,
        makeRoom: (keys, stage) => sessions.makeRoom(new Set(keys), roomFor(stage, memory)),
        tally,
      }),
    }),
  }
}

type RowsOf = 'rows' | 'texts'
const makeRows = { rows: prepareRows, texts: prepareTexts } as const

/** What decides a run's rows, beside the files of the model that they were made for. */
function rowsKey({ datasetFolder, cacheFolder, recipe }: TrainerJob, { textSha256 }: OpenModel): string {
  const { data, scenario, instruction, batch, evaluation, method } = recipe
  return JSON.stringify([
    [datasetFolder, cacheFolder, data.fingerprint, textSha256],
    [scenario, instruction, batch.maxTokens, evaluation.mostRows, hasClassHead(method)],
  ])
}

/** Enough where the stage would fit beside what is held, though some of that may be what it takes. */
function roomFor(stage: PlannedStage, memory: MemoryLook | null) {
  let wholeBytes: number | null = null
  return async (idle: number): Promise<boolean> => {
    if (idle > mostIdleGraphs) return false
    if (memory === null) return true
    wholeBytes ??= (await plannedMemory(stage)).total
    return memory.availableBytes() >= wholeBytes
  }
}

const modelFiles = ['model.safetensors', 'config.json', 'tokenizer.json', 'tokenizer_config.json']

/** Which files these are, by what the system says of them: a byte that changed, changed the time of its change. */
async function filesOf(folder: string, names: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const found = await stat(path, { bigint: true }).catch(() => null)
      return found === null
        ? `${path} is not there`
        : [path, found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
    }),
  )
}
