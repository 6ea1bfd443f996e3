// npm run bench:step: milliseconds and memory of a LoRA step of the starter model beside Hugging Face PEFT, turn by turn on
// this machine, every configuration in a process of its own. Prints ratios and asserts nothing.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Recipe } from '#shared/recipe.ts'
import { findStarterGguf } from '../tests/support/models.ts'
import { type BackendName, backendNames } from './backends.ts'
import { askPeer, findPeer, type Peer } from './peer/peer.ts'
import { prepareStarterWeights, type WeightType } from './starter-weights.ts'
import type { StepCase, StepFigures } from './step-case.ts'
import { measureInChild } from './step-child.ts'

interface PeerFigures {
  readonly stepsMs: readonly number[]
  readonly peakMib: number
  readonly gemmGflops: number
}

type Configuration = Pick<StepCase, 'rows' | 'positions' | 'checkpointing' | 'labelledShare'>

interface Report extends Configuration {
  readonly name: string
  readonly backend: BackendName
  readonly ours: StepFigures
  /** Measured in this run, or stored earlier (bench/peft-speed.json). */
  readonly peer: PeerFigures | null
  readonly isPeerStored: boolean
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

interface StoredRow extends Omit<Configuration, 'labelledShare'> {
  readonly minMs: number
  readonly peakMib: number
  readonly gemmGflops: number
}
const stored = JSON.parse(readFileSync(here('peft-speed.json'), 'utf8')) as { rows: readonly StoredRow[] }

/** The first ones are measured where nothing else is wished. */
const shapes = [
  [4, 256],
  [1, 1024],
  [2, 512],
  [8, 128],
] as const
const configurations: readonly Configuration[] = shapes.flatMap(([rows, positions]) =>
  [1, 0.25].flatMap((labelledShare) =>
    [false, true].map((checkpointing) => ({ rows, positions, checkpointing, labelledShare })),
  ),
)
const usual = new Set(configurations.slice(0, 8))

const nameOf = ({ rows, positions, checkpointing, labelledShare }: Configuration): string =>
  `${rows}x${positions}${checkpointing ? '+ckpt' : ''}${labelledShare === 1 ? '' : `/${100 * labelledShare}%`}`

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The figures of several turns as if of one: all steps, the highest peak, the best rate. */
function joinTurns<T extends { readonly stepsMs: readonly number[]; readonly peakMib: number }>(
  turns: readonly T[],
): T {
  const stepsMs = turns.flatMap((turn) => turn.stepsMs)
  return { ...turns[0]!, stepsMs, peakMib: Math.max(...turns.map(({ peakMib }) => peakMib)) }
}

const joinOurs = (turns: readonly StepFigures[]): StepFigures => ({
  ...joinTurns(turns),
  processorMs: turns.flatMap((turn) => turn.processorMs),
})

/** Every backend and PEFT turn by turn, so that a busy minute hits all. */
async function measureAll(
  stepCase: StepCase,
  backends: readonly BackendName[],
  peer: Peer | null,
  turns: number,
  precision: string,
): Promise<readonly Report[]> {
  const ours = backends.map((backend) => ({ backend, figures: [] as StepFigures[] }))
  const theirs: PeerFigures[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    for (const { backend, figures } of ours) figures.push(await measureInChild({ ...stepCase, backend }))
    if (peer) theirs.push(await askPeer<PeerFigures>(peer, 'step', { ...stepCase, precision }))
  }
  const { rows, positions, checkpointing, labelledShare } = stepCase
  const configuration = { rows, positions, checkpointing, labelledShare }
  return ours.map(({ backend, figures }) => ({
    name: nameOf(configuration),
    backend,
    ...configuration,
    ours: joinOurs(figures),
    peer: theirs.length > 0 ? joinTurns(theirs) : precision === 'float32' ? storedFor(configuration) : null,
    isPeerStored: theirs.length === 0,
  }))
}

function storedFor(wanted: Configuration): PeerFigures | null {
  const row = stored.rows.find((candidate) => nameOf({ ...candidate, labelledShare: 1 }) === nameOf(wanted))
  return row ? { stepsMs: [row.minMs], peakMib: row.peakMib, gemmGflops: row.gemmGflops } : null
}

const fastest = ({ stepsMs }: { readonly stepsMs: readonly number[] }): number => Math.min(...stepsMs)

/** Matrix products of the fastest step, recomputation included, per second, of the plain product's rate. */
const shareOfGemm = ({ ours }: Report): number =>
  ours.gigaflops / (fastest(ours) / 1000) / ours.gemmGflopsPerSecond

const whole = (value: number | undefined): string => value?.toFixed(0) ?? '-'
const ratio = (value: number | null): string => value?.toFixed(2) ?? '-'

const columns: readonly (readonly [title: string, width: number, cell: (r: Report) => string])[] = [
  ['BxS', 16, (r) => r.name],
  ['on', 20, (r) => r.backend],
  ['ms', 6, (r) => whole(fastest(r.ours))],
  ['median', 7, (r) => whole(median(r.ours.stepsMs))],
  ['processor', 9, (r) => whole(Math.min(...r.ours.processorMs))],
  ['of GEMM rate', 18, (r) => `${whole(100 * shareOfGemm(r))} % of ${whole(r.ours.gemmGflopsPerSecond)}`],
  ['MiB', 6, (r) => whole(r.ours.peakMib)],
  ['anon', 6, (r) => whole(r.ours.anonymousMib ?? undefined)],
  ['PEFT ms', 8, (r) => whole(r.peer ? fastest(r.peer) : undefined)],
  ['median', 7, (r) => whole(r.peer ? median(r.peer.stepsMs) : undefined)],
  ['GEMM', 5, (r) => whole(r.peer?.gemmGflops)],
  ['MiB', 6, (r) => whole(r.peer?.peakMib)],
  ['times faster', 13, (r) => ratio(r.peer && fastest(r.peer) / fastest(r.ours))],
  ['of its memory', 14, (r) => ratio(r.peer && r.ours.peakMib / r.peer.peakMib)],
]

const line = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(columns[i]![1]) : cell.padStart(columns[i]![1]))).join(' ')

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      only: { type: 'string' },
      base: { type: 'string', default: 'float' },
      backend: { type: 'string', default: 'onnx' },
      /** How PEFT computes: 'float32', 'autocast' (bfloat16 where torch does so), 'bfloat16' (its frozen weights too). */
      peer: { type: 'string', default: 'float32' },
      /** How the model's file holds its weights: 'float32', or 'bfloat16' as most are published. Both compute in float32. */
      weights: { type: 'string', default: 'float32' },
      steps: { type: 'string', default: '4' },
      turns: { type: 'string', default: '2' },
      threads: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
    },
  })
  const wanted = values.only?.split(',')
  const chosen = configurations.filter((c) => (wanted ? wanted.includes(nameOf(c)) : usual.has(c)))
  if (chosen.length === 0) {
    console.error(`--only knows ${configurations.map(nameOf).join(', ')}.`)
    process.exitCode = 2
    return
  }
  const backends = values.backend.split(',') as BackendName[]
  if (!backends.every((name) => backendNames.includes(name))) {
    console.error(`--backend knows ${backendNames.join(', ')}.`)
    process.exitCode = 2
    return
  }
  const { folder, isReal } = await prepareStarterWeights(findStarterGguf(), values.weights as WeightType)
  const peer = await findPeer()
  const threads = Number(values.threads)
  const processor = cpus()[0]?.model ?? 'unknown processor'
  const head =
    `LoRA r=8 on all linears of SmolLM2-135M (${isReal ? 'real' : 'random'} weights, ${values.weights}, base ${values.base}), forward + ` +
    `backward + clip + AdamW, ${threads} threads, ${processor}; beside ${peer?.versions ?? 'stored figures of PEFT'} in ${values.peer}.`
  console.log(head)
  console.log(
    'ms: the fastest step; processor: of both threads together. +ckpt: checkpointing; its recomputation counts as work. /25%: of every row labelled.',
  )
  console.log(line(columns.map(([title]) => title)))
  const base = values.base as Recipe['method']['base']
  const reports: Report[] = []
  for (const configuration of chosen) {
    const stepCase = {
      ...configuration,
      base,
      backend: 'onnx',
      steps: Number(values.steps),
      threads,
      folder,
    } as const
    const measured = await measureAll(stepCase, backends, peer, Number(values.turns), values.peer)
    reports.push(...measured)
    for (const report of measured) console.log(line(columns.map(([, , cell]) => cell(report))))
  }
  console.log(
    'Differences below about 10 % mean nothing on a shared machine. Peaks count what is mapped from the disk too.',
  )
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ head, threads, processor, reports }, null, 2)}\n`)
}

await main()
