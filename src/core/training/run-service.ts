// Starts and resumes runs: the journal knows a run before its process exists, and the process gets only verified paths.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { GraphicsCard } from '#shared/contract/devices.ts'
import type { DeviceId } from '#shared/devices.ts'
import { type RunDetail, type RunStatus, validationBody } from '#shared/journal-types.ts'
import { fail, ok, type Result } from '#shared/result.ts'
import type { PruneRung } from '#shared/study.ts'
import type { Journaled } from '#shared/trainer-protocol.ts'
import { datasetFolder } from '../data/dataset-folder.ts'
import { figureOf, nextBest } from '../devices/choose-device.ts'
import { memoryFactorOf } from '../devices/device-speed.ts'
import { createCardPlaces } from '../devices/graphics-cards-in-use.ts'
import { devicesAround } from '../devices/known-devices.ts'
import { isMeasuring } from '../devices/measuring-lock.ts'
import { lookAround } from '../devices/surroundings.ts'
import type { Launcher } from '../system/launcher.ts'
import type { Library } from '../system/library.ts'
import { readSettings } from '../system/settings-store.ts'
import { diskAttempt } from './checkpoint-format.ts'
import { removeCheckpoints } from './checkpoints.ts'
import type { NextDevice } from './next-device.ts'
import { requireModelOf } from './required-model.ts'
import { superviseAttempts } from './run-attempts.ts'
import type { RunReader, RunWriter } from './run-journal.ts'
import { dropRequest } from './run-requests.ts'
import { type ActiveRun, type Clock, systemClock } from './run-supervisor.ts'
import { notResumable } from './training-problems.ts'

export interface RunServiceOptions {
  readonly library: Library
  readonly writer: RunWriter
  readonly reader: RunReader
  readonly launcher: Launcher
  readonly clock?: Clock
  readonly silentLimitMs?: number
  /** Where a run goes on whose device failed; left out, on the best one that is left. */
  readonly nextDevice?: NextDevice
  /** Whether the model of a run that goes on is there as it was; left out, its files are looked for in the library. */
  readonly requireModel?: (run: RunDetail) => Promise<Result<void>>
  /** Left out, the graphics cards of this computer. */
  readonly graphicsCards?: () => Promise<readonly GraphicsCard[]>
}

/** What a run that is a trial of a study is told besides. */
export interface TrialLaunch {
  /** Where it is given up. */
  readonly pruneAt?: readonly PruneRung[]
  /** In place of a process of its own: one that stays open for the next trial. */
  readonly warmTrainer?: Launcher
  /** Said first, before the trainer says anything, and in the journal however that ends. */
  readonly notice?: string
}

export interface RunService {
  /**
   * Launches the trainer for a run that is in the journal and not active: a new one or one to go on with. `card` is what it
   * begins on; left out or null, one that is free.
   */
  launch(runId: string, card?: number | null, trial?: TrialLaunch): Promise<Result<ActiveRun>>
}

/** Time without any message after which a trainer counts as hung; it sends a heartbeat every second. */
const defaultSilentLimitMs = 10_000

/** States that a trainer can be launched from: a run that waits for its first one, and one that can be gone on with. */
export const launchable: readonly RunStatus[] = ['queued', 'interrupted', 'cancelled', 'failed', 'crashed']

export const runFolderOf = (library: Library, runId: string): string => join(library.runsFolder, runId)

/** What prepare-run.ts wrote down with the computer: why this device, and what was changed so that the run fits into memory. */
function noticesFor(device: unknown): string[] {
  const { notices } = (device ?? {}) as { readonly notices?: unknown }
  return Array.isArray(notices) ? notices.map(String) : []
}

/** How far the journal holds it. After going back to a backup its folder may hold checkpoints from further on. */
function howFar(reader: RunReader, { id, lastStep }: RunDetail): Result<Journaled> {
  const measured = reader.eventsOfKind(id, 'evaluation', 2)
  if (!measured.ok) return measured
  const newest = validationBody.safeParse(measured.value.at(-1)?.body)
  return ok({ step: lastStep ?? 0, evaluatedAtStep: newest.success ? newest.data.step : -1 })
}

const besideMeasurement =
  'This computer is being measured at the moment: both are slower meanwhile, and that measurement will not count.'

export function createRunService(options: RunServiceOptions): RunService {
  const {
    library,
    writer,
    reader,
    launcher,
    clock = systemClock,
    silentLimitMs = defaultSilentLimitMs,
    nextDevice,
    requireModel = (run) => requireModelOf(library, run, 'continued'),
    graphicsCards,
  } = options
  const places = createCardPlaces()
  return {
    async launch(runId, card = null, { pruneAt, warmTrainer, notice } = {}) {
      const found = reader.getRun(runId)
      if (!found.ok) return found
      const run = found.value
      if (!launchable.includes(run.status)) return fail(notResumable(runId, run.status))
      if (run.attempts > 0) {
        const model = await requireModel(run)
        if (!model.ok) return model
      }
      const runFolder = runFolderOf(library, runId)
      const made = await diskAttempt(runFolder, () => mkdir(runFolder, { recursive: true }))
      if (!made.ok) return made
      dropRequest(runFolder)
      const journaled = howFar(reader, run)
      if (!journaled.ok) return journaled
      if (run.attempts === 0) await removeCheckpoints(runFolder)
      const around = await lookAround(library)
      const devices = devicesAround(library, around)
      const isMeasured = await isMeasuring(library)
      const cards = graphicsCards ? await graphicsCards() : around.cards
      const memoryFactorOn = (device: DeviceId): number =>
        memoryFactorOf(
          figureOf(
            devices.find(({ id }) => id === device),
            run.modelId,
          ),
        )
      const started = writer.startAttempt(runId)
      if (!started.ok) return started
      const active = superviseAttempts({
        journal: writer,
        launchTrainer: () => (warmTrainer ?? launcher).launch('trainer'),
        attempt: started.value.attempt,
        ...(notice !== undefined && { notices: [notice] }),
        clock,
        silentLimitMs,
        nextDevice: nextDevice ?? ((failed) => nextBest(devices, run.modelId, failed)),
        memoryFactorOn,
        takeCard: (device) => places.take(runId, device, cards, card),
        job: {
          runId,
          recipe: run.recipe,
          modelFolder: join(library.modelsFolder, run.modelId),
          datasetFolder: datasetFolder(library, run.datasetFingerprint),
          ...(run.recipe.before && { beforeFolder: datasetFolder(library, run.recipe.before.fingerprint) }),
          runFolder,
          cacheFolder: library.cacheFolder,
          cacheLimitBytes: readSettings(library).cacheLimitBytes,
          enginesFolder: library.enginesFolder,
          memoryFactor: memoryFactorOn(run.recipe.device),
          journaled: journaled.value,
          firstSeq: started.value.firstSeq,
          notices: [...noticesFor(run.device), ...(isMeasured ? [besideMeasurement] : [])],
          ...(pruneAt && { pruneAt: [...pruneAt] }),
          ...(warmTrainer && { staysOpen: true }),
          ...(run.trial !== null && { withoutSamples: true }),
        },
      })
      void active.ended.then(() => places.leave(runId))
      return ok(active)
    },
  }
}
