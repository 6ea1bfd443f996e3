// All studies of this computer that go on by themselves: begun, paused, stopped, gone on with when the program opens. What
// the queue shows of them is said here.
import { attempt, fail, ok, type Result, unwrap } from '#shared/result.ts'
import { type JournalStudy, livingStudies, type Schedule } from '#shared/study.ts'
import type { QueuedStudy, StudySource } from '../training/run-queue-port.ts'
import { progressOf, type StudyProgress } from './study-budget.ts'
import type { StudyPorts } from './study-ports.ts'
import { atItsEnd } from './study-problems.ts'
import type { StudyRequest } from './study-requests.ts'
import { createStudyRunner, type StudyRunner } from './study-runner.ts'
import { stopAtRest } from './trial-end.ts'

type Done = Result<Record<string, never>>

export interface StudyService extends StudySource {
  /** A study of the journal that waits: it joins the queue and goes on by itself from now on. */
  begin(studyId: string): Done
  pause(studyId: string): Promise<Done>
  resume(studyId: string): Promise<Done>
  /** For good. */
  stop(studyId: string): Promise<Done>
  setHours(studyId: string, schedule: Schedule | null): Done
  /** Why nothing is computed at the moment, in one sentence; null while a trial runs, and of one at its end. */
  waitingOf(study: Pick<JournalStudy, 'id' | 'status'>): string | null
  progressOf(study: JournalStudy): StudyProgress
  /** After a start of the program: what was at work or waited goes on. */
  goOn(): void
  /** Every trial at work stops with a checkpoint. */
  close(): Promise<void>
}

interface StudyServiceOptions extends Omit<StudyPorts, 'tell'> {
  readonly emit: (studyId: string) => void
  /** What other processes asked for, of any study; left out, none can. */
  readonly takeRequests?: () => readonly StudyRequest[]
}

/** Another process is heard after so long. */
const requestEveryMs = 2_000
/** A screen asks again for what it is told of: not more often than this. */
const tellEveryMs = 500

export function createStudyService({ emit, takeRequests, ...options }: StudyServiceOptions): StudyService {
  const { reader, writer, queue, clock, runs } = options
  const runners = new Map<string, StudyRunner>()
  const told = new Map<string, () => void>()
  let isClosed = false
  let deafen: (() => void) | null = null

  function tell(studyId: string): void {
    if (told.has(studyId) || isClosed) return
    const undo = clock.timer(tellEveryMs, () => {
      told.delete(studyId)
      emit(studyId)
    })
    told.set(studyId, undo)
  }

  const living = (studyId: string): Result<JournalStudy> => {
    const found = reader.study(studyId)
    if (!found.ok || livingStudies.includes(found.value.status)) return found
    return fail(atItsEnd(found.value))
  }

  function start({ id, priority }: Pick<JournalStudy, 'id' | 'priority'>): Done {
    if (runners.has(id) || isClosed) return ok({})
    const waiting = reader.queue()
    const stands = waiting.ok && waiting.value.some((one) => one.kind === 'study' && one.id === id)
    // Where it stands a person may have moved it.
    const queued = stands ? ok({}) : writer.enqueue({ kind: 'study', id, priority })
    if (!queued.ok) return queued
    listen()
    const runner = createStudyRunner({ ...options, tell }, id)
    runners.set(id, runner)
    void runner.ended.then(() => {
      if (runners.get(id) === runner) runners.delete(id)
      void queue.noticeChange()
      tell(id)
    })
    tell(id)
    return ok({})
  }

  function listen(): void {
    if (takeRequests === undefined || deafen !== null || isClosed) return
    // One from before is meant for a process that is gone.
    takeRequests()
    const look = (): void => {
      for (const { studyId, kind } of takeRequests()) void halt(studyId, kind)
      deafen = clock.timer(requestEveryMs, look)
    }
    deafen = clock.timer(requestEveryMs, look)
  }

  function begin(studyId: string): Done {
    const study = living(studyId)
    return study.ok ? start(study.value) : study
  }

  async function halt(studyId: string, wish: 'pause' | 'stop'): Promise<Done> {
    const study = wish === 'stop' ? reader.study(studyId) : living(studyId)
    if (!study.ok) return study
    const { status } = study.value
    const runner = runners.get(studyId)
    if (runner !== undefined) await runner.halt(wish)
    else if (wish === 'stop' ? !livingStudies.includes(status) && status !== 'failed' : status === 'paused')
      return wish === 'stop' ? fail(atItsEnd(study.value)) : ok({})
    else {
      const changed = attempt(() =>
        wish === 'stop'
          ? stopAtRest(reader, writer, studyId)
          : unwrap(writer.changeStudy(studyId, { status: 'paused' })),
      )
      if (!changed.ok) return changed
      tell(studyId)
    }
    return ok({})
  }

  async function resume(studyId: string): Promise<Done> {
    const found = reader.study(studyId)
    if (!found.ok) return found
    const study = found.value
    if (study.status !== 'paused' && study.status !== 'failed' && !livingStudies.includes(study.status))
      return fail(atItsEnd(study))
    await runners.get(studyId)?.ended.catch(() => {})
    const changed = writer.changeStudy(studyId, { status: 'waiting', reason: null })
    return changed.ok ? start(study) : changed
  }

  function turnLeftMs(studyId: string): number | null {
    const [runId] = runners.get(studyId)?.atWork() ?? []
    return runId === undefined ? null : (runs.stateOf(runId)?.timeLeftMs ?? null)
  }

  const progress = (study: JournalStudy): StudyProgress => {
    const { spec, startedAtMs, workedMs, schedule } = study
    const trials = reader.trials(study.id)
    if (!trials.ok) return { doneShare: null, timeLeftMs: null }
    return progressOf(
      { spec, startedAtMs, workedMs, schedule, trials: trials.value, nowMs: clock.nowMs() },
      turnLeftMs(study.id),
    )
  }

  function describe(studyId: string): QueuedStudy | null {
    const found = living(studyId)
    if (!found.ok) return null
    const study = found.value
    const { name, projectId, projectName, status } = study
    const runner = runners.get(studyId)
    if (status === 'paused') return null
    const isAwake = runner !== undefined && !runner.isOutsideHours()
    return {
      ...{ name, projectId, projectName },
      holding: isAwake ? null : (runner?.waiting() ?? whileClosed),
      doing: doing(study),
      ...progress(study),
      turnLeftMs: turnLeftMs(studyId),
    }
  }

  function doing({ id, spec }: JournalStudy): string {
    const trials = reader.trials(id)
    const planned = trials.ok ? trials.value.find(({ status }) => status === 'planned') : undefined
    if (planned === undefined) return 'It is between two trials.'
    if (planned.purpose !== 'search') return 'It confirms what it found with other seeds.'
    const { trials: most } = spec.budget
    // Those that were left out have a number too.
    const isToldOf = most !== null && planned.number < most
    return `It searches: trial ${planned.number + 1}${isToldOf ? ` of ${most}` : ''}.`
  }

  return {
    begin,
    pause: (studyId) => halt(studyId, 'pause'),
    resume,
    stop: (studyId) => halt(studyId, 'stop'),
    setHours(studyId, schedule) {
      const changed = writer.changeStudy(studyId, { schedule })
      if (!changed.ok) return changed
      runners.get(studyId)?.look()
      tell(studyId)
      return ok({})
    },
    waitingOf({ id, status }) {
      if (!livingStudies.includes(status)) return null
      if (status === 'paused') return 'It is paused.'
      return runners.get(id)?.waiting() ?? (runners.has(id) ? null : whileClosed)
    },
    progressOf: progress,
    describe,
    goOn() {
      listen()
      const found = reader.studies()
      for (const study of found.ok ? found.value : [])
        if (study.status === 'waiting' || study.status === 'running') start(study)
    },
    async close() {
      isClosed = true
      deafen?.()
      await Promise.all([...runners.values()].map((runner) => runner.halt('close')))
      for (const undo of told.values()) undo()
    },
  }
}

const whileClosed = 'It goes on by itself while Tunewright is open.'
