// How long a run still takes, by the clock: what its steps took of late, and what the breaks between them take, for
// measuring, sample answers and saving. Pure but for the clock it is given. That a run will stop by itself it cannot know.
// A step of a first stage counts by its tokens beside one of the second, until that one's own are measured.
import type { TrainerEvent, TrainerEventOf } from '#shared/trainer-protocol.ts'

export interface TimeLeft {
  follow(event: TrainerEvent): void
  /** Milliseconds until the run is finished, if it goes to its planned end; null before the first step was measured. */
  estimateMs(): number | null
  /** Share of the planned steps that are done, 0 to 1. */
  doneShare(): number
}

/** Steps that count: enough to smooth rows of different length, few enough to follow a machine that gets busy. */
const leastWindow = 24
const windowShare = 0.25
/** Breaks that count. */
const lastBreaks = 3

/** What a computer that slept through a step makes of the clock is not taken for work. */
const mostOverhead = 1.5

/** Between two stages the weights of the next are got ready. */
const startingPhases: ReadonlySet<TrainerEventOf<'phase'>['phase']> = new Set(['preparing', 'quantising'])

type Doing = 'starting' | 'training' | 'break' | 'paused'

export function createTimeLeft(now: () => number = () => performance.now()): TimeLeft {
  let plan: TrainerEventOf<'plan'> | null = null
  let step = 0
  let evaluatedAtStep = -1
  let doing: Doing = 'starting'
  let lastMs = now()
  /** Time spent training by the clock, without the breaks, and what the steps say they took themselves. */
  let trainedMs = 0
  let saidMs = 0
  let sinceStepMs = 0
  let stepsMs: number[] = []
  let stepsDone = 0
  let current = { ms: 0, evaluationMs: 0 }
  const evaluationBreaks: (typeof current)[] = []
  let otherBreaksMs = 0
  let evaluatedMs = 0
  let samplesMs = 0
  let sampledAtStep = 0
  let savingSinceMs: number | null = null
  let savingMs = 0

  function tick(): void {
    const ms = now() - lastMs
    lastMs += ms
    if (doing === 'training') {
      trainedMs += ms
      sinceStepMs += ms
    }
    if (doing === 'break') current.ms += ms
  }

  const firstSteps = (): number => plan?.before?.steps ?? 0

  /** What a step takes, in steps of the second stage. */
  const workOf = (ofStep: number): number => (ofStep <= firstSteps() ? (plan?.before?.stepWork ?? 1) : 1)

  function endBreak(): void {
    if (current.evaluationMs > 0) evaluationBreaks.push(current)
    else otherBreaksMs += current.ms
    current = { ms: 0, evaluationMs: 0 }
  }

  function enter(next: Doing): void {
    if (doing === 'break' && (next === 'training' || next === 'starting')) endBreak()
    doing = next
  }

  const doingIn = (phase: TrainerEventOf<'phase'>['phase']): Doing =>
    phase === 'training' ? phase : plan === null || startingPhases.has(phase) ? 'starting' : 'break'

  function followStep(done: number, durationMs: number): void {
    if (step <= firstSteps() && done > firstSteps()) {
      stepsMs = []
      stepsDone = 0
    }
    step = done
    saidMs += durationMs
    sinceStepMs = 0
    stepsMs.push(durationMs / workOf(done))
    const window = Math.max(leastWindow, windowShare * stepsDone)
    stepsDone += 1
    stepsMs = stepsMs.slice(-window)
  }

  /** Sample answers come when there is time for them, so they count by their share of the run, and once more at the end. */
  function followSamples(atStep: number): void {
    samplesMs = current.ms - evaluatedMs
    sampledAtStep = atStep
    current.ms = evaluatedMs
    if (atStep > firstSteps()) otherBreaksMs += samplesMs
  }

  /** By what the last ones say; handing over and writing down come on top, seen over the whole run. */
  function stepMs(): number | null {
    if (stepsMs.length === 0) return null
    return mean(stepsMs) * Math.min(mostOverhead, Math.max(1, trainedMs / saidMs))
  }

  /**
   * Of a break with a measurement, by the last ones. The first one takes longer, because nothing is warm yet: its measuring
   * counts as no more than it should take by the steps, half of one for as many rows. In a first stage there was none yet.
   */
  function breakTime(
    each: number,
    { trainRows, stepsPerEpoch, validationRows }: TrainerEventOf<'plan'>,
  ): number {
    const reckonedMs = (each * validationRows * stepsPerEpoch) / (2 * trainRows)
    const times = evaluationBreaks.map(({ ms, evaluationMs }, i) =>
      i === 0 ? ms - Math.max(0, evaluationMs - reckonedMs) : ms,
    )
    if (times.length === 0) return step < firstSteps() ? reckonedMs : 0
    return mean(times.slice(-lastBreaks))
  }

  const evaluationsLeft = ({
    totalSteps,
    evaluateEverySteps: every,
    evaluateAtSteps,
  }: TrainerEventOf<'plan'>): number => {
    if (every === 0 || evaluatedAtStep >= totalSteps) return 0
    const first = firstSteps()
    if (evaluateAtSteps)
      return evaluateAtSteps.filter((at) => at > evaluatedAtStep).length + (evaluatedAtStep < first ? 1 : 0)
    const done = Math.floor(Math.max(0, evaluatedAtStep - first) / every)
    const between = Math.ceil((totalSteps - first) / every) - 1 - done
    return Math.max(0, between) + (evaluatedAtStep < first ? 2 : 1)
  }

  return {
    follow(event) {
      tick()
      if (event.kind === 'plan') {
        plan = event
        step = event.resumedAtStep
        evaluatedAtStep = event.resumedAtStep
      }
      if (event.kind === 'phase') {
        savingSinceMs = event.phase === 'saving' ? lastMs : null
        enter(doingIn(event.phase))
      }
      if (event.kind === 'paused') enter('paused')
      if (event.kind === 'resumed') enter('break')
      if (event.kind === 'step') followStep(event.step, event.durationMs)
      if (event.kind === 'evaluation') {
        evaluatedAtStep = event.step
        current.evaluationMs = event.durationMs
        evaluatedMs = current.ms
      }
      if (event.kind === 'samples') followSamples(event.step)
      if (event.kind === 'checkpoint' && savingSinceMs !== null) savingMs = lastMs - savingSinceMs
    },
    estimateMs() {
      const each = stepMs()
      if (plan === null || each === null) return null
      tick()
      const breakMs = breakTime(each, plan)
      const otherShare = trainedMs === 0 ? 0 : otherBreaksMs / trainedMs
      const firstLeft = Math.max(0, firstSteps() - step)
      const stepsLeft = Math.max(0, plan.totalSteps - step) - firstLeft + firstLeft * workOf(step)
      const trainingMs = stepsLeft * each * (1 + otherShare)
      const breaksLeft = evaluationsLeft(plan) + (doing === 'break' && current.evaluationMs > 0 ? 1 : 0)
      const begun =
        doing === 'break' ? Math.min(current.ms, breakMs) : Math.min(sinceStepMs, each * workOf(step + 1))
      // At the end come the last sample answers, and the last state and the adapter are written.
      const endMs = (sampledAtStep < plan.totalSteps ? samplesMs : 0) + 2 * savingMs
      return Math.max(0, trainingMs + breaksLeft * breakMs - begun) + endMs
    },
    doneShare: () => (plan === null || plan.totalSteps === 0 ? 0 : Math.min(1, step / plan.totalSteps)),
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
