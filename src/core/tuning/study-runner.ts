// One study at work: trial after trial until its budget is over, then the seeds that confirm what it found. What comes next
// is decided from the journal each time, so a kill at any moment costs nothing but the steps since the last checkpoint.
import type { Result } from '#shared/result.ts'
import { faultOf, ProblemError, unwrap } from '#shared/result.ts'
import type { JournalStudy, StudyTrial } from '#shared/study.ts'
import { newRunOf } from '../training/prepare-run.ts'
import type { Turn } from '../training/run-queue-port.ts'
import type { WarmTrainer } from '../training/warm-trainer.ts'
import { decideTrial, type StudyState } from './decide-trial.ts'
import { persist } from './persist.ts'
import { dropCheckpoints, runTrial } from './run-trial.ts'
import { timeOverReason, workedMsOf } from './study-budget.ts'
import { createBell, createHalt, type HaltReason } from './study-halt.ts'
import type { StudyPorts } from './study-ports.ts'
import { isWithinHours, nextChangeMs, restSentence } from './study-schedule.ts'
import { cutTrial, stoppedStudy } from './trial-end.ts'
import { nameOfTrial } from './trial-name.ts'
import { trialRecipe } from './trial-recipe.ts'
import { winnerLink } from './winner-link.ts'

export interface StudyRunner {
  /** Asks for a rest; a trial at work stops with a checkpoint. Resolves when it rests. */
  halt(wish: 'pause' | 'stop' | 'close'): Promise<void>
  /** Its hours may have changed. */
  look(): void
  readonly ended: Promise<void>
  /** Why nothing is computed at the moment; null while a trial runs. */
  waiting(): string | null
  /** Whether its hours keep it. */
  isOutsideHours(): boolean
  /** Runs at work. */
  atWork(): readonly string[]
}

type Wish = 'pause' | 'stop' | 'close'

/** The clock is looked at this often at least: a computer that slept wakes to another time. */
const mostIdleMs = 30_000

export function createStudyRunner(ports: StudyPorts, studyId: string): StudyRunner {
  const { reader, writer, queue, clock, tell } = ports
  const halt = createHalt()
  const bell = createBell()
  const atWork = new Map<number, { readonly trial: StudyTrial; readonly done: Promise<void> }>()
  let warm: WarmTrainer | null = null
  const spare: Turn[] = []
  let wish: Wish | null = null
  let isClosing = false
  let reason: string | null = 'It is about to begin.'
  let isOutside = false
  let fault: unknown = null
  let endedBefore = 0

  const say = (next: string | null): void => {
    if (reason === next) return
    reason = next
    tell(studyId)
    void queue.noticeChange()
  }
  const persistPorts = { clock, say, isGivenUp: () => isClosing }
  const write = (change: () => Result<unknown>) => persist(persistPorts, change)

  const readStudy = (): JournalStudy => unwrap(reader.study(studyId))
  const stateOf = ({ spec, startedAtMs, workedMs, schedule }: JournalStudy): StudyState => ({
    ...{ spec, startedAtMs, workedMs, schedule },
    trials: unwrap(reader.trials(studyId)),
    endedBefore,
    nowMs: clock.nowMs(),
  })

  function showStatus(status: 'running' | 'waiting'): void {
    const study = reader.study(studyId)
    if (!study.ok || study.value.status === status) return
    // Only shown: where the disk is full nothing hangs on it.
    writer.changeStudy(studyId, { status })
    tell(studyId)
  }

  function haltReason(study: JournalStudy): HaltReason | null {
    if (wish !== null) return wish
    const nowMs = clock.nowMs()
    const { untilMs } = study.spec.budget
    if (untilMs !== null && nowMs >= untilMs) return 'time'
    isOutside = !isWithinHours(study.schedule, nowMs)
    return isOutside ? 'hours' : null
  }

  const closeWarm = (): void => {
    warm?.close()
    warm = null
  }
  const giveTurnsBack = (): void => {
    for (const turn of spare.splice(0)) turn.release()
  }

  /** A turn for the next trial, asked for before the last one's is given back; null where the study is to rest. */
  async function takeTurn({ spec, priority }: JournalStudy): Promise<Turn | null> {
    const asked = queue.askTurn({
      kind: 'study',
      id: studyId,
      device: spec.base.device,
      priority,
      onWaiting: (why) => {
        if (atWork.size <= 1) say(why)
      },
    })
    spare.shift()?.release()
    let release = (): void => {}
    const halted = new Promise<null>((resolve) => {
      release = halt.onHalt(() => resolve(null))
    })
    const turn = await Promise.race([asked.granted, halted])
    release()
    if (turn === null) asked.cancel()
    return turn
  }

  async function work(study: JournalStudy, trial: StudyTrial): Promise<void> {
    const turn = await takeTurn(study)
    if (turn === null) return
    showStatus('running')
    say(null)
    try {
      warm ??= ports.warmTrainer?.() ?? null
      await runTrial({ ...ports, halt, warm, say }, trial, turn)
      const trials = unwrap(reader.trials(studyId))
      await write(() => writer.changeStudy(studyId, { workedMs: workedMsOf(study.spec, trials) }))
    } finally {
      spare.push(turn)
    }
  }

  function begin(study: JournalStudy, trial: StudyTrial): void {
    const done = work(study, trial)
      .catch((error: unknown) => {
        fault ??= error
      })
      .finally(() => {
        atWork.delete(trial.number)
        tell(studyId)
        bell.ring()
      })
    atWork.set(trial.number, { trial, done })
  }

  /** Writes what was decided; one that cannot fit, or cannot be, has its end at once. */
  async function addTrial(study: JournalStudy, decided: Omit<StudyDecision, 'studyId'>): Promise<void> {
    const recipe = trialRecipe(study.spec, decided.settings, decided.seed)
    const tooLarge = recipe.ok ? await ports.planner.tooLarge(recipe.value, study.spec.parallel) : null
    const trial = { studyId, ...decided }
    const end = { studyId, number: trial.number, lossNats: null, lossStep: null, rungLosses: [], work: null }
    if (!recipe.ok || tooLarge !== null) {
      const why = recipe.ok ? tooLarge : recipe.problem.message
      const skipped = { ...end, status: recipe.ok ? 'skipped' : 'failed', reason: why } as const
      if ((await write(() => writer.addTrial(trial, null))) === null) return
      await write(() => writer.endTrial(skipped)).then((done) => done && unwrap(done))
      return
    }
    const { projectId, name } = study
    const run = newRunOf(
      { recipe: recipe.value },
      {
        projectId,
        name: nameOfTrial(name, trial, unwrap(reader.trials(studyId))),
        id: `${studyId}-${trial.number}`,
      },
    )
    const written = await write(() => writer.addTrial(trial, run))
    if (written !== null) unwrap(written)
    tell(studyId)
  }

  /** Until something happens, or the clock may have changed something. */
  async function idle(study: JournalStudy): Promise<void> {
    const nowMs = clock.nowMs()
    const moments = [nextChangeMs(study.schedule, nowMs), study.spec.budget.untilMs].filter(
      (atMs) => atMs !== null && atMs > nowMs,
    )
    const afterMs = Math.min(mostIdleMs, ...moments.map((atMs) => (atMs ?? 0) - nowMs))
    const heard = bell.next()
    const stop = clock.timer(afterMs, bell.ring)
    await heard
    stop()
  }

  async function rest(why: HaltReason): Promise<void> {
    halt.set(why)
    await Promise.all([...atWork.values()].map(({ done }) => done))
    giveTurnsBack()
    closeWarm()
  }

  async function cutPlanned(why: string): Promise<void> {
    for (const trial of unwrap(reader.trials(studyId))) {
      if (trial.status !== 'planned') continue
      const cut = await write(() => writer.endTrial(cutTrial(reader, trial, why)))
      if (cut !== null) unwrap(cut)
      await dropCheckpoints(ports, trial)
    }
  }

  async function end(
    status: 'finished' | 'stopped' | 'failed' | 'paused',
    why: string | null,
  ): Promise<void> {
    giveTurnsBack()
    closeWarm()
    const trials = unwrap(reader.trials(studyId))
    const link = status === 'finished' ? winnerLink({ ...readStudy(), status }, trials) : null
    if (link !== null) await write(() => writer.addLink(link))
    await write(() => writer.changeStudy(studyId, { status, reason: why?.slice(0, 400) ?? null }))
    if (status === 'paused' || status === 'failed') await write(() => writer.dequeue('study', studyId))
    say(null)
    tell(studyId)
  }

  /** True where the study's work is over for now. */
  async function obey(why: HaltReason, study: JournalStudy): Promise<boolean> {
    await rest(why)
    if (why === 'close') return true
    if (why === 'pause') await end('paused', null)
    else if (why === 'hours') {
      showStatus('waiting')
      say(restSentence(study.schedule, clock.nowMs()))
      await idle(study)
      halt.set(null)
      return false
    } else {
      await cutPlanned(why === 'time' ? timeOverReason : stoppedStudy)
      await end(why === 'time' ? 'finished' : 'stopped', null)
    }
    return true
  }

  /** One thing after the other; true where the study's work is over for now. */
  async function step(): Promise<boolean> {
    if (fault !== null) throw fault
    const study = readStudy()
    const why = haltReason(study)
    if (why !== null) return obey(why, study)
    const state = stateOf(study)
    const resting = state.trials.find(({ number, status }) => status === 'planned' && !atWork.has(number))
    const hasPlace = atWork.size < study.spec.parallel
    if (hasPlace && resting !== undefined) begin(study, resting)
    else {
      const decision = hasPlace ? decideTrial(state) : ({ kind: 'wait' } as const)
      if (decision.kind === 'trial') await addTrial(study, decision.trial)
      else if (decision.kind === 'end' && atWork.size === 0) {
        await end(decision.status, decision.reason)
        return true
      } else {
        giveTurnsBack()
        await idle(study)
      }
    }
    return false
  }

  async function loop(): Promise<void> {
    try {
      const ended = unwrap(reader.trials(studyId)).filter(({ status }) => status !== 'planned')
      endedBefore = ended.length
      for (const trial of ended) await dropCheckpoints(ports, trial)
      while (!(await step()));
    } catch (error) {
      halt.set(halt.reason ?? 'close')
      await rest(halt.reason ?? 'close')
      if (wish === 'close') return
      await end('failed', reasonOf(error))
    }
  }

  const ended = loop()
  return {
    ended,
    halt(next) {
      isClosing ||= next === 'close'
      // What a person asked for is done before the program closes.
      if (wish === null || next === 'stop') wish = next
      halt.set(wish)
      bell.ring()
      return ended
    },
    look: bell.ring,
    waiting: () => reason,
    isOutsideHours: () => isOutside,
    atWork: () => [...atWork.values()].flatMap(({ trial: { runId } }) => (runId === null ? [] : [runId])),
  }
}

type StudyDecision = Extract<ReturnType<typeof decideTrial>, { kind: 'trial' }>['trial'] & {
  readonly studyId: string
}

const reasonOf = (error: unknown): string => {
  const { message, remedy } = error instanceof ProblemError ? error.problem : faultOf('a study', error)
  return `${message} ${remedy}`
}
