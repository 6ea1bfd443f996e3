// npm run bench:step: milliseconds and memory of a LoRA step of the starter model, every configuration in a process of
// its own, beside Hugging Face PEFT's figures. Prints ratios and asserts nothing.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { newObjectsMib } from '#processes/trainer/main-thread.ts'
import { findStarterGguf } from '../tests/support/models.ts'
import { prepareStarterWeights, type StarterWeights } from './starter-weights.ts'
import type { StepCase, StepFigures } from './step-case.ts'

interface PeftRow {
  readonly rows: number
  readonly positions: number
  readonly checkpointing: boolean
  readonly minMs: number
  readonly medianMs: number
  readonly peakMib: number
  readonly gemmGflops: number
}

interface Report {
  readonly name: string
  readonly rows: number
  readonly positions: number
  readonly checkpointing: boolean
  readonly minMs: number
  readonly medianMs: number
  readonly tokensPerSecond: number
  /** Matrix products of the fastest step, recomputation included, per second, of the plain product's rate. */
  readonly shareOfGemmRate: number
  readonly gemmGflopsPerSecond: number
  readonly gigaflopsPerStep: number
  readonly compileMs: number
  readonly peakMib: number
  readonly anonymousMib: number | null
  readonly peftMinMs: number | null
  readonly peftPeakMib: number | null
  /** PEFT's fastest step / ours: above 1 is faster than PEFT. */
  readonly timesPeft: number | null
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const peft = JSON.parse(readFileSync(here('peft-speed.json'), 'utf8')) as { rows: readonly PeftRow[] }

const configurations = [true, false].flatMap((checkpointing) =>
  [
    [4, 256],
    [2, 512],
    [8, 128],
    [1, 1024],
  ].map(([rows, positions]) => ({ rows: rows!, positions: positions!, checkpointing })),
)

const nameOf = (c: { rows: number; positions: number; checkpointing: boolean }): string =>
  `${c.rows}x${c.positions}${c.checkpointing ? '+ckpt' : ''}`

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** With the heap that the trainer's numerics thread has; V8 makes three semi-spaces of what is for new objects. */
async function measureInChild(stepCase: StepCase): Promise<StepFigures> {
  const heap = `--max-semi-space-size=${newObjectsMib / 3}`
  const parameters = ['--disable-warning=ExperimentalWarning', heap, here('step-case.ts')]
  parameters.push(JSON.stringify(stepCase))
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { maxBuffer: 1 << 24 })
  return JSON.parse(stdout) as StepFigures
}

function report(stepCase: StepCase, figures: StepFigures): Report {
  const { rows, positions, checkpointing } = stepCase
  const beside = peft.rows.find((row) => nameOf(row) === nameOf(stepCase))
  const minMs = Math.min(...figures.stepsMs)
  return {
    name: nameOf(stepCase),
    rows,
    positions,
    checkpointing,
    minMs,
    medianMs: median(figures.stepsMs),
    tokensPerSecond: (rows * positions) / (minMs / 1000),
    shareOfGemmRate: figures.gigaflops / (minMs / 1000) / figures.gemmGflopsPerSecond,
    gemmGflopsPerSecond: figures.gemmGflopsPerSecond,
    gigaflopsPerStep: figures.gigaflops,
    compileMs: figures.compileMs,
    peakMib: figures.peakMib,
    anonymousMib: figures.anonymousMib,
    peftMinMs: beside?.minMs ?? null,
    peftPeakMib: beside?.peakMib ?? null,
    timesPeft: beside ? beside.minMs / minMs : null,
  }
}

const columns: readonly (readonly [title: string, cell: (r: Report) => string])[] = [
  ['BxS', (r) => r.name],
  ['min ms', (r) => r.minMs.toFixed(0)],
  ['median', (r) => r.medianMs.toFixed(0)],
  ['tok/s', (r) => r.tokensPerSecond.toFixed(0)],
  [
    'of GEMM rate',
    (r) => `${(100 * r.shareOfGemmRate).toFixed(0)} % of ${r.gemmGflopsPerSecond.toFixed(0)} GF/s`,
  ],
  ['peak MiB', (r) => r.peakMib.toFixed(0)],
  ['anon MiB', (r) => r.anonymousMib?.toFixed(0) ?? '-'],
  ['PEFT ms', (r) => r.peftMinMs?.toFixed(0) ?? '-'],
  ['PEFT MiB', (r) => r.peftPeakMib?.toFixed(0) ?? '-'],
  ['PEFT / ours', (r) => r.timesPeft?.toFixed(2) ?? '-'],
]

const widths = [11, 7, 7, 6, 20, 8, 8, 8, 8, 11]
const line = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' ')

function printHead(weights: StarterWeights, threads: number): void {
  console.log(
    `LoRA r=8 on all linears of SmolLM2-135M (${weights.isReal ? 'real' : 'random'} weights, float32), every token a ` +
      `target, forward + backward + clip + AdamW, ${threads} threads, ${cpus()[0]?.model ?? 'unknown processor'}.`,
  )
  console.log('"+ckpt": gradient checkpointing; its recomputation counts as work in "of GEMM rate".')
  console.log(line(columns.map(([title]) => title)))
}

function notesOn(reports: readonly Report[]): readonly string[] {
  const ours = Math.max(...reports.map((r) => r.gemmGflopsPerSecond))
  const theirs = Math.max(...peft.rows.map((row) => row.gemmGflops))
  return [
    'PEFT was measured earlier, on another machine of this kind and not in this run (bench/peft-speed.json): its plain ' +
      `matrix product ran at up to ${theirs.toFixed(0)} GF/s, ours at up to ${ours.toFixed(0)} GF/s today.`,
    'Both machines are shared and noisy: differences below about 10 % mean nothing; compare minima.',
  ]
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      only: { type: 'string' },
      steps: { type: 'string', default: '4' },
      threads: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
    },
  })
  const wanted = values.only?.split(',')
  const chosen = configurations.filter((c) => !wanted || wanted.includes(nameOf(c)))
  if (chosen.length === 0) {
    console.error(`--only knows ${configurations.map(nameOf).join(', ')}.`)
    process.exitCode = 2
    return
  }
  const weights = await prepareStarterWeights(findStarterGguf())
  const threads = Number(values.threads)
  printHead(weights, threads)
  const reports: Report[] = []
  for (const configuration of chosen) {
    const { folder, config } = weights
    const stepCase = { ...configuration, steps: Number(values.steps), threads, folder, config }
    const figures = report(stepCase, await measureInChild(stepCase))
    reports.push(figures)
    console.log(line(columns.map(([, cell]) => cell(figures))))
  }
  const notes = notesOn(reports)
  for (const note of notes) console.log(note)
  if (values.json) {
    const processor = cpus()[0]?.model ?? null
    const facts = { realWeights: weights.isReal, threads, processor, notes, configurations: reports }
    writeFileSync(values.json, `${JSON.stringify(facts, null, 2)}\n`)
  }
}

await main()
