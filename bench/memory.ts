// npm run bench:memory: the peak memory that a plan predicts beside that of the real trainer, over a grid of recipes.
// Prints a table and asserts nothing. Linux only: elsewhere the system does not tell what a process really holds.

import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readModelConfig } from '#core/models/model-json.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import type { Library } from '#core/system/library.ts'
import { type MemoryPlan, planMemory } from '#core/training/memory-plan.ts'
import { type Recipe, recipe as recipeSchema } from '#shared/recipe.ts'
import { type TrainerJob, type TrainerMessage, trainerEvent } from '#shared/trainer-protocol.ts'
import {
  type BenchModel,
  openBenchLibrary,
  placeModel,
  placeRows,
  rowsScenario,
  wordsOf,
} from './memory-library.ts'

interface MemoryCase {
  readonly name: string
  readonly model: BenchModel
  readonly rows: number
  readonly positions: number
  readonly changes: Record<string, unknown>
}

const full = { method: { kind: 'full' } }
const plain = { gradientCheckpointing: false }
const onBase = (base: Recipe['method']['base']) => ({ method: { base } })
const top = { method: { topLayers: 10 } }

/** Many words, as a person's instruction with examples has. */
const instructed = (words: number) => ({ instruction: wordsOf(0, words).join(' ') })

const at = (
  rows: number,
  positions: number,
  name: string,
  changes: Record<string, unknown>,
  model: BenchModel = 'starter',
): MemoryCase => ({ name: `${rows}x${positions} ${name}`, model, rows, positions, changes })

const cases: readonly MemoryCase[] = [
  at(1, 64, 'lora', {}),
  at(4, 256, 'lora', {}),
  at(8, 128, 'lora', {}),
  at(1, 1024, 'lora', {}),
  at(2, 512, 'lora', {}),
  at(4, 256, 'lora kept', plain),
  at(8, 128, 'lora kept', plain),
  at(1, 1024, 'lora kept', plain),
  at(8, 128, 'lora two at once', { rowsAtOnce: 2 }),
  at(4, 256, 'lora padded', { packing: false }),
  at(8, 128, 'lora padded', { packing: false }),
  at(8, 256, 'lora 160 shared', instructed(160)),
  at(8, 256, 'lora 160 shared kept', { ...instructed(160), ...plain }),
  at(8, 256, 'lora 160 shared nf4', { ...instructed(160), ...onBase('nf4') }),
  at(4, 256, 'dora', { method: { decomposed: true } }),
  at(4, 256, 'lora int8', onBase('int8')),
  at(4, 256, 'lora int4', onBase('int4')),
  at(4, 256, 'lora nf4', onBase('nf4')),
  at(1, 64, 'lora nf4', onBase('nf4')),
  at(4, 256, 'top 10', top),
  at(4, 256, 'top 10 kept', { ...top, ...plain }),
  at(4, 256, 'top 10 reused', { ...top, ...plain, reuseFrozenLayers: true }),
  at(4, 256, 'full adamw', full),
  at(4, 256, 'full adamw-8bit', { ...full, optimizer: { kind: 'adamw-8bit' } }),
  at(1, 64, 'full adafactor', { ...full, optimizer: { kind: 'adafactor' } }),
  at(1, 1024, 'full adafactor kept', { ...full, ...plain, optimizer: { kind: 'adafactor' } }),
  at(4, 256, 'averaged', { regularisation: { averaging: 0.9 } }),
  at(4, 128, 'wider lora', {}, 'wider'),
  at(4, 128, 'wider lora kept nf4', { ...plain, ...onBase('nf4') }, 'wider'),
  at(4, 128, 'deeper lora', {}, 'deeper'),
  at(4, 128, 'deeper lora kept', plain, 'deeper'),
]

/** What the trainer holds, in MiB. */
interface Held {
  /** Anonymous memory and mapped pages, each page once. */
  readonly real: number
  readonly anonymous: number
  /** What the system calls resident: pages mapped by several sessions count for each. */
  readonly resident: number
}

interface Figures {
  readonly name: string
  readonly predicted: MemoryPlan
  readonly measured: Held
  /** By the event before which it was held. */
  readonly peaks: Readonly<Record<string, Held>>
  readonly seconds: number
}

const mib = 1024 * 1024

/** The lines of /proc/PID/smaps that matter: where a mapping begins in its file, and how much of it is resident. */
const mappingHead = /^[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) (\S+) (\d+) /

function heldBy(pid: number): Held | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    // A process that has just ended is still listed, without its memory.
    if (!status.includes('RssAnon')) return null
    const of = (field: string): number =>
      Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024
    return {
      real: residentOnce(readFileSync(`/proc/${pid}/smaps`, 'utf8')),
      anonymous: of('RssAnon'),
      resident: of('VmHWM'),
    }
  } catch {
    return null
  }
}

/** MiB: of several mappings of the same stretch of a file the one of which most is resident. */
function residentOnce(smaps: string): number {
  const stretches = new Map<string, number>()
  let stretch = ''
  for (const line of smaps.split('\n')) {
    const head = mappingHead.exec(line)
    if (head) stretch = head[3] === '0' ? `memory ${stretches.size}` : head.slice(1).join()
    else if (line.startsWith('Rss:'))
      stretches.set(stretch, Math.max(stretches.get(stretch) ?? 0, Number.parseInt(line.slice(4), 10)))
  }
  return [...stretches.values()].reduce((sum, kib) => sum + kib, 0) / 1024
}

const larger = (a: Held | undefined, b: Held): Held => ({
  real: Math.max(a?.real ?? 0, b.real),
  anonymous: Math.max(a?.anonymous ?? 0, b.anonymous),
  resident: Math.max(a?.resident ?? 0, b.resident),
})

const watchMs = 300

/** Runs a trainer for a measurement and a step and looks at its memory all the while. */
function runAndWatch(job: TrainerJob): Promise<Pick<Figures, 'measured' | 'peaks'>> {
  const child = createNodeLauncher().launch('trainer')
  const peaks: Record<string, Held> = {}
  let measured: Held | undefined
  let doing = 'start'
  let failure = ''
  const look = (): void => {
    const held = child.pid === undefined ? null : heldBy(child.pid)
    if (held === null) return
    measured = larger(measured, held)
    peaks[doing] = larger(peaks[doing], held)
  }
  const timer = setInterval(look, watchMs)
  child.onMessage((raw) => {
    const event = trainerEvent.parse((raw as TrainerMessage).event)
    if (event.kind === 'heartbeat') return
    look()
    if (event.kind === 'phase') doing = `${event.phase} ${event.detail}`.slice(0, 20)
    if (event.kind === 'samples') doing = 'samples'
    if (event.kind === 'notice') console.log(`    ${event.text}`)
    // The peak is over, and an adapter is of no use here.
    if (event.kind === 'step') child.send({ kind: 'cancel' })
    if (event.kind === 'failed') failure = JSON.stringify(event.problem)
  })
  child.send({ kind: 'start', job })
  return new Promise((resolve, reject) => {
    child.onExit((exit) => {
      clearInterval(timer)
      if (failure !== '' || measured === undefined || exit.code !== 0)
        reject(new Error(`the trainer did not finish: ${failure} ${JSON.stringify(exit)}`))
      else resolve({ measured, peaks })
    })
  })
}

async function measure(library: Library, memoryCase: MemoryCase): Promise<Figures> {
  const { name, rows, positions, changes } = memoryCase
  const { rowsAtOnce = null, packing = true, instruction = 'Go on.', ...rest } = changes
  const model = await placeModel(library, memoryCase.model)
  const data = await placeRows(library, model, {
    tokens: positions,
    count: rows,
    instruction: String(instruction),
  })
  const recipe = recipeSchema.parse({
    version: 1,
    model: { id: model.id, weightsSha256: model.weightsSha256 },
    data: { fingerprint: data.fingerprint },
    ...rowsScenario,
    instruction,
    threads: 2,
    batch: { microRows: rows, maxTokens: 4096, rowsAtOnce, packing },
    duration: { epochs: 2 },
    evaluation: { everySteps: 2, patience: null },
    checkpoints: { everySeconds: null, keepLast: 1 },
    ...rest,
  })
  const config = await readModelConfig(model.folder)
  const task = { kind: 'language-model' } as const
  const predicted = planMemory({ config, recipe, task, rows: data, bytesPerValue: 4 })
  const runFolder = join(library.runsFolder, `bench-${process.pid}`)
  await rm(runFolder, { recursive: true, force: true })
  await mkdir(runFolder)
  const startMs = performance.now()
  const watched = await runAndWatch({
    runId: 'bench',
    recipe,
    modelFolder: model.folder,
    datasetFolder: data.folder,
    runFolder,
    cacheFolder: library.cacheFolder,
    cacheLimitBytes: 4e9,
    firstSeq: 1,
  })
  return { name, predicted, ...watched, seconds: (performance.now() - startMs) / 1000 }
}

const parts = ['weights', 'trained', 'optimizer', 'activations', 'workspace', 'besides', 'program'] as const
const inMib = (bytes: number): string => (bytes / mib).toFixed(0)

function rowOf({ name, predicted, measured }: Figures): string {
  const error = (100 * (predicted.total / mib - measured.real)) / measured.real
  const cells = [
    name,
    inMib(predicted.total),
    measured.real.toFixed(0),
    `${error >= 0 ? '+' : ''}${error.toFixed(0)} %`,
    measured.resident.toFixed(0),
    ...parts.map((part) => inMib(predicted[part])),
  ]
  return `| ${cells.join(' | ')} |`
}

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
  },
})
const wanted = values.only?.split(',')
const chosen = cases.filter(({ name }) => wanted === undefined || wanted.includes(name))
const head = ['recipe', 'plan', 'held', 'error', 'resident', ...parts]
console.log(`| ${head.join(' | ')} |\n|${head.map(() => ' --- |').join('')}`)
const figures: Figures[] = []
const library = openBenchLibrary()
for (const memoryCase of chosen) {
  const found = await measure(library, memoryCase)
  figures.push(found)
  console.log(rowOf(found))
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`)
}
