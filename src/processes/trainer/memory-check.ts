// Before the first step: whether what is free is enough, and what the longest rows really take. A run that the system
// would end in the middle is ended here, with words.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type MemoryPlan, planMemory, scaledPlan } from '#core/training/memory-plan.ts'
import { parameterCount, type Session, type Tensor } from '#engine/index.ts'
import { collate, commonStart, countLabelled, type EncodedRow } from '#engine/train/collate.ts'
import { trainedTensors } from '#engine/train/device-updater.ts'
import type { TrainingPorts, TrainingSetup } from '#engine/train/ports.ts'
import { feedsOf } from '#engine/train/run.ts'
import { firstLabelled } from '#engine/train/source-target.ts'
import { type TrainState, viewsOf } from '#engine/train/state.ts'
import type { Problem } from '#shared/result.ts'
import type { TrainerEvent } from '#shared/trainer-protocol.ts'
import { formatBytes } from '#shared/units.ts'
import type { CompiledStage } from './compile-job.ts'
import type { PlannedStage } from './plan-stages.ts'

/** What the system says of memory, in bytes. */
export interface MemoryLook {
  /** Of this process now. */
  residentBytes(): number
  peakResidentBytes(): number
  /** What other programs leave free, and this process may use. */
  availableBytes(): number
}

export interface MemoryCheck {
  readonly stage: CompiledStage
  readonly state: TrainState
  readonly ports: Pick<TrainingPorts, 'forwardBackward' | 'onDevice' | 'hiddenStates'>
  readonly memory: MemoryLook
  readonly tried: Tried
}

/** With which rows a compiled graph, which may be older than this run, was tried: it has the memory for them. */
export type TriedRows = WeakMap<Session, string>

/** What was tried before in this run. */
export interface Tried {
  readonly rows: TriedRows
  /** The peak is not of this run alone. */
  readonly holdsOthers: () => boolean
  /** Bytes that it was to take, or took: a process has one peak. */
  expectedBytes: number
  /** Stages whose longest rows went through. */
  readonly setups: Set<TrainingSetup>
}

/** Plans and peaks lie so far apart at most (docs/figures.md); more is told, and less than it is not called short. */
const planError = 0.15

/** Null where the stage may begin. The gradients that are computed here are thrown away. */
export async function* checkMemory(check: MemoryCheck): AsyncGenerator<TrainerEvent, Problem | null> {
  const { stage, memory, tried } = check
  const plan = await plannedMemory(stage)
  const short = shortOf(plan.total - memory.residentBytes(), plan.total, memory)
  if (short !== null || tried.setups.has(stage.setup)) return short
  tried.setups.add(stage.setup)
  if (tried.rows.get(stage.training) === longestOf(stage)) return null
  yield { kind: 'phase', phase: 'training', detail: 'trying the longest rows' }
  await tryLongest(check)
  tried.rows.set(stage.training, longestOf(stage))
  // What is computed for validation rows has not been yet.
  const soFar = plan.total - (stage.fromLayer > 0 ? 0 : plan.besides)
  tried.expectedBytes = Math.max(tried.expectedBytes, soFar)
  const peak = memory.peakResidentBytes()
  if (!tried.holdsOthers() && peak > (1 + planError) * tried.expectedBytes) {
    yield {
      kind: 'notice',
      text: `The longest rows took ${formatBytes(peak)} of memory; ${formatBytes(tried.expectedBytes)} were planned.`,
    }
    tried.expectedBytes = peak
  }
  return shortOf(plan.besides + plan.trained / 2, peak + plan.besides, memory)
}

/** What decides which rows are tried. */
const longestOf = ({ rows, setup: { recipe } }: PlannedStage): string =>
  `${rows.sha256} ${recipe.batch.rowsAtOnce ?? recipe.batch.microRows}`

/** The plan with the rows as they are, on the device that it is computed on. */
export async function plannedMemory({ job, config, head, setup }: PlannedStage): Promise<MemoryPlan> {
  const { recipe, modelFolder } = job
  const { size } = await stat(join(modelFolder, 'model.safetensors'))
  const { asks } = setup.collation
  const rows = [...setup.trainRows, ...setup.validationRows]
  const most = (of: (row: EncodedRow) => number): number =>
    rows.reduce((largest, row) => Math.max(largest, of(row)), 1)
  const plan = planMemory({
    config,
    recipe,
    task: head.task,
    rows: {
      longestTokens: most(({ ids }) => ids.length),
      mostLabelledTokens: most((row) => countLabelled(row, asks)),
      sharedTokens: setup.collation.sharesStart ? commonStart(setup.trainRows, asks) : 0,
      ...(setup.collation.halves && { longestSourceTokens: most(firstLabelled) }),
    },
    bytesPerValue: size / parameterCount(config) < 3 ? 2 : 4,
    isMeasured: setup.validationRows.length > 0,
  })
  return scaledPlan(plan, job.memoryFactor ?? 1)
}

async function tryLongest({ stage: { setup, config }, state, ports }: MemoryCheck): Promise<void> {
  const { rowsAtOnce, microRows } = setup.recipe.batch
  const rows = [...setup.trainRows]
    .sort((a, b) => b.ids.length - a.ids.length)
    .slice(0, Math.min(rowsAtOnce ?? microRows, microRows))
  const batch = collate(rows, setup.collation)
  const { onDevice } = ports
  await onDevice?.load(trainedTensors(setup.layout, state))
  const weights = onDevice ? new Map() : viewsOf(setup.layout, state.parameters)
  const feeds = await feedsOf(ports, rows, batch, weights)
  if (setup.noise) feeds.set('embedding.noise', noNoise([...batch.shape, config.hidden]))
  await ports.forwardBackward(feeds)
}

const noNoise = (shape: readonly number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
})

function shortOf(stillBytes: number, wholeBytes: number, { availableBytes }: MemoryLook): Problem | null {
  const free = availableBytes()
  if ((1 - planError) * stillBytes <= free) return null
  return {
    code: 'memory.too-small',
    message: `Training would take about ${formatBytes(wholeBytes)} of memory, ${formatBytes(stillBytes)} more than it holds now, and ${formatBytes(free)} are free.`,
    where: 'before the first step',
    remedy:
      'Close other programs and continue the run; or start a new one, which is made to fit what is free then: fewer rows at once (batch.rowsAtOnce), gradient checkpointing, a base in 4 bits.',
  }
}
