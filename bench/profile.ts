// Where the time of one training step goes, operator by operator, as ONNX Runtime's own profile tells it: LoRA r=8 on all
// linears of SmolLM2-135M, 4 rows of 256 tokens or as said. Prints shares and asserts nothing.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as ort from 'onnxruntime-node'
import { lowerGraph } from '#backends/onnx/lower.ts'
import { encodeModel } from '#backends/onnx/model-proto.ts'
import { sessionSettings } from '#backends/onnx/session.ts'
import {
  buildTrainingGraph,
  chooseLossChunks,
  counterRandom,
  initialValues,
  type Tensor,
} from '#engine/index.ts'
import { causalCollation, collate } from '#engine/train/collate.ts'
import { initialState, layoutOf, viewsOf } from '#engine/train/state.ts'
import { locateWeights, openWeights } from '#processes/scorer/model-folder.ts'
import { linearNames, optimizerSettings, regularisationSettings } from '#shared/recipe.ts'
import { findStarterGguf } from '../tests/support/models.ts'
import { prepareStarterWeights } from './starter-weights.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '4' },
    positions: { type: 'string', default: '256' },
    checkpointing: { type: 'boolean', default: false },
    steps: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
  },
})
const [rows, positions, steps, threads] = [values.rows, values.positions, values.steps, values.threads].map(
  Number,
)

/** Matrix products; inside the loops of attention they have names of their own in the profile. */
const products = new Set(['MatMul', 'FusedMatMul', 'Gemm', 'MatMulBnb4', 'MatMulNBits'])

interface ProfileEvent {
  readonly cat: string
  readonly name: string
  readonly dur: number
  readonly args?: { readonly op_name?: string }
}

const { folder, config } = await prepareStarterWeights(findStarterGguf())
const method = {
  kind: 'lora',
  rank: 8,
  alpha: 16,
  targets: linearNames,
  topLayers: null,
  scaling: 'standard',
  decomposed: false,
} as const
const lossChunks = chooseLossChunks(rows! * positions!, config.vocabulary)
const built = buildTrainingGraph(config, method, { lossChunks, gradientCheckpointing: values.checkpointing })
const weights = await locateWeights(folder, config, built, rows! * positions!)
const work = mkdtempSync(join(tmpdir(), 'profile-'))
const session = await ort.InferenceSession.create(encodeModel(lowerGraph(built.graph, weights)), {
  ...sessionSettings(threads!, folder),
  enableProfiling: true,
  profileFilePrefix: join(work, 'profile'),
})

const random = counterRandom(3, 'tokens')
const batch = collate(
  Array.from({ length: rows! }, (_, row) => {
    const ids = Array.from({ length: positions! }, (_, t) =>
      Math.floor(random(row * positions! + t) * config.vocabulary),
    )
    return { rowId: String(row), ids, labels: ids }
  }),
  causalCollation(lossChunks),
)
const { read, close } = await openWeights(folder)
const initial = await initialValues({ config, method, task: { kind: 'language-model' }, seed: 1, read })
await close()
const layout = layoutOf(built.trainable)
const recipe = { optimizer: optimizerSettings.parse({}), regularisation: regularisationSettings.parse({}) }
const { parameters } = initialState(layout, initial, recipe)
const held = [...weights].flatMap(([name, location]): [string, Tensor][] =>
  location.kind === 'memory' ? [[name, location.tensor]] : [],
)
const feeds = Object.fromEntries(
  [...batch.feeds, ...viewsOf(layout, parameters), ...held].map(([name, { data, shape }]) => [
    name,
    data instanceof Float32Array
      ? new ort.Tensor('float32', data, shape)
      : new ort.Tensor('int64', data, shape),
  ]),
)

let bestMs = Number.POSITIVE_INFINITY
for (let step = 0; step < steps!; step += 1) {
  const startMs = performance.now()
  await session.run(feeds)
  bestMs = Math.min(bestMs, performance.now() - startMs)
}
session.endProfiling()
await session.release()

const name = readdirSync(work).find((file) => file.startsWith('profile'))!
const events = JSON.parse(readFileSync(join(work, name), 'utf8')) as readonly ProfileEvent[]
rmSync(work, { recursive: true })
const spent = new Map<string, number>()
for (const { cat, name: event, dur, args } of events) {
  if (cat !== 'Node' || !event.endsWith('_kernel_time') || args?.op_name === undefined) continue
  spent.set(args.op_name, (spent.get(args.op_name) ?? 0) + dur / 1000)
}
/** What a loop's body does is in the profile too. */
spent.delete('Loop')
const total = [...spent.values()].reduce((sum, ms) => sum + ms, 0)
const share = (ms: number): string => `${((100 * ms) / total).toFixed(1)} %`
const inProducts = [...spent].reduce((sum, [op, ms]) => sum + (products.has(op) ? ms : 0), 0)
console.log(
  `${rows}x${positions}${values.checkpointing ? ' with checkpointing' : ''}: fastest of ${steps} steps ${bestMs.toFixed(0)} ms; matrix products ${share(inProducts)} of the operators' time.`,
)
for (const [op, ms] of [...spent].sort((a, b) => b[1] - a[1]).slice(0, 14))
  console.log(`${op.padEnd(34)} ${(ms / steps!).toFixed(0).padStart(7)} ms a step ${share(ms).padStart(8)}`)
