// The core as one thing: opens the library and its journal, puts the rooms' handlers together, closes in order. The
// same for the desktop program, the browser host, the command line and tests.
import {
  type AnyHandlers,
  type CoreHandlers,
  contractEvents,
  type Emit,
  type EventName,
  type EventPayload,
} from '#shared/contract/index.ts'
import { attempt, type Problem, type Result, unwrap } from '#shared/result.ts'
import { createAdviceHandlers } from '../advice/advice-handlers.ts'
import { createArchiveHandlers } from '../archive/archive-handlers.ts'
import { createJournalHandlers } from '../archive/journal-handlers.ts'
import { createOpenedJournals } from '../archive/opened-journals.ts'
import { createChatHandlers } from '../chat/chat-handlers.ts'
import { createDataHandlers } from '../data/data-handlers.ts'
import { createPreparedRows } from '../data/prepared-rows.ts'
import { createSentFiles } from '../data/sent-files.ts'
import { createPreparedTexts } from '../data/stage-texts.ts'
import { createUploads } from '../data/uploads.ts'
import { createDeviceHandlers } from '../devices/device-handlers.ts'
import { createEngineHandlers } from '../engines/engine-handlers.ts'
import { sweepEngines } from '../engines/engine-library.ts'
import { createExperimentHandlers } from '../experiments/experiment-handlers.ts'
import { createExportHandlers } from '../export/export-handlers.ts'
import { createModelHandlers } from '../models/model-handlers.ts'
import { sweepModels } from '../models/model-library.ts'
import { createProjectHandlers } from '../projects/project-handlers.ts'
import { createProjectSource } from '../projects/project-source.ts'
import { createProjectStore } from '../projects/project-store.ts'
import { createPredictHandlers } from '../proof/predict-handlers.ts'
import { createProofHandlers } from '../proof/proof-handlers.ts'
import { createJobBoard } from '../system/jobs.ts'
import type { Launcher } from '../system/launcher.ts'
import type { Library } from '../system/library.ts'
import { createMachineHandlers } from '../system/machine-handlers.ts'
import { createNetworkGate } from '../system/network-gate.ts'
import { createSettingsStore } from '../system/settings-store.ts'
import { createStorageHandlers } from '../system/storage-handlers.ts'
import { createSystemHandlers } from '../system/system-handlers.ts'
import { createLiveRuns } from '../training/live-runs.ts'
import { createPlanHandlers } from '../training/plan-handlers.ts'
import { createQueueHandlers } from '../training/queue-handlers.ts'
import { createRunPlanner } from '../training/run-planner.ts'
import { createRunQueue } from '../training/run-queue.ts'
import { createRunService, runFolderOf } from '../training/run-service.ts'
import { createTrainingHandlers } from '../training/training-handlers.ts'
import { createWarmTrainers } from '../training/warm-trainer.ts'
import { openStudies } from '../tuning/open-studies.ts'
import { createStudyHandlers } from '../tuning/study-handlers.ts'
import { noteWinnerRun } from '../tuning/winner-run.ts'
import type { HostPort } from './context.ts'
import { type KeptOptions, openKept } from './open-kept.ts'
import { withTypedProblems } from './typed-replies.ts'

export interface WorkstationOptions extends KeptOptions {
  readonly launcher: Launcher
  readonly host: HostPort
  /** It stays open, so that what waits in the queue goes on by itself; left out, only what is asked for begins. */
  readonly isLasting?: boolean
}

/** Exchanging the journal closes all of this: lasting-workstation.ts does it from outside. */
type OwnHandlers = Omit<CoreHandlers, 'journal.restore' | 'journal.accept'>

type EventListener = <E extends EventName>(event: E, payload: EventPayload<E>) => void

export interface Workstation {
  readonly library: Library
  readonly handlers: AnyHandlers
  /** Runs that a crash left behind, now marked as interrupted. */
  readonly interruptedRuns: readonly string[]
  /** Sentences about the journal that a person should read once; that it is open for reading only is one. */
  readonly notices: readonly string[]
  /** Why the journal cannot be used; null where it can. Then only what needs no journal works. */
  readonly damage: Problem | null
  /** Why nothing may be exchanged under the program at the moment; null where nothing is at work. */
  workUnderWay(): Problem | null
  /** Every event, already checked; gives back what ends it. */
  onEvent(listener: EventListener): () => void
  /** Stops runs with a checkpoint and jobs, then closes the journal. */
  close(): Promise<void>
}

/** Problems: those of the journal and of an unusable home folder. */
export function createWorkstation(options: WorkstationOptions): Result<Workstation> {
  return attempt(() => {
    const { library, writer, reader, interruptedRuns, notices, damage, isReadOnly, stood } = openKept(options)
    // Beside everything else: what killed imports and engines left can be large. What cannot be looked at is tried at the next start.
    const swept = Promise.all([sweepModels(library), sweepEngines(library)]).catch(() => [])
    const listeners = new Set<EventListener>()
    const emit: Emit = (event, payload) => {
      const checked = contractEvents[event].safeParse(payload)
      if (!checked.success)
        throw new Error(`event ${event} does not fit the contract: ${checked.error.message}`)
      for (const listener of listeners) listener(event, payload)
    }
    const settings = createSettingsStore(library, emit)
    const network = createNetworkGate(settings, emit)
    const { host } = options
    const warmTrainers = createWarmTrainers(options.launcher)
    const { launcher, comesBack } = warmTrainers
    const jobs = createJobBoard(emit)
    const sent = createSentFiles()
    const journals = createOpenedJournals({ reader, stood })
    const context = {
      ...{ library, writer, reader, launcher, comesBack, host, journals },
      ...{ sent, settings, network, jobs, emit },
    }
    const service = createRunService({ library, writer, reader, launcher })
    const runs = createLiveRuns({
      service,
      reader,
      emit,
      runFolderOf: (runId) => runFolderOf(library, runId),
    })
    const queue = createRunQueue({ library, writer, reader, runs, emit })
    const studies = openStudies({
      ...{ library, writer, reader, runs, queue, warmTrainers },
      tell: (studyId) => emit('studies.changed', { studyId }),
    })
    const store = createProjectStore(library)
    const uploads = createUploads()
    const source = createProjectSource(reader, store)
    const prepare = createPreparedRows()
    const prepareTexts = createPreparedTexts(createPreparedRows())
    const planner = createRunPlanner(
      { library, reader, comesBack, pinnedDevice: () => settings.get().device },
      source,
      prepare,
      prepareTexts,
    )
    const data = createDataHandlers(context, source, store, prepare, prepareTexts, uploads)
    const { close: closeChat, ...chat } = createChatHandlers(context)
    const { close: closePredictions, ...predictions } = createPredictHandlers(context)
    const workUnderWay = (): Problem | null =>
      atWork([
        ...runs.list().map(({ name }) => name),
        ...queue.list().flatMap(({ state, name }) => (state === 'running' ? [name] : [])),
        ...jobs.list().flatMap(({ status, title }) => (status === 'running' ? [title] : [])),
      ])
    const keeping = createJournalHandlers(context, { workUnderWay, damage, isReadOnly })
    const handlers: OwnHandlers = {
      ...createSystemHandlers(context, network, runs),
      ...createMachineHandlers(context),
      ...createDeviceHandlers(context),
      ...createEngineHandlers(context),
      ...createStorageHandlers(context),
      ...createProjectHandlers(context, store),
      ...data,
      ...createModelHandlers(context),
      ...createAdviceHandlers(context, source, store),
      ...createPlanHandlers(planner),
      ...createTrainingHandlers(context, runs, queue, source, store, (runId) =>
        noteWinnerRun(runId, reader, writer),
      ),
      ...createQueueHandlers(queue),
      ...createStudyHandlers(context, { planner, projects: source, store, studies }),
      ...createProofHandlers(context),
      ...createExportHandlers(context),
      ...createArchiveHandlers(context),
      ...chat,
      ...predictions,
      ...createExperimentHandlers(context),
      ...keeping.handlers,
    }
    if (options.isLasting === true && !isReadOnly) {
      studies.goOn()
      queue.goOn(interruptedRuns)
    }
    return {
      library,
      handlers: withTypedProblems(handlers),
      interruptedRuns,
      notices,
      damage,
      workUnderWay,
      onEvent(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      async close() {
        keeping.stop()
        try {
          const ended = await Promise.allSettled([
            // All of them, whichever fails. First: the place of a run that is stopped here is nobody's.
            queue.close(),
            studies.close(),
            runs.stopAll(),
            jobs.close(),
            uploads.close(),
            closeChat(),
            closePredictions(),
            swept,
          ])
          for (const one of ended) if (one.status === 'rejected') throw one.reason
        } finally {
          journals.closeAll()
          reader.close()
          unwrap(writer.close())
        }
      },
    }
  })
}

/** A trial of a search may be named twice: as a run and by its search. */
const atWork = (names: readonly string[]): Problem | null =>
  names.length === 0
    ? null
    : {
        code: 'run.active',
        message: 'The journal is in use: a run, a search or other work is under way.',
        where: [...new Set(names)].join('; '),
        remedy: 'Wait until that is done, or stop it; then try again.',
      }
