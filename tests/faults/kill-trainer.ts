// The kill test of a trainer, for any model: kill -9 at random moments, in saving and measuring too; what is resumed
// equals, bit for bit, a run that nobody disturbed, and the next start leaves no orphan file.
import { readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isTemporaryName } from '../../src/core/system/durable-files.ts'
import { counterRandom } from '../../src/engine/index.ts'
import type { TrainerEvent, TrainerJob } from '../../src/shared/trainer-protocol.ts'
import type { TestLibrary } from '../processes/trainer/tiny-run.ts'
import { curveOf, eventsIn, finishedOf, runTrainer, stored } from '../processes/trainer/trainer-process.ts'

/** What the kill waits for, and how long after that it strikes at most. */
export interface Moment {
  readonly name: string
  readonly after: (event: TrainerEvent) => boolean
  readonly withinMs: number
}

export interface KillTest {
  readonly makeLibrary: () => Promise<TestLibrary>
  /** Changes to the recipe. */
  readonly settings: Record<string, unknown>
  readonly kills: number
  /** The same run is killed so often, one life after another, and then goes to its end. */
  readonly killsPerRun: number
  readonly moments: readonly Moment[]
  readonly timeoutMs: number
}

export const inPhase =
  (phase: string) =>
  (event: TrainerEvent): boolean =>
    event.kind === 'phase' && event.phase === phase

export function testKills(test: KillTest): void {
  const { settings, kills, killsPerRun, moments, timeoutMs } = test
  const random = counterRandom(2024, 'kill moments')
  const struck: string[] = []
  let library: TestLibrary
  let undisturbed: TrainerEvent[]

  beforeAll(async () => {
    library = await test.makeLibrary()
    undisturbed = eventsIn((await runTrainer(await library.makeJob('undisturbed', settings))).messages)
  }, timeoutMs)
  afterAll(() => rm(library.library.home, { recursive: true, force: true }))

  for (let run = 0; run < kills / killsPerRun; run += 1)
    it(`run ${run + 1}: ${killsPerRun} kills, then to the end`, { timeout: timeoutMs }, async () => {
      const job = await library.makeJob(`killed-${run}`, settings)
      const seen: TrainerEvent[] = []
      let firstSeq = 1
      for (let life = 0; life < killsPerRun; life += 1) {
        const messages = await liveUntilKilled({ ...job, firstSeq }, run * killsPerRun + life)
        seen.push(...eventsIn(messages))
        firstSeq += stored(messages).length
      }
      const last = eventsIn((await runTrainer({ ...job, firstSeq })).messages)
      seen.push(...last)
      // curveOf throws where a step that was done twice gave two different numbers.
      expect(curveOf(seen)).toEqual(curveOf(undisturbed))
      const { adapterSha256, bestStep, bestLossNats } = finishedOf(undisturbed)
      expect(finishedOf(last)).toMatchObject({ adapterSha256, bestStep, bestLossNats })
      const inRun = await readdir(job.runFolder, { recursive: true })
      expect(inRun.filter(isTemporaryName)).toEqual([])
    })

  async function liveUntilKilled(job: TrainerJob, at: number) {
    const moment = moments[at % moments.length]!
    // A later occurrence of the moment now and then, so that not always the first save is hit.
    let skip = Math.floor(random(2 * at) * 3)
    const { messages, exit } = await runTrainer(job, (event, child) => {
      if (!moment.after(event)) return
      const isOnlyOnce = event.kind === 'plan' || inPhase('loading')(event) || inPhase('finishing')(event)
      skip -= 1
      if (skip < 0 || isOnlyOnce) setTimeout(() => child.kill(), random(2 * at + 1) * moment.withinMs)
    })
    if (exit.signal === 'SIGKILL') struck.push(lastOf(eventsIn(messages)))
    return messages
  }

  it('was really killed that often', () => {
    console.info(`Killed ${struck.length} times; last sign of life: ${struck.join(', ')}`)
    // A kill may come too late once in a while: the run was over before.
    expect(struck.length).toBeGreaterThanOrEqual(kills * 0.8)
  })

  it('leaves no temporary file after the next start, beside the model neither', {
    timeout: timeoutMs,
  }, async () => {
    // What lies beside the model is left alone for a minute: another trainer may be making it.
    const anHourAgo = Date.now() / 1000 - 3600
    for (const name of await readdir(library.modelFolder))
      if (isTemporaryName(name)) await utimes(join(library.modelFolder, name), anHourAgo, anHourAgo)
    await runTrainer(await library.makeJob('killed-0', settings))
    const all = await readdir(library.library.home, { recursive: true })
    expect(all.filter((path) => isTemporaryName(path))).toEqual([])
  })
}

function lastOf(events: readonly TrainerEvent[]): string {
  const last = events.at(-1)
  if (!last) return 'none'
  return last.kind === 'phase' ? last.phase : 'step' in last ? `${last.kind} ${last.step}` : last.kind
}
