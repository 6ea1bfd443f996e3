// What goes with a run, or with a project, to the system's bin before the journal hides it. A Problem then leaves
// everything in its list, and trying again goes on where it ended.
import { existsSync } from 'node:fs'
import { activeStatuses, type RunSummary } from '#shared/journal-types.ts'
import { attemptAsync, type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { atWork, idsAtWork } from '../system/work-under-way.ts'
import { runFolderOf } from '../training/run-service.ts'
import type { WorkstationContext } from '../workstation/context.ts'

type BinContext = Pick<WorkstationContext, 'library' | 'host' | 'jobs' | 'reader'>

export interface RemovedRuns {
  readonly removed: number
  readonly failed: { runId: string; problem: Problem }[]
}

/** Each run by itself, so that one that cannot be removed keeps no other. */
export async function removeRuns(
  context: BinContext & Pick<WorkstationContext, 'writer'>,
  runIds: readonly string[],
): Promise<RemovedRuns> {
  const failed: RemovedRuns['failed'] = []
  let removed = 0
  for (const runId of runIds) {
    const result = await attemptAsync(async () => {
      await moveRunToBin(context, unwrap(context.reader.getRun(runId)))
      return unwrap(context.writer.removeRuns([runId]))
    })
    if (result.ok) removed += result.value.removed
    else failed.push({ runId, problem: result.problem })
  }
  return { removed, failed }
}

/** The run's folder, once it is clear that nothing uses it. Throws a ProblemError: `run.active`, `bin.failed`. */
async function moveRunToBin(context: BinContext, { id, status }: RunSummary): Promise<void> {
  if (activeStatuses.includes(status)) throw new ProblemError(stillActive(id))
  if (idsAtWork(context).has(id)) throw new ProblemError(atWork(id))
  await moveFolderToBin(context, runFolderOf(context.library, id))
}

/** Nothing to do where it is not there: a run that never started, or what a person took away before. */
export async function moveFolderToBin({ host }: Pick<BinContext, 'host'>, folder: string): Promise<void> {
  if (existsSync(folder)) unwrap(await host.moveToBin(folder))
}

const stillActive = (runId: string): Problem => ({
  code: 'run.active',
  message: 'This run is still at work.',
  where: runId,
  remedy: 'Stop it first; then it can be removed.',
})
