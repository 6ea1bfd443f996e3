// kill -9 of a real trainer process in a run of two stages: in the first, on both sides of the checkpoint with which the
// stage changes, in the second. Each is struck until the newest checkpoint shows that it was struck there. What is resumed
// equals, bit for bit, a run that nobody disturbed.
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TrainerEvent, TrainerEventOf, TrainerJob } from '#shared/trainer-protocol.ts'
import type { TestLibrary } from '../processes/trainer/tiny-run.ts'
import { curveOf, eventsIn, finishedOf, runTrainer, stored } from '../processes/trainer/trainer-process.ts'
import { makeTwoStageLibrary } from '../processes/trainer/two-stage-runs.ts'

vi.setConfig({ testTimeout: 600_000 })

/** One row in a step, so that steps are many: 38 of texts, then 39 of rows. */
const border = 38

interface Newest {
  readonly stage: number
  readonly step: number
}

/** What a kill waits for, how long after it strikes at most, and what it must have left. */
interface Strike {
  readonly after: (event: TrainerEvent) => boolean
  readonly withinMs: number
  readonly left: (newest: Newest, lastStep: number) => boolean
}

const stepOf = (event: TrainerEvent): number => (event.kind === 'step' ? event.step : -1)

const strikes: Readonly<Record<string, Strike>> = {
  'in the first stage': {
    after: (event) => stepOf(event) === 9,
    withinMs: 40,
    left: ({ stage }, lastStep) => stage === 1 && lastStep < border,
  },
  'before the checkpoint at the border': {
    after: (event) => stepOf(event) === border,
    withinMs: 8,
    left: ({ stage, step }, lastStep) => stage === 1 && step < border && lastStep === border,
  },
  'behind the checkpoint at the border': {
    after: (event) => event.kind === 'checkpoint' && event.step === border,
    withinMs: 30,
    left: ({ stage, step }, lastStep) => stage === 2 && step === border && lastStep === border,
  },
  'in the second stage': {
    after: (event) => stepOf(event) === border + 9,
    withinMs: 40,
    left: ({ stage, step }) => stage === 2 && step > border,
  },
}

/** Of the newest checkpoint in the run's folder. */
async function newestOf(job: TrainerJob): Promise<Newest> {
  const folder = join(job.runFolder, 'checkpoints')
  const names = (await readdir(folder)).filter((name) => !name.includes('.tmp-')).sort()
  return JSON.parse(await readFile(join(folder, names.at(-1)!, 'state.json'), 'utf8'))
}

const mostTries = 12

interface Killed {
  readonly job: TrainerJob
  readonly events: readonly TrainerEvent[]
  readonly nextSeq: number
}

/** A run that was killed there. Every other try strikes later, up to the longest delay, for a machine has its own pace. */
async function killAt(makeJob: (runId: string) => Promise<TrainerJob>, strike: Strike): Promise<Killed> {
  for (let attempt = 0; attempt < mostTries; attempt += 1) {
    const job = await makeJob(`try-${attempt}`)
    const delayMs = (strike.withinMs * attempt) / mostTries
    let isStruck = false
    const { messages, exit } = await runTrainer(job, (event, child) => {
      if (isStruck || !strike.after(event)) return
      isStruck = true
      if (delayMs === 0) child.kill()
      else setTimeout(() => child.kill(), delayMs)
    })
    const events = eventsIn(messages)
    const lastStep = Math.max(...events.map(stepOf))
    if (exit.signal === 'SIGKILL' && strike.left(await newestOf(job), lastStep))
      return { job, events, nextSeq: stored(messages).length + 1 }
  }
  throw new Error(`no kill of ${mostTries} left the run there`)
}

/** Which tensors a checkpoint holds is the method's; how the stages change is not: the long run kills both. */
const methods = [
  ['LoRA', { method: { kind: 'lora', rank: 4, alpha: 8 } }],
  ['the whole model', { method: { kind: 'full' }, optimizer: { learningRate: 0.002 } }],
] as const

describe.each(process.env.TUNEWRIGHT_LONG ? methods : methods.slice(0, 1))(
  '%s, two stages, killed',
  (name, changes) => {
    const settings = {
      batch: { microRows: 1, accumulation: 1, maxTokens: 200 },
      duration: { epochs: 1 },
      evaluation: { everySteps: 10, patience: null },
      checkpoints: { everySeconds: null, everySteps: 4, keepLast: 2 },
      regularisation: { averaging: 0.9 },
      ...changes,
    }
    let tiny: TestLibrary
    let undisturbed: { curve: ReturnType<typeof curveOf>; finished: TrainerEventOf<'finished'> }
    beforeAll(async () => {
      tiny = await makeTwoStageLibrary()
      const events = eventsIn(
        (await runTrainer(await tiny.makeJob(`${name}-undisturbed`, settings))).messages,
      )
      undisturbed = { curve: curveOf(events), finished: finishedOf(events) }
    }, 300_000)
    afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

    it('has both stages', () => {
      const steps = [...undisturbed.curve.values()].map((event) => JSON.parse(event) as TrainerEvent)
      expect(steps.filter((event) => event.kind === 'step' && event.stage === 1)).toHaveLength(border)
      expect(undisturbed.finished.step).toBe(border + 39)
    })

    it.each(Object.keys(strikes))('%s, goes on bit for bit', async (where) => {
      const makeJob = (runId: string) => tiny.makeJob(`${name}-${where}-${runId}`, settings)
      const { job, events, nextSeq } = await killAt(makeJob, strikes[where]!)
      const rest = eventsIn((await runTrainer({ ...job, firstSeq: nextSeq })).messages)
      const { adapterSha256, bestStep, bestLossNats } = undisturbed.finished
      expect(curveOf([...events, ...rest])).toEqual(undisturbed.curve)
      expect(finishedOf(rest)).toMatchObject({ reason: 'completed', adapterSha256, bestStep, bestLossNats })
    })
  },
)
