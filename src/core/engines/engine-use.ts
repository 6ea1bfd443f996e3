// Whether something computes with an engine, or may go on with it, at this moment: then it is not taken away.
import type { EngineId } from '#shared/devices.ts'
import { everyRun } from '#shared/journal-commands.ts'
import { activeStatuses } from '#shared/journal-types.ts'
import { type Problem, ProblemError, unwrap } from '#shared/result.ts'
import { isMeasuring } from '../devices/measuring-lock.ts'
import type { WorkstationContext } from '../workstation/context.ts'
import { enginePack } from './engine-packs.ts'

/**
 * Throws ProblemError: run.active, engine.busy. A run on anything but the plain processor counts for every engine: where
 * its device fails it goes on on the next best one. `jobs` are those of this program, whose measurement may be about to begin.
 */
export async function requireEngineAtRest(
  {
    reader,
    library,
    jobs,
  }: Pick<WorkstationContext, 'reader' | 'library'> & Partial<Pick<WorkstationContext, 'jobs'>>,
  id: EngineId,
): Promise<void> {
  const { runs } = unwrap(reader.listRuns({ ...everyRun, statuses: [...activeStatuses] }))
  const user = runs.find((run) => unwrap(reader.getRun(run.id)).recipe.device !== 'cpu')
  if (user !== undefined) throw new ProblemError(usedByRun(id, user.name))
  const isAsked = jobs?.list().some(({ status, kind }) => status === 'running' && kind === 'speed') === true
  if (isAsked || (await isMeasuring(library)))
    throw new ProblemError(engineBusy(id, 'This computer is being measured'))
}

const usedByRun = (id: EngineId, run: string): Problem => ({
  code: 'run.active',
  message: `The run “${run}” is under way, and computes with ${enginePack(id).name} or may go on with it.`,
  where: `engines/${id}`,
  remedy: 'Wait until the run is done, or stop it; then it can be removed.',
})

export const engineBusy = (id: EngineId, what: string): Problem => ({
  code: 'engine.busy',
  message: `${what} at this moment.`,
  where: `engines/${id}`,
  remedy: 'Wait until that has finished, then try again.',
})
