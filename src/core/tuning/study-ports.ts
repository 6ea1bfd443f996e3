// What a study at work needs of the other rooms. Types, and the clock of this computer.
import type { JournalReader } from '#journal/reader.ts'
import type { JournalWriter } from '#journal/writer.ts'
import type { LiveRuns } from '../training/live-runs.ts'
import type { RunQueue } from '../training/run-queue-port.ts'
import type { WarmTrainer } from '../training/warm-trainer.ts'
import type { TrialPlanner } from './plan-trial.ts'

export interface StudyClock {
  /** UTC milliseconds. */
  nowMs(): number
  /** Calls `wake` once, after about so long; gives back what undoes this. */
  timer(afterMs: number, wake: () => void): () => void
}

export const systemStudyClock: StudyClock = {
  nowMs: () => Date.now(),
  timer(afterMs, wake) {
    const timer = setTimeout(wake, afterMs)
    return () => clearTimeout(timer)
  },
}

export interface StudyPorts {
  readonly reader: Pick<
    JournalReader,
    'study' | 'studies' | 'trials' | 'queue' | 'getRun' | 'events' | 'eventsOfKind' | 'artifacts'
  >
  readonly writer: Pick<
    JournalWriter,
    'changeStudy' | 'addTrial' | 'endTrial' | 'addLink' | 'enqueue' | 'dequeue' | 'setTags'
  >
  readonly runs: Pick<LiveRuns, 'launch' | 'stop' | 'resume' | 'stateOf' | 'ended'>
  readonly queue: Pick<RunQueue, 'askTurn' | 'noticeChange'>
  readonly planner: TrialPlanner
  readonly clock: StudyClock
  readonly runFolderOf: (runId: string) => string
  /** Something of this study is not as it was. */
  readonly tell: (studyId: string) => void
  /** Left out, each trial has a process of its own. */
  readonly warmTrainer?: () => WarmTrainer
}
