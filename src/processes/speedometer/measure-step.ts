// Times real training steps of a model of the library: the trainer's own graphs, loop and optimizer, on rows of random
// tokens. The fastest step counts, because everything that disturbs one makes it slower.
import { readModelConfig } from '#core/models/model-json.ts'
import {
  type Backend,
  counterRandom,
  gradientOutputName,
  initialValues,
  type ModelConfig,
  type Tensor,
} from '#engine/index.ts'
import { clipFactor } from '#engine/optim/clip.ts'
import type { EncodedRow } from '#engine/train/collate.ts'
import { trainedTensors } from '#engine/train/device-updater.ts'
import { train } from '#engine/train/loop.ts'
import type { TrainingPorts } from '#engine/train/ports.ts'
import { initialState, type TrainState } from '#engine/train/state.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { ok, ProblemError } from '#shared/result.ts'
import type { SpeedEvent, SpeedJob, StepTask } from '#shared/speed-protocol.ts'
import type { TrainerEventOf, TrainerJob } from '#shared/trainer-protocol.ts'
import { openWeights } from '../scorer/model-folder.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'
import { type CompiledStage, compileStage, type Opened, partsMadeAnew } from '../trainer/compile-job.ts'
import { planStage } from '../trainer/plan-stages.ts'
import { randomRows } from './random-rows.ts'

const labelledShare = 1 / 4
const halves = 256

/** Throws ProblemError where the backend cannot run, or its numbers diverge. */
export async function measureStep(
  job: SpeedJob,
  task: StepTask,
  backend: Backend,
  context: JobContext<SpeedEvent>,
): Promise<void> {
  const opened: Opened[] = []
  try {
    const trainerJob = trainerJobOf(job, task)
    const config = await readModelConfig(task.modelFolder)
    const rows = { ...noRows, train: rowsOf(task, config) }
    const stage = await compileStage(planStage(trainerJob, config, rows, 0), backend, partsMadeAnew(opened))
    await timeSteps(trainerJob, task, stage, context)
  } finally {
    for (const one of opened) await one.dispose()
  }
}

const noRows = {
  validation: [],
  validationExamples: [],
  // Of a new last layer, where the recipe has one.
  classNames: ['a', 'b'],
  leftOut: [],
  sha256: '',
  isReused: false,
  close() {},
}

const trainerJobOf = ({ workFolder }: SpeedJob, { modelFolder, recipe }: StepTask): TrainerJob => ({
  runId: 'measurement',
  recipe,
  modelFolder,
  datasetFolder: workFolder,
  runFolder: workFolder,
  cacheFolder: workFolder,
  cacheLimitBytes: 0,
  firstSeq: 0,
})

/** Where classes are asked, each row has one, at the token that the family classifies texts by. */
function rowsOf({ recipe, tokensPerRow }: StepTask, config: ModelConfig): EncodedRow[] {
  const shape = { rows: recipe.batch.microRows, tokensPerRow, labelledShare }
  const rows = randomRows(shape, config.vocabulary)
  if (recipe.method.kind === 'lora') return rows
  const asked = config.output.textToken === 'first' ? 0 : tokensPerRow - 1
  const labelsOf = (label: number) =>
    Array.from({ length: tokensPerRow }, (_, t) => (t === asked ? label : ignoredLabel))
  return rows.map((row, index) => ({ ...row, labels: labelsOf(index % 2) }))
}

async function firstStateOf({ modelFolder, recipe }: TrainerJob, stage: CompiledStage) {
  const { config, method, head, setup } = stage
  const { read, close } = await openWeights(modelFolder)
  try {
    const initial = await initialValues({ config, method, task: head.task, seed: recipe.seed, read })
    return initialState(setup.layout, initial, recipe)
  } finally {
    await close()
  }
}

async function timeSteps(
  job: TrainerJob,
  { seconds, leastSteps }: StepTask,
  stage: CompiledStage,
  { emit, signal }: JobContext<SpeedEvent>,
): Promise<void> {
  const first: { gradientSums: number[] | null; lossNats: number } = { gradientSums: null, lossNats: 0 }
  const timesMs: number[] = []
  let startedMs = 0
  const isEnough = (): boolean =>
    timesMs.length >= leastSteps && performance.now() - startedMs >= seconds * 1000
  const state = await firstStateOf(job, stage)
  const { resident } = stage.training
  const ports: TrainingPorts = {
    ...nothingElse,
    onDevice: resident,
    forwardBackward: async (feeds) => {
      const results = await stage.training.run(feeds)
      if (!resident) first.gradientSums ??= sumsOfHalves(gradientsIn(results))
      return results
    },
    nextCommand: async () => {
      await throwIfCancelled(signal)
      return isEnough() ? 'cancel' : 'continue'
    },
  }
  const training = train(stage.setup, state, ports)
  for (;;) {
    const next = await training.next()
    if (next.done) {
      if (next.value.reason === 'failed') throw new ProblemError(next.value.problem)
      break
    }
    const event = next.value
    if (event.kind !== 'step') continue
    if (startedMs === 0) {
      first.lossNats = event.lossNats
      if (resident) first.gradientSums = sumsOfHalves(await firstGradients(job.recipe, stage, state, event))
      startedMs = performance.now()
    } else timesMs.push(event.durationMs)
    const stepMs = Math.max(1, Math.min(...timesMs))
    const expected = Math.max(leastSteps, Math.ceil((1000 * seconds) / stepMs), timesMs.length)
    await emit({ kind: 'progress', done: timesMs.length, total: expected })
  }
  await emit({
    kind: 'stepped',
    steps: timesMs.length,
    stepMs: Math.min(...timesMs),
    peakBytes: process.resourceUsage().maxRSS * 1024,
    lossNats: first.lossNats,
    gradientSums: first.gradientSums ?? [],
  })
}

const never = (): never => {
  throw new Error('a measurement neither waits nor scores')
}
const nothingElse = {
  nowMs: () => performance.now(),
  score: never,
  holdYourself: never,
  waitWhilePaused: never,
  saveCheckpoint: async () => ok({ folder: '', manifestSha256: '', bytes: 0 }),
} as const

/**
 * Every number of the gradient is added to one of the sums or taken from it, as a hash of its place says (count sketch,
 * Charikar et al. 2002): the expected squared distance of two gradients' sums is that of the gradients.
 */
function sumsOfHalves(gradients: Gradients): number[] {
  const sums = new Float64Array(halves)
  for (const [name, { data, scale }] of gradients) {
    const random = counterRandom(17, name)
    for (let i = 0; i < data.length; i += 1) {
      const place = random(i) * halves * 2
      sums[Math.floor(place / 2)]! += scale * (place % 2 < 1 ? data[i]! : -data[i]!)
    }
  }
  return [...sums]
}

/** By the name of the graph's output: scale * data. */
type Gradients = ReadonlyMap<string, { readonly data: Float32Array; readonly scale: number }>

const gradientsIn = (results: ReadonlyMap<string, Tensor>): Gradients =>
  new Map(
    [...results].flatMap(([name, { data }]) =>
      name.startsWith('grad.') && data instanceof Float32Array ? [[name, { data, scale: 1 }] as const] : [],
    ),
  )

/** Gradients that stayed on the device, from AdamW's first moments after one step: (1 - beta1) gradScale g. */
async function firstGradients(
  { optimizer: { beta1, clipNorm } }: StepTask['recipe'],
  { training, setup }: CompiledStage,
  state: TrainState,
  { gradNorm, labelledTokens }: TrainerEventOf<'step'>,
): Promise<Gradients> {
  const tensors = trainedTensors(setup.layout, state)
  await training.resident?.read(tensors)
  const scale = labelledTokens / ((1 - beta1) * clipFactor(gradNorm, clipNorm))
  return new Map(tensors.map(({ name, first }) => [gradientOutputName(name), { data: first, scale }]))
}
