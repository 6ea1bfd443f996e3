// One configuration of the step benchmark, in a process of its own: reads it from the first argument as JSON, prints
// what it measured as one line of JSON. The graphs, the loop and the optimizer are the trainer's own.
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModelConfig } from '#core/models/model-json.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { graphFlops } from '#engine/analysis/graph-flops.ts'
import type { Backend } from '#engine/backend-port.ts'
import {
  buildTrainingGraph,
  counterRandom,
  GraphBuilder,
  initialValues,
  layerLinears,
  type Tensor,
} from '#engine/index.ts'
import { collate } from '#engine/train/collate.ts'
import { train } from '#engine/train/loop.ts'
import { initialState } from '#engine/train/state.ts'
import { openWeights } from '#processes/scorer/model-folder.ts'
import { type CompiledStage, compileStage, partsMadeAnew } from '#processes/trainer/compile-job.ts'
import { planStage } from '#processes/trainer/plan-stages.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { type Recipe, recipe } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob } from '#shared/trainer-protocol.ts'
import { type BackendName, createBackend } from './backends.ts'

export interface StepCase {
  readonly rows: number
  readonly positions: number
  readonly checkpointing: boolean
  /** The end of every row, as answers are. */
  readonly labelledShare: number
  /** How frozen weights are kept. */
  readonly base: Recipe['method']['base']
  /** Timed ones; another one goes before them. */
  readonly steps: number
  readonly threads: number
  readonly backend: BackendName
  readonly folder: string
}

export interface StepFigures {
  readonly stepsMs: readonly number[]
  /** Processor time of all threads. */
  readonly processorMs: readonly number[]
  /** Matrix products of one step, recomputation included. */
  readonly gigaflops: number
  /** Best rate of a plain product of as many rows, in this process, between the steps. */
  readonly gemmGflopsPerSecond: number
  readonly compileMs: number
  readonly peakMib: number
  readonly anonymousMib: number | null
}

/** Rows enough for every step, all alike; of a whole labelled row every token is a target but the first. */
function randomRows({ rows, positions, labelledShare }: StepCase, vocabulary: number, count: number) {
  const random = counterRandom(3, 'tokens')
  const unlabelled = Math.round(positions * (1 - labelledShare))
  const ids = (row: number) =>
    Array.from({ length: positions }, (_, t) => Math.floor(random((row % rows) * positions + t) * vocabulary))
  return Array.from({ length: count }, (_, row) => {
    const rowIds = ids(row)
    const labels = rowIds.map((id, t) => (t < unlabelled ? ignoredLabel : id))
    return { rowId: String(row), ids: rowIds, labels }
  })
}

async function jobOf({ folder, rows, steps, threads, checkpointing, base }: StepCase): Promise<TrainerJob> {
  const weightsSha256 = await sha256File(join(folder, 'model.safetensors'))
  return {
    runId: 'bench',
    modelFolder: folder,
    datasetFolder: '',
    runFolder: folder,
    cacheFolder: folder,
    cacheLimitBytes: 0,
    firstSeq: 0,
    recipe: recipe.parse({
      version: 1,
      model: { id: 'bench', weightsSha256 },
      data: { fingerprint: '' },
      scenario: 'question-answering',
      instruction: '',
      threads,
      method: { base },
      // As PEFT has them: rows of one length beside each other.
      batch: { microRows: rows, packing: false },
      duration: { epochs: 1, maxSteps: steps + 1 },
      checkpoints: { everySeconds: null },
      gradientCheckpointing: checkpointing,
    }),
  }
}

/** Peak resident and anonymous memory in MiB (2^20 bytes); null where the system does not tell. */
function memoryMib(): { readonly peak: number; readonly anonymous: number | null } {
  const peak = process.resourceUsage().maxRSS / 1024
  if (process.platform !== 'linux') return { peak, anonymous: null }
  const status = readFileSync('/proc/self/status', 'utf8')
  return { peak, anonymous: Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024 }
}

type Gemm = () => Promise<number>

/** A plain MatMul [T,C] x [C,I] and [T,I] x [I,C]; a call runs each for about 100 ms and returns the best GFLOP/s. */
async function openGemm(
  backend: Backend,
  tokens: number,
  { hidden, intermediate }: { readonly hidden: number; readonly intermediate: number },
  threads: number,
): Promise<Gemm> {
  const shapes = [
    [hidden, intermediate],
    [intermediate, hidden],
  ] as const
  const runs = await Promise.all(
    shapes.map(async ([inner, outer]) => {
      const builder = new GraphBuilder()
      const x = builder.input('x', 'float32', ['T', inner])
      const weight = builder.input('weight', 'float32', [inner, outer])
      builder.inRegion('gemm', () =>
        builder.output(builder.add('linearInputBackward', [x, weight, null], { scale: 1 }, 'y')[0]),
      )
      const graph = builder.build()
      const session = unwrap(
        await backend.compile(graph, { threads, weights: new Map(), workFolder: tmpdir() }),
      )
      const ofShape = (shape: readonly number[]): Tensor => {
        const length = shape.reduce((product, size) => product * size, 1)
        return { dtype: 'float32', shape, data: Float32Array.from({ length }, (_, i) => Math.sin(i)) }
      }
      const feeds = new Map([
        ['x', ofShape([tokens, inner])],
        ['weight', ofShape([inner, outer])],
      ])
      return { session, feeds, gigaflops: (2 * tokens * inner * outer) / 1e9 }
    }),
  )
  return async () => {
    let best = 0
    for (const { session, feeds, gigaflops } of runs)
      for (const endMs = performance.now() + 100; performance.now() < endMs; ) {
        const startMs = performance.now()
        await session.run(feeds)
        best = Math.max(best, gigaflops / ((performance.now() - startMs) / 1000))
      }
    return best
  }
}

/** The graph that compileStage built, once more: it gives sessions only. */
function gigaflopsOf(
  { config, method, head: { task }, setup }: CompiledStage,
  { rows, checkpointing }: StepCase,
): number {
  const { graph } = buildTrainingGraph(config, method, {
    task,
    lossChunks: setup.collation.lossChunks,
    gradientCheckpointing: checkpointing,
  })
  const { feeds } = collate(setup.trainRows.slice(0, rows), setup.collation)
  const sizes = new Map<string, number>()
  for (const input of graph.inputs)
    for (const [axis, dim] of input.shape.entries())
      if (typeof dim === 'string') sizes.set(dim, feeds.get(input.name)!.shape[axis]!)
  return graphFlops(graph, sizes) / 1e9
}

async function compile(stepCase: StepCase, job: TrainerJob, backend: Backend): Promise<CompiledStage> {
  const config = await readModelConfig(stepCase.folder)
  const rows = randomRows(stepCase, config.vocabulary, stepCase.rows * (stepCase.steps + 1))
  const prepared = {
    train: rows,
    validation: [],
    validationExamples: [],
    classNames: [],
    leftOut: [],
    sha256: '',
    isReused: false,
  }
  const stage = planStage(job, config, { ...prepared, close() {} }, 0)
  return compileStage(stage, backend, partsMadeAnew([]))
}

async function openState(job: TrainerJob, { config, method, head: { task }, setup }: CompiledStage) {
  const { read, close } = await openWeights(job.modelFolder)
  const initial = await initialValues({ config, method, task, seed: job.recipe.seed, read })
  await close()
  return initialState(setup.layout, initial, job.recipe)
}

async function measure(stepCase: StepCase): Promise<StepFigures> {
  const { rows, positions, threads } = stepCase
  const job = await jobOf(stepCase)
  const startMs = performance.now()
  const backend = createBackend(stepCase.backend)
  const compiled = await compile(stepCase, job, backend)
  const compileMs = performance.now() - startMs
  const never = (): never => {
    throw new Error('nothing of this benchmark waits or saves')
  }
  const events = train(compiled.setup, await openState(job, compiled), {
    nowMs: () => performance.now(),
    forwardBackward: (feeds) => compiled.training.run(feeds),
    score: never,
    nextCommand: async () => 'continue',
    holdYourself: never,
    waitWhilePaused: never,
    saveCheckpoint: async () => ({ ok: true, value: { folder: '', manifestSha256: '', bytes: 0 } }),
  })
  const stepsMs: number[] = []
  const processorMs: number[] = []
  let mark = process.cpuUsage()
  let memory = memoryMib()
  let gemm: Gemm | null = null
  let gemmGflopsPerSecond = 0
  for await (const event of events) {
    if (event.kind === 'failed') throw new Error(JSON.stringify(event.problem))
    if (event.kind !== 'step') continue
    const used = process.cpuUsage(mark)
    if (event.step > 1) stepsMs.push(event.durationMs)
    if (event.step > 1) processorMs.push((used.user + used.system) / 1000)
    mark = process.cpuUsage()
    // Before the plain products, whose operands are no part of training.
    if (event.step <= 2) memory = memoryMib()
    if (event.step < 2) continue
    const widths = { hidden: compiled.config.hidden, intermediate: widthOf(compiled) }
    gemm ??= await openGemm(backend, rows * positions, widths, threads)
    gemmGflopsPerSecond = Math.max(gemmGflopsPerSecond, await gemm())
    mark = process.cpuUsage()
  }
  return {
    stepsMs,
    processorMs,
    gigaflops: gigaflopsOf(compiled, stepCase),
    gemmGflopsPerSecond,
    compileMs,
    peakMib: memory.peak,
    anonymousMib: memory.anonymous,
  }
}

/** Of the MLP. */
const widthOf = ({ config }: CompiledStage): number =>
  Math.max(...layerLinears(config, 0).map(({ inputWidth }) => inputWidth))

process.stdout.write(`${JSON.stringify(await measure(JSON.parse(process.argv[2]!) as StepCase))}\n`)
