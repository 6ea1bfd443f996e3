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
import { optimizerSettings, regularisationSettings } from '#shared/recipe.ts'
import { goldenLora } from '../tests/golden-runs/replay.ts'
import { findStarterGguf } from '../tests/support/models.ts'
import { groupBy, type NodeGroup, nodesOfFastestRun, products } from './profile-events.ts'
import { prepareStarterWeights } from './starter-weights.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '4' },
    positions: { type: 'string', default: '256' },
    checkpointing: { type: 'boolean', default: false },
    /** One row behind the other, none seeing another. */
    packed: { type: 'boolean', default: false },
    steps: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    /** So many kinds of operator and shape are listed, the longest first. */
    shapes: { type: 'string', default: '0' },
  },
})
const [rows, positions, steps, threads] = [values.rows, values.positions, values.steps, values.threads].map(
  Number,
)

const { folder, config } = await prepareStarterWeights(findStarterGguf())
const method = goldenLora
const lossChunks = chooseLossChunks(rows! * positions!, config.vocabulary)
const built = buildTrainingGraph(config, method, {
  lossChunks,
  gradientCheckpointing: values.checkpointing,
  isPacked: values.packed,
})
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
  values.packed
    ? { ...causalCollation(lossChunks), layout: 'packed', hasSegments: true }
    : causalCollation(lossChunks),
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
const nodes = nodesOfFastestRun(readFileSync(join(work, name), 'utf8'))
rmSync(work, { recursive: true })
const total = nodes.reduce((sum, { ms }) => sum + ms, 0)
const inProducts = nodes.reduce((sum, { ms, operator }) => sum + (products.has(operator) ? ms : 0), 0)
const share = (ms: number): string => `${((100 * ms) / total).toFixed(1)} %`
console.log(
  `${rows}x${positions}${values.packed ? ' packed' : ''}${values.checkpointing ? ' with checkpointing' : ''}: fastest of ${steps} steps ${bestMs.toFixed(0)} ms; matrix products ${share(inProducts)} of the operators' time.`,
)
const table = (groups: readonly NodeGroup[], nameOf: (group: NodeGroup) => string, width: number): void => {
  for (const group of groups)
    console.log(
      `${nameOf(group).padEnd(width)} ${String(group.count).padStart(6)} times ${group.ms.toFixed(0).padStart(6)} ms ${share(group.ms).padStart(7)} ${group.gflops > 0 ? `${(group.gflops / (group.ms / 1000)).toFixed(0).padStart(5)} GF/s` : ''}`,
    )
}
table(groupBy(nodes, ({ operator }) => operator).slice(0, 14), ({ first }) => first.operator, 30)
table(
  groupBy(nodes, ({ operator, shapes }) => `${operator} ${shapes}`).slice(0, Number(values.shapes)),
  ({ first }) => `${first.operator} ${first.shapes}`,
  96,
)
