// The studies of a program that is open: put together over its journal, its runs and its queue. The same for the
// workstation and the terminal.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { Library } from '../system/library.ts'
import type { LiveRuns } from '../training/live-runs.ts'
import type { RunQueue } from '../training/run-queue-port.ts'
import { runFolderOf } from '../training/run-service.ts'
import type { WarmTrainers } from '../training/warm-trainer.ts'
import { createTrialPlanner } from './plan-trial.ts'
import { systemStudyClock } from './study-ports.ts'
import { takeStudyRequests } from './study-requests.ts'
import { createStudyService, type StudyService } from './study-service.ts'

export interface OpenStudiesPorts {
  readonly library: Library
  readonly reader: JournalReader
  readonly writer: JournalWriter
  readonly runs: LiveRuns
  readonly queue: RunQueue
  readonly warmTrainers: WarmTrainers
  /** Something of this study is not as it was. */
  readonly tell: (studyId: string) => void
}

/** Nothing goes on before `goOn` or `begin` is called. */
export function openStudies({ library, warmTrainers, tell, ...ports }: OpenStudiesPorts): StudyService {
  const studies = createStudyService({
    ...ports,
    planner: createTrialPlanner(library),
    clock: systemStudyClock,
    runFolderOf: (runId) => runFolderOf(library, runId),
    emit: tell,
    takeRequests: () => takeStudyRequests(library),
    warmTrainer: () => warmTrainers.open(),
  })
  ports.queue.attachStudies(studies)
  return studies
}
