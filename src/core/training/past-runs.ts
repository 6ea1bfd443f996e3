// What the newest runs of a model took on this computer, for the plan and for the goals' samples.
import { everyRun } from '#shared/journal-commands.ts'
import { unwrap } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import type { PastRun } from './estimate.ts'
import { median } from './robust.ts'

/** Runs of the past that are looked at for their speed. */
const lookedAtRuns = 5

/** Newest first; half of a run's steps were quicker than it says. */
export const pastRunsOf = (
  reader: Pick<WorkstationContext['reader'], 'listRuns' | 'thinCurve' | 'getRun'>,
  modelId: string,
): PastRun[] =>
  unwrap(reader.listRuns({ ...everyRun, modelId, limit: lookedAtRuns })).runs.flatMap(({ id }) => {
    const { train } = unwrap(reader.thinCurve(id, 200))
    if (train.length < 4) return []
    const { recipe } = unwrap(reader.getRun(id))
    // Steps of two kinds are in one curve.
    if (recipe.before !== null) return []
    const stepMs = median(train.map(({ durationMs }) => durationMs))
    return [{ recipe, msPerRow: stepMs / (recipe.batch.microRows * recipe.batch.accumulation) }]
  })
