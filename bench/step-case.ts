// One configuration of the step benchmark, in a process of its own: reads it from the first argument as JSON, prints
// what it measured as one line of JSON.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import { quantisedWeights } from '#core/models/quantised-weights.ts'
import { sha256File } from '#core/system/durable-files.ts'
import { graphFlops } from '#engine/analysis/graph-flops.ts'
import {
  type BuiltGraph,
  buildTrainingGraph,
  counterRandom,
  GraphBuilder,
  initialiseAdapter,
  type MethodSpec,
  type ModelConfig,
  type Session,
  type Tensor,
} from '#engine/index.ts'
import { clipFactor, globalNorm } from '#engine/optim/clip.ts'
import { createOptimizer } from '#engine/optim/optimizer.ts'
import { causalCollation, collate, mostLabelledTokens } from '#engine/train/collate.ts'
import { chooseLossChunks } from '#engine/train/loss-chunks.ts'
import { initialState, layoutOf, viewsOf } from '#engine/train/state.ts'
import { locateWeights } from '#processes/scorer/model-folder.ts'
import { ignoredLabel } from '#shared/labels.ts'
import { linearNames, optimizerSettings, type Recipe, regularisationSettings } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'

export interface StepCase {
  readonly rows: number
  readonly positions: number
  readonly checkpointing: boolean
  /** The end of every row, as answers are. */
  readonly labelledShare: number
  /** How frozen weights are kept. */
  readonly base: Recipe['method']['base']
  readonly steps: number
  readonly threads: number
  readonly folder: string
  readonly config: ModelConfig
}

export interface StepFigures {
  readonly stepsMs: readonly number[]
  /** Matrix products of one step, recomputation included. */
  readonly gigaflops: number
  /** Best rate of a plain product of as many rows, in this process, between the steps. */
  readonly gemmGflopsPerSecond: number
  readonly compileMs: number
  readonly peakMib: number
  readonly anonymousMib: number | null
}

const method: MethodSpec = {
  kind: 'lora',
  rank: 8,
  alpha: 16,
  targets: linearNames,
  topLayers: null,
  scaling: 'standard',
  decomposed: false,
}

/** Random tokens; of a whole labelled row every one is a target but the first. */
function randomRows({ rows, positions, config, labelledShare }: StepCase) {
  const random = counterRandom(3, 'tokens')
  const unlabelled = Math.round(positions * (1 - labelledShare))
  return Array.from({ length: rows }, (_, row) => {
    const ids = Array.from({ length: positions }, (_, t) =>
      Math.floor(random(row * positions + t) * config.vocabulary),
    )
    const labels = ids.map((id, t) => (t < unlabelled ? ignoredLabel : id))
    return { rowId: String(row), ids, labels }
  })
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
async function openGemm({ rows, positions, config, threads }: StepCase): Promise<Gemm> {
  const tokens = rows * positions
  const shapes = [
    [config.hidden, config.intermediate],
    [config.intermediate, config.hidden],
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
        await createOnnxBackend().compile(graph, { threads, weights: new Map(), workFolder: '' }),
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

interface Trainer {
  readonly session: Session
  readonly compileMs: number
  readonly gigaflops: number
  /** Forward, backward, clipping and AdamW, as the training loop does them. */
  step(index: number): Promise<void>
}

async function quantisedOf({ base, folder, config }: StepCase) {
  if (base === 'float') return undefined
  const weightsSha256 = await sha256File(join(folder, 'model.safetensors'))
  return unwrap(await quantisedWeights({ folder, weightsSha256, config, scheme: base }))
}

async function openTrainer(stepCase: StepCase, built: BuiltGraph): Promise<Trainer> {
  const { config, folder, positions, threads } = stepCase
  const layout = layoutOf(built.trainable)
  const settings = {
    optimizer: optimizerSettings.parse({}),
    regularisation: regularisationSettings.parse({}),
  }
  const state = initialState(layout, initialiseAdapter(built.trainable, 1), settings)
  const adapter = viewsOf(layout, state.parameters)
  const batch = collate(randomRows(stepCase), causalCollation(built.lossChunks))
  const sizes = new Map<string, number>()
  for (const input of built.graph.inputs)
    for (const [axis, dim] of input.shape.entries())
      if (typeof dim === 'string') sizes.set(dim, batch.feeds.get(input.name)!.shape[axis]!)
  const weights = await locateWeights(folder, config, built, positions, await quantisedOf(stepCase))
  const startMs = performance.now()
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads, weights, workFolder: folder }),
  )
  const compileMs = performance.now() - startMs
  const gradients = new Float32Array(layout.length)
  const optimizer = createOptimizer(settings.optimizer, layout.entries, { ...state, gradients })
  const { learningRate, clipNorm } = settings.optimizer
  return {
    session,
    compileMs,
    gigaflops: graphFlops(built.graph, sizes) / 1e9,
    async step(index) {
      const outputs = await session.run(new Map([...batch.feeds, ...adapter]))
      for (const { name, offset } of layout.entries)
        gradients.set(outputs.get(`grad.${name}`)!.data as Float32Array, offset)
      const norm = globalNorm(gradients) / batch.labelledTokens
      if (!Number.isFinite(norm)) throw new Error('the gradient is not finite')
      const gradScale = clipFactor(norm, clipNorm) / batch.labelledTokens
      optimizer.step({ updates: index + 1, learningRate, gradScale })
    },
  }
}

async function measure(stepCase: StepCase): Promise<StepFigures> {
  const { rows, positions, config, checkpointing, steps } = stepCase
  const labelled = mostLabelledTokens(randomRows(stepCase), rows)
  const lossChunks = chooseLossChunks(labelled, config.vocabulary)
  const built = buildTrainingGraph(config, method, { lossChunks, gradientCheckpointing: checkpointing })
  const trainer = await openTrainer(stepCase, built)
  const stepsMs: number[] = []
  const timedStep = async (index: number): Promise<void> => {
    const startMs = performance.now()
    await trainer.step(index)
    stepsMs.push(performance.now() - startMs)
  }
  await trainer.step(0)
  await timedStep(1)
  // Before the plain products, whose operands are no part of training.
  const memory = memoryMib()
  const gemm = await openGemm(stepCase)
  let gemmGflopsPerSecond = await gemm()
  for (let index = 2; index <= steps; index += 1) {
    await timedStep(index)
    gemmGflopsPerSecond = Math.max(gemmGflopsPerSecond, await gemm())
  }
  return {
    stepsMs,
    gigaflops: trainer.gigaflops,
    gemmGflopsPerSecond,
    compileMs: trainer.compileMs,
    peakMib: memory.peak,
    anonymousMib: memory.anonymous,
  }
}

process.stdout.write(`${JSON.stringify(await measure(JSON.parse(process.argv[2]!) as StepCase))}\n`)
