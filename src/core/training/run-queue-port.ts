// What rooms ask of the one queue that runs and studies of this computer stand in, and what it asks of them. Types only.
import type { JournalWriter } from '#journal/writer.ts'
import type { QueueItem } from '#shared/contract/index.ts'
import type { DeviceId } from '#shared/devices.ts'
import type { QueueEntry } from '#shared/journal-commands.ts'
import type { RunDetail } from '#shared/journal-types.ts'
import type { Result } from '#shared/result.ts'
import type { JournalStudy, StudyTrial } from '#shared/study.ts'

export type QueueKind = QueueItem['kind']

/** A place on the computer, held until it is given back. */
export interface Turn {
  /** The graphics card to compute on, by its number from 0; null on the processor, and where the system gives one. */
  readonly card: number | null
  /** Ends it. A second time does nothing. */
  release(): void
}

export interface TurnWish {
  readonly kind: QueueKind
  readonly id: string
  /** What the next piece of work is computed on. */
  readonly device: DeviceId
  /** Where it does not stand in the journal's queue yet: left out, 1 of a run and 0 of a study. */
  readonly priority?: number
  /** Told where the turn does not come at once, and whenever the reason changes. */
  readonly onWaiting?: (reason: string) => void
}

export interface AskedTurn {
  /** Stays open for good where the wish is taken back or the program closes. */
  readonly granted: Promise<Turn>
  /** Takes the wish back, or gives the turn back; its entry in the journal's queue stays. */
  cancel(): void
}

/** What the queue shows of a study. */
export interface QueuedStudy {
  readonly name: string
  readonly projectId: string
  readonly projectName: string
  /** Why it does not want a turn now (outside its hours, paused); null where it does. */
  readonly holding: string | null
  /** What it does while it has a turn, in one sentence. */
  readonly doing: string
  /** Of the whole study. */
  readonly timeLeftMs: number | null
  readonly doneShare: number | null
  /** Of the trial under way. */
  readonly turnLeftMs: number | null
}

export interface StudySource {
  /** Null where there is no living study of this id: its entry in the queue is then taken out. */
  describe(studyId: string): QueuedStudy | null
  pause(studyId: string): Promise<Result<unknown>> | Result<unknown>
}

export interface RunQueue {
  /**
   * For each piece of work of a study. Whoever wants the next one too asks for it before giving the last one back: else
   * what stands behind it goes first. Several at once are possible; each gets a place of its own.
   */
  askTurn(wish: TurnWish): AskedTurn
  /**
   * Puts a run of the journal into the queue and launches it when its turn comes: at once where nothing is ahead of it,
   * and then a launch that fails is the answer. Problems: run.active where it is at work or waits already.
   */
  enqueueRun(runId: string): Promise<Result<Record<string, never>>>
  /** Why it waits, in one sentence; null where it does not stand in the queue, or has its turn. */
  waitingReason(kind: QueueKind, id: string): string | null
  list(): QueueItem[]
  move(kind: QueueKind, id: string, by: 1 | -1): Result<Record<string, never>>
  /** A run that waits becomes `cancelled`, a study is paused. Problems: run.active of a run at work; run.not-resumable. */
  remove(kind: QueueKind, id: string): Promise<Result<Record<string, never>>>
  /** To be told before studies stand in it. */
  attachStudies(source: StudySource): void
  /** Something that a study's entry shows or waits for changed, e.g. its hours began. Resolves when it was looked at. */
  noticeChange(): Promise<void>
  /** After a start of the program: what was left waiting goes on by itself, except the runs that were just interrupted. */
  goOn(interruptedRuns: readonly string[]): void
  /** No turn is granted any more; what waits stays in the journal's queue. */
  close(): Promise<void>
}

/** The journal's part of it. */
export interface QueueWriter extends Pick<JournalWriter, 'failRun' | 'setRunStatus'> {
  enqueue(entry: QueueEntry): Result<unknown>
  dequeue(kind: QueueKind, id: string): Result<unknown>
  moveInQueue(kind: QueueKind, id: string, by: 1 | -1): Result<unknown>
}
export interface QueueReader {
  /** In the order in which they go. */
  queue(): Result<readonly QueueRecord[]>
  getRun(runId: string): Result<RunDetail>
  study(studyId: string): Result<JournalStudy>
  trials(studyId: string): Result<StudyTrial[]>
}
export type QueueRecord = Pick<QueueItem, 'kind' | 'id' | 'priority' | 'addedAtMs'>
