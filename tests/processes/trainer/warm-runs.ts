// Runs one after the other in a trainer process that stays, and each of them alone. Every test of a file that
// imports this begins with no process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type ChildExit, createNodeLauncher } from '#core/system/launcher.ts'
import { createWarmTrainers, type WarmTrainer } from '#core/training/warm-trainer.ts'
import {
  type TrainerCommand,
  type TrainerEvent,
  type TrainerEventOf,
  type TrainerJob,
  type TrainerMessage,
  trainerEvent,
} from '#shared/trainer-protocol.ts'
import { makeTinyLibrary, type TestLibrary } from './tiny-run.ts'
import { curveOf, eventsIn, finishedOf, runTrainer, stored } from './trainer-process.ts'

export const trainers = createWarmTrainers(createNodeLauncher(), 600_000)
interface Place {
  tiny: TestLibrary
  warm: WarmTrainer
}
/** Of the test that runs. */
export const place = { warm: trainers.open() } as Place

beforeAll(async () => {
  place.tiny = await makeTinyLibrary()
})
afterAll(() => rm(place.tiny.library.home, { recursive: true, force: true }))
afterEach(() => {
  place.warm.close()
  place.warm = trainers.open()
})

interface Ended {
  readonly events: readonly TrainerEvent[]
  readonly messages: readonly TrainerMessage[]
  readonly pid: number | undefined
  readonly exit: ChildExit
}

/** A run through the warm trainer, to what its supervisor takes for its end. */
export function runWarm(
  job: TrainerJob,
  onEvent: (event: TrainerEvent, kill: () => void) => void = () => {},
) {
  const child = place.warm.launcher.launch('trainer')
  const messages: TrainerMessage[] = []
  return new Promise<Ended>((resolve) => {
    child.onMessage((raw) => {
      const { seq, event } = raw as TrainerMessage
      messages.push({ seq, event: trainerEvent.parse(event) })
      onEvent(event, () => child.kill())
    })
    child.onExit((exit) =>
      resolve({ events: stored(messages).map(({ event }) => event), messages, pid: child.pid, exit }),
    )
    child.send({ kind: 'start', job } satisfies TrainerCommand)
  })
}

export const reusedOf = (events: readonly TrainerEvent[]): TrainerEventOf<'reused'> => {
  const found = events.find((event) => event.kind === 'reused')
  if (found === undefined) throw new Error('nothing was said of what was found ready')
  return found
}

/** What a run computed and left, to the bit. */
export const resultOf = (events: readonly TrainerEvent[]) => {
  const { reason, step, bestStep, bestLossNats, adapterSha256 } = finishedOf(events)
  return { curve: curveOf(events), reason, step, bestStep, bestLossNats, adapterSha256 }
}

const settings = {
  duration: { epochs: 1 },
  evaluation: { everySteps: 2, patience: null },
  checkpoints: { everySeconds: null, everySteps: 100 },
}
let jobs = 0
export const makeJob = (changes: Record<string, unknown> = {}): Promise<TrainerJob> => {
  jobs += 1
  return place.tiny.makeJob(`run-${jobs}`, { ...settings, ...changes })
}

/** The same run in a process of its own, with nothing made ready: no tokens and no states on the disk either. */
export async function alone(job: TrainerJob): Promise<readonly TrainerEvent[]> {
  const cold = await mkdtemp(join(tmpdir(), 'tunewright-cold-'))
  const { messages } = await runTrainer({ ...job, cacheFolder: cold, runFolder: join(cold, 'run') })
  await rm(cold, { recursive: true, force: true })
  return eventsIn(messages)
}

export const lora = { kind: 'lora', rank: 4, alpha: 8 }
