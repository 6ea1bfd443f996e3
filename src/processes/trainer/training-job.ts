// One training job from folder to folder: opens model and rows, finds where the run stands, runs the loop, writes what it
// made of the model. Everything that ticks, listens or computes comes in by the host, so tests run it in their own process.
import { join } from 'node:path'
import { diskProblemOf } from '#core/training/checkpoint-format.ts'
import { findNewestCheckpoint } from '#core/training/checkpoint-search.ts'
import { prepareCheckpoints, pruneCheckpoints, writeCheckpoint } from '#core/training/checkpoints.ts'
import { hasClassHead } from '#core/training/method-of.ts'
import { type Backend, initialValues } from '#engine/index.ts'
import { train } from '#engine/train/loop.ts'
import type { TrainingPorts, TrainingSetup } from '#engine/train/ports.ts'
import { initialState, keptParameters, type TrainState } from '#engine/train/state.ts'
import { type Result, unwrap } from '#shared/result.ts'
import type { TrainerEvent, TrainerJob } from '#shared/trainer-protocol.ts'
import { openWeights } from '../scorer/model-folder.ts'
import { type CompiledJob, compileJob, type Opened } from './compile-job.ts'
import type { PausePorts } from './control.ts'
import { checkMemory, type MemoryLook } from './memory-check.ts'
import { openModel } from './open-model.ts'
import { type PreparedRows, prepareRows } from './prepare-rows.ts'
import { identityOf, type RunIdentity, softwareNotice } from './run-identity.ts'
import { createSampleAnswers, type SampleAnswers } from './sample-answers.ts'
import { createSampleLabels } from './sample-labels.ts'
import { readState, stateContent } from './state-files.ts'
import { sweepTuned, writeTuned } from './tuned-files.ts'

export interface TrainerHost extends PausePorts {
  readonly nowMs: () => number
  readonly backend: Backend
  /** Of this Tunewright. */
  readonly appVersion: string
  readonly peakResidentBytes: () => number
  /** Null where memory is not looked at. */
  readonly memory: MemoryLook | null
}

type Events<T = void> = AsyncGenerator<TrainerEvent, T>

/** Ends with exactly one `finished` or `failed`; anything thrown is a bug. */
export async function* runTrainingJob(job: TrainerJob, host: TrainerHost): Events {
  const sessions: Opened[] = []
  try {
    yield* work(job, host, sessions)
  } catch (error) {
    const known = diskProblemOf(error, job.runFolder)
    if (known === null) throw error
    yield { kind: 'failed', problem: known.problem }
  } finally {
    for (const session of sessions) await session.dispose()
  }
}

async function* work(job: TrainerJob, host: TrainerHost, sessions: Opened[]): Events {
  yield { kind: 'phase', phase: 'loading', detail: job.recipe.model.id }
  const model = await openModel(job)
  yield { kind: 'phase', phase: 'preparing', detail: 'reading and tokenising the rows' }
  const rows = await prepareRows(job, model)
  sessions.push({ dispose: async () => rows.close() })
  const compiled = await compileJob(job, model, rows, host.backend, sessions)
  const identity = identityOf(job, rows, { backend: host.backend.name, tunewright: host.appVersion })
  const state = yield* openState(job, compiled, identity)
  yield planEvent(compiled.setup, rows, state, host.backend)
  if (state.step === 0) for (const text of job.notices ?? []) yield { kind: 'notice', text }
  const { setup } = compiled
  const computing = computingPorts(compiled)
  if (host.memory !== null && state.ending === null) {
    const { memory } = host
    const problem = yield* checkMemory({ job, compiled, state, ports: computing, memory })
    if (problem !== null) return yield { kind: 'failed', problem }
  }
  const samples = hasClassHead(job.recipe.method)
    ? createSampleLabels({ ...job, model, rows, setup, state, ports: { ...host, ...computing } })
    : createSampleAnswers({ job, model, rows, setup, host, state, quantised: compiled.quantised })
  yield* trainAndFinish(job, { ...host, ...computing }, compiled, identity, state, samples)
}

type ComputingPorts = Pick<TrainingPorts, 'forwardBackward' | 'score' | 'hiddenStates'>

const computingPorts = ({ training, scoring, frozenLayers }: CompiledJob): ComputingPorts => ({
  forwardBackward: (feeds) => training.run(feeds),
  score: (feeds) => scoring.run(feeds),
  ...(frozenLayers && { hiddenStates: (rows, batch) => frozenLayers.hiddenStates(rows, batch) }),
})

async function* trainAndFinish(
  job: TrainerJob,
  host: TrainerHost & ComputingPorts,
  compiled: CompiledJob,
  identity: RunIdentity,
  state: TrainState,
  samples: SampleAnswers,
): Events {
  const { layout } = compiled.setup
  const training = train(compiled.setup, state, {
    ...host,
    async saveCheckpoint(current) {
      const written = await writeCheckpoint(job.runFolder, stateContent(current, layout, identity))
      if (written.ok) await pruneCheckpoints(job.runFolder, job.recipe.checkpoints.keepLast, current.step)
      return written
    },
  })
  const outcome = yield* withSamples(training, samples)
  if (outcome.reason === 'failed') return yield { kind: 'failed', problem: outcome.problem }
  const write = (parameters: Float32Array) => writeTuned(job, compiled, layout, parameters)
  const adapterSha256 =
    outcome.reason === 'cancelled'
      ? yield* keepBest(state, write)
      : yield* finish(host, state, () => write(keptParameters(state)))
  yield {
    kind: 'finished',
    reason: adapterSha256 === null ? 'cancelled' : outcome.reason,
    step: state.step,
    bestStep: state.best?.step ?? null,
    bestLossNats: state.best?.lossNats ?? null,
    adapterSha256,
    peakResidentBytes: host.peakResidentBytes(),
  }
}

/** The loop rests while its event is told, so what a measurement measured is what writes the answers behind it. */
async function* withSamples<T>(training: Events<T>, samples: SampleAnswers): Events<T> {
  for (;;) {
    const next = await training.next()
    if (next.done) return next.value
    yield next.value
    yield* samples.after(next.value)
  }
}

/**
 * A stopped run leaves the best version that it measured, ready for use; it can still be gone on with. Null where nothing
 * was measured after a first step, or where the disk does not take it: stopping does not wait for the disk.
 */
async function* keepBest(
  { best }: TrainState,
  write: (parameters: Float32Array) => Promise<Result<string>>,
): Events<string | null> {
  if (best === null || best.step === 0) return null
  yield { kind: 'phase', phase: 'finishing', detail: `writing the version of step ${best.step}` }
  const written = await write(best.parameters)
  if (written.ok) return written.value
  const { message } = written.problem
  yield { kind: 'notice', text: `The version of step ${best.step} could not be written out: ${message}` }
  return null
}

/**
 * Writes what was trained; a full disk pauses here too. The last checkpoint says that training is over, so a run that dies
 * or is cancelled here only has that to write when it is resumed. Null where it was cancelled.
 */
async function* finish(
  host: TrainerHost,
  state: TrainState,
  write: () => Promise<Result<string>>,
): Events<string | null> {
  for (;;) {
    yield { kind: 'phase', phase: 'finishing', detail: 'writing the trained version' }
    const written = await write()
    if (written.ok) return written.value
    host.holdYourself()
    yield { kind: 'paused', step: state.step, problem: written.problem }
    if ((await host.waitWhilePaused()) === 'cancel') return null
    yield { kind: 'resumed', step: state.step }
  }
}

/** Sweeps what a killed process left, and gives the state of the newest checkpoint that verifies, or a new one. */
async function* openState(job: TrainerJob, compiled: CompiledJob, identity: RunIdentity): Events<TrainState> {
  const { setup } = compiled
  unwrap(await prepareCheckpoints(job.runFolder))
  await sweepTuned(job.runFolder)
  const { newest, rejected } = unwrap(await findNewestCheckpoint(job.runFolder))
  for (const { folder, reason } of rejected)
    yield { kind: 'notice', text: `${join('checkpoints', folder)} is left aside. ${reason}` }
  if (newest === null) return initialState(setup.layout, await firstValues(job, compiled), job.recipe)
  const { state, savedBy } = await readState(newest, setup.layout, job.recipe, identity)
  const notice = softwareNotice(savedBy, identity)
  if (notice !== null) yield { kind: 'notice', text: notice }
  return state
}

async function firstValues({ modelFolder, recipe }: TrainerJob, { config, method, head }: CompiledJob) {
  const weights = await openWeights(modelFolder)
  try {
    return await initialValues({ config, method, task: head.task, seed: recipe.seed, read: weights.read })
  } finally {
    await weights.close()
  }
}

function planEvent(
  { plan, layout, trainRows, validationRows }: TrainingSetup,
  { leftOut }: PreparedRows,
  state: TrainState,
  backend: Backend,
): TrainerEvent {
  return {
    kind: 'plan',
    totalSteps: plan.totalSteps,
    stepsPerEpoch: plan.stepsPerEpoch,
    evaluateEverySteps: plan.evaluateEverySteps,
    trainRows: trainRows.length,
    validationRows: validationRows.length,
    trainableParameters: layout.length,
    leftOut: [...leftOut],
    resumedAtStep: state.step,
    determinism: backend.determinism,
    backend: backend.name,
  }
}
