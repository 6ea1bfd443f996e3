// What a trainer that stays open saves: the time from `start` to the first step on the starter model, in a process of its own
// and in one that had a run before, with the same graphs and with those of another rank. Prints figures and the
// load; the argument is how many turns.
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { importModel } from '#core/models/import-model.ts'
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createWarmTrainers } from '#core/training/warm-trainer.ts'
import { unwrap } from '#shared/result.ts'
import type { TrainerJob, TrainerMessage } from '#shared/trainer-protocol.ts'
import { makeTestLibrary, messagesCsv } from '../tests/processes/trainer/tiny-run.ts'
import { findStarterGguf } from '../tests/support/models.ts'

const gguf = findStarterGguf()
if (gguf === null) throw new Error('the starter model is in no folder of test models')
const library = await makeTestLibrary(messagesCsv(80), async (home) => unwrap(await importModel(home, gguf)))
const launcher = createNodeLauncher()

const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024)
/** Of a process on Linux, elsewhere 0. */
const readProc = (pid: number | undefined, file: string, read: (fields: string[]) => number): number => {
  try {
    return read(readFileSync(`/proc/${pid}/${file}`, 'utf8').split(' '))
  } catch {
    return 0
  }
}
const residentOf = (pid: number | undefined): number =>
  readProc(pid, 'statm', (fields) => 4096 * Number(fields[1]))
/** Processor time so far, which other programs change little: ticks of 10 ms (the name has no space). */
const processorMs = (pid: number | undefined): number =>
  readProc(pid, 'stat', (fields) => 10 * (Number(fields[13]) + Number(fields[14])))

let runs = 0
const makeJob = (rank: number, learningRate: number): Promise<TrainerJob> => {
  runs += 1
  return library.makeJob(`run-${runs}`, {
    threads: 2,
    method: { kind: 'lora', rank, alpha: 16 },
    optimizer: { learningRate },
    batch: { microRows: 4, accumulation: 1, maxTokens: 256 },
    duration: { epochs: 1, maxSteps: 1 },
    evaluation: { atShares: [1], mostRows: 4, patience: null },
    checkpoints: { everySeconds: null, everySteps: null },
  })
}

/** Milliseconds from `start`, by the clock and of the processor, until it is told what will be done, until graphs are there and tried, and to the first step. */
async function time(
  name: string,
  open: () => ReturnType<typeof launcher.launch>,
  job: TrainerJob,
): Promise<void> {
  const child = open()
  const startMs = performance.now()
  let startProcessorMs = 0
  const at: Record<string, string> = {}
  const seen = (what: string): void => {
    const ms = Math.round(performance.now() - startMs)
    at[what] ??= `${ms} (${processorMs(child.pid) - startProcessorMs})`
  }
  let reused = ''
  let peakBytes = 0
  let residentBytes = 0
  await new Promise<void>((resolve) => {
    child.onExit(() => resolve())
    child.onMessage((raw) => {
      const { event } = raw as TrainerMessage
      if (event.kind === 'plan') seen('plan')
      if (event.kind === 'phase' && event.phase === 'evaluating') seen('graphs')
      if (event.kind === 'evaluation') seen('measured')
      if (event.kind === 'step') seen('step')
      if (event.kind === 'finished') {
        seen('finished')
        peakBytes = event.peakResidentBytes
        residentBytes = residentOf(child.pid)
      }
      if (event.kind === 'reused')
        reused = `${event.graphsReused} graphs found, ${event.graphsCompiled} made, preparing ${Math.round(event.preparingMs)} ms`
      if (event.kind === 'failed') console.error(event.problem)
    })
    child.send({ kind: 'start', job })
    // A process that stays is chosen by then.
    startProcessorMs = processorMs(child.pid)
  })
  console.log(
    `${name}: ${JSON.stringify(at)}; ${reused}; peak ${mib(peakBytes)}, at its end ${mib(residentBytes)} MiB; load ${loadavg()[0]!.toFixed(1)}`,
  )
}

const turns = Number(process.argv[2] ?? 2)
const cold = () => launcher.launch('trainer')
const trainers = createWarmTrainers(launcher)
const study = trainers.open()
const warm = () => study.launcher.launch('trainer')
try {
  for (let turn = 1; turn <= turns; turn += 1) {
    await time('own process', cold, await makeJob(8, 2e-4))
    await time(
      turn === 1 ? 'first run of a process that stays' : 'rank 8 again',
      warm,
      await makeJob(8, 2e-4),
    )
    await time('another rate', warm, await makeJob(8, 1e-4))
    await time(turn === 1 ? 'another rank' : 'the other rank again', warm, await makeJob(16, 2e-4))
    await time('rank 8 again', warm, await makeJob(8, 3e-4))
  }
} finally {
  study.close()
  await rm(library.library.home, { recursive: true, force: true })
}
