// One training job from folder to folder: opens model and rows, finds where the run stands, runs the loop, writes what it
// made of the model. Everything that ticks, listens or computes comes in by the host, so tests run it in their own process.
import { diskProblemOf } from '#core/training/checkpoint-format.ts'
import { pruneCheckpoints, writeCheckpoint } from '#core/training/checkpoints.ts'
import { hasClassHead } from '#core/training/method-of.ts'
import type { Backend } from '#engine/index.ts'
import { train, trainFirstStage } from '#engine/train/loop.ts'
import type { TrainingPorts } from '#engine/train/ports.ts'
import { rungThatPrunes } from '#engine/train/pruning.ts'
import type { TrainState } from '#engine/train/state.ts'
import type { Problem } from '#shared/result.ts'
import type { TrainerEvent, TrainerEventOf, TrainerJob } from '#shared/trainer-protocol.ts'
import { type CompiledStage, compileStage, type Opened, quantisesFirst } from './compile-job.ts'
import type { PausePorts } from './control.ts'
import { finish, keepBest } from './keep-version.ts'
import { createKeptParts, type KeptParts, type RunParts } from './kept-parts.ts'
import { checkMemory, type MemoryLook, type Tried } from './memory-check.ts'
import type { OpenModel } from './open-model.ts'
import { openState } from './open-state.ts'
import { leftOutNotices, planEvent } from './plan-event.ts'
import { type PlannedStage, type PlannedStages, planStages } from './plan-stages.ts'
import { createTally, type ReuseTally, reusedEvent } from './reuse-tally.ts'
import { identityOf, type RunIdentity } from './run-identity.ts'
import { createSampleAnswers, type SampleAnswers } from './sample-answers.ts'
import { createSampleLabels } from './sample-labels.ts'
import { stateContent } from './state-files.ts'
import { writeTuned } from './tuned-files.ts'

export interface TrainerHost extends PausePorts {
  readonly nowMs: () => number
  readonly backend: Backend
  /** Of this Tunewright. */
  readonly appVersion: string
  readonly peakResidentBytes: () => number
  /** The last step that the journal is told to hold; left out, and for a job that does not say how far, all are. */
  readonly journaledStep?: () => number
  /** Null where memory is not looked at. */
  readonly memory: MemoryLook | null
}

type Events<T = void> = AsyncGenerator<TrainerEvent, T>

/**
 * Ends with exactly one `finished` or `failed`; anything thrown is a bug. What it can use of `kept` is not made anew, and a
 * job that stays open leaves there what the next one can use; without, it is for this job alone.
 */
export async function* runTrainingJob(job: TrainerJob, host: TrainerHost, kept?: KeptParts): Events {
  const own = kept ?? createKeptParts()
  const tally = createTally()
  try {
    for await (const event of work(job, host, own.forRun(job, tally, host.memory), tally)) {
      if (event.kind === 'finished') yield reusedEvent(tally)
      yield event
    }
  } catch (error) {
    const known = diskProblemOf(error, job.runFolder)
    if (known === null) throw error
    yield { kind: 'failed', problem: known.problem }
  } finally {
    if (kept === undefined) await own.close()
  }
}

async function closeAll(opened: readonly Opened[]): Promise<void> {
  for (const one of opened) await one.dispose()
}

/** What every part of the job shares. */
interface Work {
  readonly host: TrainerHost
  readonly model: OpenModel
  readonly stages: PlannedStages
  readonly identity: RunIdentity
  readonly state: TrainState
  readonly tried: Tried
  readonly parts: RunParts
  readonly tally: ReuseTally
}

/** What loading and compiling took is counted. */
async function counted<T>({ nowMs }: TrainerHost, tally: ReuseTally, prepare: () => Promise<T>): Promise<T> {
  const startMs = nowMs()
  const prepared = await prepare()
  tally.preparingMs += nowMs() - startMs
  return prepared
}

async function* work(job: TrainerJob, host: TrainerHost, parts: RunParts, tally: ReuseTally): Events {
  yield { kind: 'phase', phase: 'loading', detail: job.recipe.model.id }
  const model = await counted(host, tally, parts.openModel)
  yield { kind: 'phase', phase: 'preparing', detail: 'reading and tokenising the rows' }
  const stages = await counted(host, tally, () => planStages(computedJob(job), model, parts.rows))
  const software = { backend: host.backend.name, tunewright: host.appVersion }
  const identity = identityOf(job, { sha256: stages.rowsSha256 }, software)
  const state = yield* openState(stages, identity)
  const plan = planEvent(stages, state, host.backend)
  yield plan
  if (state.step === 0)
    for (const text of [...(job.notices ?? []), ...leftOutNotices(plan)]) yield { kind: 'notice', text }
  const { triedRows, holdsOthers } = parts
  const tried: Tried = { expectedBytes: 0, setups: new Set(), rows: triedRows, holdsOthers }
  const shared = { host, model, stages, identity, state, tried, parts, tally }
  const isReady = stages.before === null || state.stage === 2 || (yield* firstStage(shared, stages.before))
  if (isReady) yield* mainStage(shared)
}

/** Rows are computed in the parts of this attempt; what a checkpoint belongs to is the recipe as it was planned. */
function computedJob(job: TrainerJob): TrainerJob {
  const { rowsAtOnce, recipe } = job
  return rowsAtOnce === undefined
    ? job
    : { ...job, recipe: { ...recipe, batch: { ...recipe.batch, rowsAtOnce } } }
}

/** Compiles a stage for as long as `use` needs it: two at once would take the memory of two. */
async function* whileCompiled<T>(
  { host, parts, tally }: Work,
  stage: PlannedStage,
  use: (compiled: CompiledStage) => Events<T>,
): Events<T> {
  const opened: Opened[] = []
  try {
    if (await quantisesFirst(stage.job))
      yield {
        kind: 'phase',
        phase: 'quantising',
        detail: `bringing the model's weights into ${stage.job.recipe.method.base}`,
      }
    const compile = () => compileStage(stage, host.backend, parts.stageParts(opened))
    return yield* use(await counted(host, tally, compile))
  } finally {
    await closeAll(opened)
  }
}

async function* tryMemory({ host, state, tried }: Work, stage: CompiledStage): Events<Problem | null> {
  if (host.memory === null || state.ending !== null) return null
  return yield* checkMemory({ stage, state, ports: computingPorts(stage), memory: host.memory, tried })
}

/**
 * True where the second stage can begin. Whether that one fits into memory is tried before the first: nobody waits for
 * hours to hear it.
 */
async function* firstStage(parts: Work, before: PlannedStage): Events<boolean> {
  const { host, stages, state } = parts
  if (host.memory !== null) {
    const problem = yield* whileCompiled(parts, stages.main, (compiled) => tryMemory(parts, compiled))
    if (problem !== null) return yield* failed(problem)
    yield { kind: 'phase', phase: 'preparing', detail: 'opening the first stage' }
  }
  const outcome = yield* whileCompiled(parts, before, async function* (compiled) {
    const problem = yield* tryMemory(parts, compiled)
    if (problem !== null) return { reason: 'failed' as const, problem }
    return yield* trainFirstStage(compiled.setup, state, trainingPorts(parts, compiled))
  })
  if (outcome.reason === 'failed') return yield* failed(outcome.problem)
  if (outcome.reason === 'cancelled') {
    yield {
      kind: 'notice',
      text: 'Stopped in the first stage, on the texts: there is no version to use yet, and the run can go on.',
    }
    yield finishedEvent(parts, 'cancelled', null)
    return false
  }
  yield { kind: 'phase', phase: 'preparing', detail: 'opening the second stage' }
  return true
}

async function* failed(problem: Problem): Events<false> {
  yield { kind: 'failed', problem }
  return false
}

async function* mainStage(parts: Work): Events {
  const { stages } = parts
  yield* whileCompiled(parts, stages.main, async function* (stage) {
    const problem = yield* tryMemory(parts, stage)
    if (problem !== null) return yield { kind: 'failed', problem }
    yield* trainAndFinish(parts, stage, samplesOf(parts, stage))
  })
}

const noSamples: SampleAnswers = { async *after() {} }

function samplesOf({ host, model, state }: Work, stage: CompiledStage): SampleAnswers {
  const { job, rows, setup, quantised } = stage
  if (job.withoutSamples === true) return noSamples
  if (!hasClassHead(job.recipe.method))
    return createSampleAnswers({ job, model, rows, setup, host, state, quantised })
  const ports = { ...host, ...computingPorts(stage) }
  return createSampleLabels({ ...job, model, rows, setup, state, ports })
}

type ComputingPorts = Pick<TrainingPorts, 'forwardBackward' | 'onDevice' | 'score' | 'hiddenStates'>

const computingPorts = ({ training, scoring, frozenLayers }: CompiledStage): ComputingPorts => ({
  forwardBackward: (feeds) => training.run(feeds),
  onDevice: training.resident,
  async score(feeds) {
    if (scoring === null) throw new Error('a stage without validation rows has nothing to score with')
    return scoring.run(feeds)
  },
  ...(frozenLayers && { hiddenStates: (rows, batch) => frozenLayers.hiddenStates(rows, batch) }),
})

const trainingPorts = ({ host, identity, stages }: Work, stage: CompiledStage): TrainingPorts => ({
  ...host,
  ...computingPorts(stage),
  async saveCheckpoint(state) {
    const { job, setup } = stages.main
    const written = await writeCheckpoint(job.runFolder, stateContent(state, setup.layout, identity))
    if (!written.ok) return written
    const { keepLast } = job.recipe.checkpoints
    await pruneCheckpoints(job.runFolder, keepLast, state.step, journaledStepOf(job, host))
    return written
  },
})

const journaledStepOf = ({ journaled }: TrainerJob, { journaledStep }: TrainerHost): number | undefined =>
  journaled && journaledStep && Math.max(journaled.step, journaledStep())

async function* trainAndFinish(parts: Work, stage: CompiledStage, samples: SampleAnswers): Events {
  const { host, state } = parts
  const { job, setup } = stage
  const training = train(setup, state, trainingPorts(parts, stage))
  const outcome = yield* withSamples(training, samples, () => rungThatPrunes(setup, state) === null)
  if (outcome.reason === 'failed') return yield { kind: 'failed', problem: outcome.problem }
  if (outcome.reason === 'pruned') return yield finishedEvent(parts, 'pruned', null)
  const write = (parameters: Float32Array) => writeTuned(job, stage, setup.layout, parameters)
  const adapterSha256 =
    outcome.reason === 'cancelled' ? yield* keepBest(state, write) : yield* finish(host, state, write)
  yield finishedEvent(parts, adapterSha256 === null ? 'cancelled' : outcome.reason, adapterSha256)
}

const finishedEvent = (
  { host, state }: Work,
  reason: TrainerEventOf<'finished'>['reason'],
  adapterSha256: string | null,
): TrainerEvent => ({
  kind: 'finished',
  reason,
  step: state.step,
  bestStep: state.best?.step ?? null,
  bestLossNats: state.best?.lossNats ?? null,
  adapterSha256,
  peakResidentBytes: host.peakResidentBytes(),
})

/**
 * The loop rests while its event is told, so what a measurement measured is what writes the answers behind it; none are
 * written of a run that this measurement ends.
 */
async function* withSamples<T>(
  training: Events<T>,
  samples: SampleAnswers,
  goesOn: () => boolean,
): Events<T> {
  for (;;) {
    const next = await training.next()
    if (next.done) return next.value
    yield next.value
    if (goesOn()) yield* samples.after(next.value)
  }
}
