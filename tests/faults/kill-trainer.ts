// Kills of a trainer, for any model: kill -9 at random moments, in saving and measuring too, life after life until the
// run goes to its end. Tells what was seen of each kill and run; what must hold is said by the tests that call it.
import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { isTemporaryName } from '../../src/core/system/durable-files.ts'
import { counterRandom } from '../../src/engine/index.ts'
import type { TrainerEvent, TrainerEventOf, TrainerJob } from '../../src/shared/trainer-protocol.ts'
import type { TestLibrary } from '../processes/trainer/tiny-run.ts'
import { curveOf, eventsIn, finishedOf, runTrainer, stored } from '../processes/trainer/trainer-process.ts'

const inPhase =
  (phase: string) =>
  (event: TrainerEvent): boolean =>
    event.kind === 'phase' && event.phase === phase

/** What a kill waits for. */
const moments = {
  'anywhere in training': (event) => event.kind === 'plan',
  saving: inPhase('saving'),
  measuring: inPhase('evaluating'),
  'just after a checkpoint': (event) => event.kind === 'checkpoint',
  'a step': (event) => event.kind === 'step',
  starting: inPhase('loading'),
  'writing the adapter': inPhase('finishing'),
} satisfies Record<string, (event: TrainerEvent) => boolean>
export type Moment = keyof typeof moments
export const allMoments = Object.keys(moments) as Moment[]
/** These come once in a life. */
const onlyOnce: readonly Moment[] = ['anywhere in training', 'starting', 'writing the adapter']

export interface KillPlan {
  /** Changes to the recipe. */
  readonly settings: Record<string, unknown>
  /** Kills that must strike; a life that ends before its moment comes does not count. */
  readonly kills: number
  /** How long after its moment a kill strikes at most. */
  readonly withinMs: Readonly<Record<Moment, number>>
}

/** What a run that came to its end computed. */
export interface EndedRun {
  readonly curve: ReturnType<typeof curveOf>
  readonly finished: TrainerEventOf<'finished'>
}

export interface KilledRun extends EndedRun {
  /** Temporary files that the run's last, undisturbed life left below its folder. */
  readonly orphans: readonly string[]
}

export interface Kill {
  readonly moment: Moment
  /** The last event before it. */
  readonly lastSign: string
  /** Temporary files below the run's folder just after it. */
  readonly orphans: readonly string[]
}

export interface KillReport {
  readonly undisturbed: EndedRun
  readonly kills: readonly Kill[]
  readonly runs: readonly KilledRun[]
  /** Temporary files anywhere in the library after one more start. */
  readonly orphansAfterNextStart: readonly string[]
}

/** The same run is killed so often at most, one life after another, and then goes to its end. */
const killsPerRun = 5
const missesInARow = 12

/** Throws where a step that was done twice gave two different numbers, and where a moment is missed again and again. */
export async function killTrainers(library: TestLibrary, plan: KillPlan): Promise<KillReport> {
  const jobOf = (runId: string) => library.makeJob(runId, plan.settings)
  const undisturbed = eventsIn((await runTrainer(await jobOf('undisturbed'))).messages)
  const striker = createStriker(plan)
  const runs: KilledRun[] = []
  while (striker.kills.length < plan.kills)
    runs.push(await killOneRun(await jobOf(`killed-${runs.length}`), striker, plan))
  await runTrainer(await jobOf('killed-0'))
  return {
    undisturbed: { curve: curveOf(undisturbed), finished: finishedOf(undisturbed) },
    kills: striker.kills,
    runs,
    orphansAfterNextStart: await orphansBelow(library.library.home),
  }
}

/** Kills one run life after life, then lets it finish. */
async function killOneRun(job: TrainerJob, striker: Striker, plan: KillPlan): Promise<KilledRun> {
  const seen: TrainerEvent[] = []
  let firstSeq = 1
  let isKilled = true
  for (let life = 0; isKilled && life < killsPerRun && striker.kills.length < plan.kills; life += 1) {
    // A life that missed its moment is the run's last; a fresh run takes the same moment up again.
    const { messages, exit } = await striker.strike({ ...job, firstSeq })
    isKilled = exit.signal === 'SIGKILL'
    seen.push(...eventsIn(messages))
    firstSeq += stored(messages).length
  }
  const last = eventsIn((await runTrainer({ ...job, firstSeq })).messages)
  return {
    curve: curveOf([...seen, ...last]),
    finished: finishedOf(last),
    orphans: await orphansBelow(job.runFolder),
  }
}

interface Striker {
  readonly kills: readonly Kill[]
  /** One life of the run, killed at the moment whose turn it is if that comes in time. */
  strike(job: TrainerJob): ReturnType<typeof runTrainer>
}

function createStriker({ withinMs }: KillPlan): Striker {
  const random = counterRandom(2024, 'kill moments')
  const kills: Kill[] = []
  /** Lives since the last kill that ended before their moment came: on a quick machine a run may be over by then. */
  let missed = 0
  return {
    kills,
    async strike(job) {
      const at = kills.length
      const moment = allMoments[at % allMoments.length]!
      // The second occurrence of the moment every other time, so that not always the first save is hit.
      let skip = missed === 0 && !onlyOnce.includes(moment) ? Math.floor(random(2 * at) * 2) : 0
      // Sooner after every miss: the same delay again would be missed for ever.
      const delayMs = (random(2 * at + 1) * withinMs[moment]) / 2 ** missed
      const ended = await runTrainer(job, (event, child) => {
        if (!moments[moment](event)) return
        skip -= 1
        if (skip >= 0) return
        if (delayMs < 1) child.kill()
        else setTimeout(() => child.kill(), delayMs)
      })
      if (ended.exit.signal !== 'SIGKILL') {
        missed += 1
        if (missed === missesInARow) throw new Error(`"${moment}" was missed ${missed} times in a row`)
        return ended
      }
      missed = 0
      const lastSign = lastOf(eventsIn(ended.messages))
      kills.push({ moment, lastSign, orphans: await orphansBelow(job.runFolder) })
      return ended
    },
  }
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

/** Where each kill struck, a line each, for the reader of the log. */
export const describeKills = ({ kills }: KillReport): string =>
  [
    `Killed ${kills.length} times (moment: last event, files left half-written)`,
    ...kills.map(({ moment, lastSign, orphans }) => `${moment}: ${lastSign}, ${orphans.length}`),
  ].join('\n  ')
