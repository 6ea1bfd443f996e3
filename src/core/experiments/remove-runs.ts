// What goes with a run, or with a project, to the system's bin before the journal hides it. A Problem then leaves
// everything in its list, and trying again goes on where it ended.
import { existsSync } from 'node:fs'
import { attemptAsync, type Problem, unwrap } from '#shared/result.ts'
import { requireAtRest } from '../system/work-under-way.ts'
import { runFolderOf } from '../training/run-service.ts'
import type { WorkstationContext } from '../workstation/context.ts'

export interface RemovedRuns {
  readonly removed: number
  readonly failed: { runId: string; problem: Problem }[]
}

/** Each run by itself, so that one that is used or that the bin refuses keeps no other. */
export async function removeRuns(
  context: Pick<WorkstationContext, 'library' | 'host' | 'jobs' | 'reader' | 'writer'>,
  runIds: readonly string[],
): Promise<RemovedRuns> {
  const failed: RemovedRuns['failed'] = []
  let removed = 0
  for (const runId of runIds) {
    const result = await attemptAsync(async () => {
      unwrap(context.reader.getRun(runId))
      requireAtRest(context, runId, runId)
      await moveFolderToBin(context, runFolderOf(context.library, runId))
      return unwrap(context.writer.removeRuns([runId]))
    })
    if (result.ok) removed += result.value.removed
    else failed.push({ runId, problem: result.problem })
  }
  return { removed, failed }
}

/** Nothing to do where it is not there: a run that never started, or what a person took away before. */
export async function moveFolderToBin(
  { host }: Pick<WorkstationContext, 'host'>,
  folder: string,
): Promise<void> {
  if (existsSync(folder)) unwrap(await host.moveToBin(folder))
}
