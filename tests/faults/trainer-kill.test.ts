// kill -9 at random moments of a run, in saving and measuring too: what is resumed equals, bit for bit, a run that
// nobody disturbed, and the next start leaves no orphan file.
import { readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTemporaryName } from '../../src/core/system/durable-files.ts'
import { counterRandom } from '../../src/engine/index.ts'
import type { TrainerEvent } from '../../src/shared/trainer-protocol.ts'
import { makeTinyLibrary, type TinyLibrary } from '../processes/trainer/tiny-run.ts'
import { curveOf, eventsIn, finishedOf, runTrainer, stored } from '../processes/trainer/trainer-process.ts'

/** What the kill waits for, and how long after that it strikes at most. */
interface Moment {
  readonly name: string
  readonly after: (event: TrainerEvent) => boolean
  readonly withinMs: number
}
const inPhase =
  (phase: string) =>
  (event: TrainerEvent): boolean =>
    event.kind === 'phase' && event.phase === phase

const moments: readonly Moment[] = [
  { name: 'anywhere in training', after: (event) => event.kind === 'plan', withinMs: 1500 },
  { name: 'saving', after: inPhase('saving'), withinMs: 40 },
  { name: 'measuring', after: inPhase('evaluating'), withinMs: 20 },
  { name: 'just after a checkpoint', after: (event) => event.kind === 'checkpoint', withinMs: 15 },
  { name: 'a step', after: (event) => event.kind === 'step', withinMs: 30 },
  { name: 'starting', after: inPhase('loading'), withinMs: 800 },
  { name: 'writing the adapter', after: inPhase('finishing'), withinMs: 20 },
]

const settings = {
  duration: { epochs: 6 },
  evaluation: { everySteps: 3, patience: null },
  checkpoints: { everySeconds: null, everySteps: 2, keepLast: 2 },
}
const kills = 20
const killsPerRun = 5

let tiny: TinyLibrary
let undisturbed: TrainerEvent[]
beforeAll(async () => {
  tiny = await makeTinyLibrary()
  undisturbed = eventsIn((await runTrainer(await tiny.makeJob('undisturbed', settings))).messages)
})
afterAll(() => rm(tiny.library.home, { recursive: true, force: true }))

async function temporaryNames(): Promise<string[]> {
  const entries = await readdir(tiny.library.home, { recursive: true })
  return entries.filter((entry) => isTemporaryName(entry))
}

describe('a trainer killed with SIGKILL', () => {
  const random = counterRandom(2024, 'kill moments')
  let killed = 0

  for (let run = 0; run < kills / killsPerRun; run += 1) {
    it(`run ${run + 1}: ${killsPerRun} kills, then to the end`, { timeout: 300_000 }, async () => {
      const job = await tiny.makeJob(`killed-${run}`, settings)
      const seen: TrainerEvent[] = []
      let firstSeq = 1
      for (let life = 0; life < killsPerRun; life += 1) {
        const at = run * killsPerRun + life
        const { messages, exit } = await liveUntilKilled({ ...job, firstSeq }, at)
        if (exit.signal === 'SIGKILL') killed += 1
        seen.push(...eventsIn(messages))
        firstSeq += stored(messages).length
      }
      const last = eventsIn((await runTrainer({ ...job, firstSeq })).messages)
      seen.push(...last)
      // curveOf throws where a step that was done twice gave two different numbers.
      expect(curveOf(seen)).toEqual(curveOf(undisturbed))
      expect(finishedOf(last).adapterSha256).toBe(finishedOf(undisturbed).adapterSha256)
      expect(finishedOf(last)).toMatchObject({
        bestStep: finishedOf(undisturbed).bestStep,
        bestLossNats: finishedOf(undisturbed).bestLossNats,
      })
      const inRun = await readdir(job.runFolder, { recursive: true })
      expect(inRun.filter(isTemporaryName)).toEqual([])
    })
  }

  async function liveUntilKilled(job: Awaited<ReturnType<TinyLibrary['makeJob']>>, at: number) {
    const moment = moments[at % moments.length]!
    // A later occurrence of the moment now and then, so that not always the first save is hit.
    let skip = Math.floor(random(2 * at) * 3)
    return runTrainer(job, (event, child) => {
      if (!moment.after(event)) return
      skip -= 1
      if (skip < 0 || inPhase('loading')(event) || inPhase('finishing')(event) || event.kind === 'plan')
        setTimeout(() => child.kill(), random(2 * at + 1) * moment.withinMs)
    })
  }

  it('was really killed that often', () => {
    // A kill may come too late once in a while: the run was over before.
    expect(killed).toBeGreaterThanOrEqual(kills - 3)
  })

  it('leaves no temporary file after the next start, beside the model neither', {
    timeout: 60_000,
  }, async () => {
    const anHourAgo = Date.now() / 1000 - 3600
    const modelFolder = join(tiny.library.modelsFolder, 'tiny-llama')
    for (const name of await readdir(modelFolder))
      if (isTemporaryName(name)) await utimes(join(modelFolder, name), anHourAgo, anHourAgo)
    await runTrainer(await tiny.makeJob('killed-0', settings))
    expect(await temporaryNames()).toEqual([])
  })
})
