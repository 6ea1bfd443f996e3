// One configuration of the step benchmark, in a process of its own: reads it from the first argument as JSON, prints
// what it measured as one line of JSON.
import { readFileSync } from 'node:fs'
import { createOnnxBackend } from '#backends/onnx/session.ts'
import {
  type BuiltGraph,
  buildTrainingGraph,
  counterRandom,
  GraphBuilder,
  initialiseAdapter,
  type ModelConfig,
  type Session,
  type Tensor,
} from '#engine/index.ts'
import { adamwStep } from '#engine/optim/adamw.ts'
import { clipFactor, globalNorm } from '#engine/optim/clip.ts'
import { collate } from '#engine/train/collate.ts'
import { chooseLossChunks } from '#engine/train/loss-chunks.ts'
import { initialState, layoutOf, viewsOf } from '#engine/train/state.ts'
import { locateWeights } from '#processes/scorer/model-folder.ts'
import { linearNames, optimizerSettings } from '#shared/recipe.ts'
import { unwrap } from '#shared/result.ts'
import { graphFlops } from './graph-flops.ts'

export interface StepCase {
  readonly rows: number
  readonly positions: number
  readonly checkpointing: boolean
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

const method = { kind: 'lora', rank: 8, alpha: 16, targets: linearNames, topLayers: null } as const

/** Random tokens, every one a target but the first of each row. */
function randomRows({ rows, positions, config }: StepCase) {
  const random = counterRandom(3, 'tokens')
  return Array.from({ length: rows }, (_, row) => {
    const ids = Array.from({ length: positions }, (_, t) =>
      Math.floor(random(row * positions + t) * config.vocabulary),
    )
    return { rowId: String(row), ids, labels: ids }
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

async function openTrainer(stepCase: StepCase, built: BuiltGraph): Promise<Trainer> {
  const { config, folder, positions, threads } = stepCase
  const layout = layoutOf(built.trainable)
  const state = initialState(layout, initialiseAdapter(built.trainable, 1))
  const adapter = viewsOf(layout, state.parameters)
  const batch = collate(randomRows(stepCase), built.lossChunks)
  const sizes = new Map<string, number>()
  for (const input of built.graph.inputs)
    for (const [axis, dim] of input.shape.entries())
      if (typeof dim === 'string') sizes.set(dim, batch.feeds.get(input.name)!.shape[axis]!)
  const weights = await locateWeights(folder, config, positions)
  const startMs = performance.now()
  const session = unwrap(
    await createOnnxBackend().compile(built.graph, { threads, weights, workFolder: folder }),
  )
  const compileMs = performance.now() - startMs
  const gradients = new Float32Array(layout.length)
  const settings = optimizerSettings.parse({})
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
      adamwStep(state, gradients, settings, {
        updates: index + 1,
        learningRate: settings.learningRate,
        gradScale: clipFactor(norm, settings.clipNorm) / batch.labelledTokens,
      })
    },
  }
}

async function measure(stepCase: StepCase): Promise<StepFigures> {
  const { rows, positions, config, checkpointing, steps } = stepCase
  const lossChunks = chooseLossChunks(rows * positions, config.vocabulary)
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
