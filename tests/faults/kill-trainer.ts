// The kill test of a trainer, for any model: kill -9 at random moments, in saving and measuring too; what is resumed
// equals, bit for bit, a run that nobody disturbed, and the next start leaves no orphan file.
import { readdir, rm, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
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
  /** Kills that must strike; a life that ends before its moment comes does not count. */
  readonly kills: number
  /** The same run is killed so often at most, one life after another, and then goes to its end. */
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
  /** Where each kill struck, and whether it left something half-written. */
  const struck: { moment: string; lastSign: string; orphans: number }[] = []
  /** Lives since the last kill that ended before their moment came: on a quick machine a run may be over by then. */
  let missed = 0
  let library: TestLibrary
  let undisturbed: TrainerEvent[]

  beforeAll(async () => {
    library = await test.makeLibrary()
    undisturbed = eventsIn((await runTrainer(await library.makeJob('undisturbed', settings))).messages)
  }, timeoutMs)
  afterAll(() => rm(library.library.home, { recursive: true, force: true }))

  it(`goes on bit for bit after each of ${kills} kills`, { timeout: timeoutMs }, async () => {
    for (let run = 0; struck.length < kills; run += 1) {
      expect(missed).toBeLessThan(12)
      await killAndCompare(await library.makeJob(`killed-${run}`, settings))
    }
    const seen = struck.map(({ moment, lastSign, orphans }) => `${moment}: ${lastSign}, ${orphans} orphans`)
    console.info(`Killed ${struck.length} times (moment: last event, orphans)\n  ${seen.join('\n  ')}`)
    expect(struck).toHaveLength(kills)
    if (kills >= moments.length) expect(new Set(struck.map(({ moment }) => moment)).size).toBe(moments.length)
  })

  /** Kills one run again and again, lets it finish, and compares it with the undisturbed one. */
  async function killAndCompare(job: TrainerJob): Promise<void> {
    const seen: TrainerEvent[] = []
    let firstSeq = 1
    let isKilled = true
    for (let life = 0; isKilled && life < killsPerRun && struck.length < kills; life += 1) {
      // A life that missed its moment is the run's last; a fresh run takes the same moment up again.
      const { messages, exit } = await liveUntilKilled({ ...job, firstSeq }, struck.length)
      isKilled = exit.signal === 'SIGKILL'
      seen.push(...eventsIn(messages))
      firstSeq += stored(messages).length
    }
    const last = eventsIn((await runTrainer({ ...job, firstSeq })).messages)
    seen.push(...last)
    // curveOf throws where a step that was done twice gave two different numbers.
    expect(curveOf(seen)).toEqual(curveOf(undisturbed))
    const { adapterSha256, bestStep, bestLossNats } = finishedOf(undisturbed)
    expect(finishedOf(last)).toMatchObject({ adapterSha256, bestStep, bestLossNats })
    expect(await orphansBelow(job.runFolder)).toEqual([])
  }

  async function liveUntilKilled(job: TrainerJob, at: number) {
    const moment = moments[at % moments.length]!
    // The second occurrence of the moment every other time, so that not always the first save is hit.
    let skip = missed === 0 ? Math.floor(random(2 * at) * 2) : 0
    // Sooner after every miss: the same moment again would be missed for ever.
    const delayMs = (random(2 * at + 1) * moment.withinMs) / 2 ** missed
    const ended = await runTrainer(job, (event, child) => {
      if (!moment.after(event)) return
      const isOnlyOnce = event.kind === 'plan' || inPhase('loading')(event) || inPhase('finishing')(event)
      skip -= 1
      if (skip < 0 || isOnlyOnce) setTimeout(() => child.kill(), delayMs)
    })
    const isKilled = ended.exit.signal === 'SIGKILL'
    missed = isKilled ? 0 : missed + 1
    if (isKilled)
      struck.push({
        moment: moment.name,
        lastSign: lastOf(eventsIn(ended.messages)),
        orphans: (await orphansBelow(job.runFolder)).length,
      })
    return ended
  }

  it('leaves no temporary file after the next start, beside the model neither', {
    timeout: timeoutMs,
  }, async () => {
    // What lies beside the model is left alone for a minute: another trainer may be making it.
    const anHourAgo = Date.now() / 1000 - 3600
    for (const name of await readdir(library.modelFolder))
      if (isTemporaryName(name)) await utimes(join(library.modelFolder, name), anHourAgo, anHourAgo)
    await runTrainer(await library.makeJob('killed-0', settings))
    expect(await orphansBelow(library.library.home)).toEqual([])
  })
}

/** Temporary files and folders at any depth, without what lies inside of them. */
async function orphansBelow(folder: string): Promise<string[]> {
  const all = await readdir(folder, { recursive: true })
  return all.filter((path) => isTemporaryName(basename(path)))
}

function lastOf(events: readonly TrainerEvent[]): string {
  const last = events.at(-1)
  if (!last) return 'none'
  return last.kind === 'phase' ? last.phase : 'step' in last ? `${last.kind} ${last.step}` : last.kind
}
