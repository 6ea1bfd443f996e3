// What long work uses at the moment: it must not be taken away from under it.
import type { Problem } from '#shared/result.ts'
import type { WorkstationContext } from '../workstation/context.ts'

/** Ids of the projects, runs, models and data sets (their fingerprints) that running jobs read or write. */
export function idsAtWork({
  jobs,
  reader,
}: Pick<WorkstationContext, 'jobs' | 'reader'>): ReadonlySet<string> {
  const running = jobs.list().filter(({ status }) => status === 'running')
  const named = running.flatMap(({ projectId, runId, modelId }) => [projectId, runId, modelId])
  const behindRuns = running.flatMap(({ runId }) => {
    const run = runId === null ? null : reader.getRun(runId)
    return run?.ok ? [run.value.modelId, run.value.datasetFingerprint] : []
  })
  return new Set([...named, ...behindRuns].filter((id) => id !== null))
}

export const atWork = (where: string): Problem => ({
  code: 'run.active',
  message: 'It is being used at the moment: a proof, a measurement or an export is under way.',
  where,
  remedy: 'Wait until that is done, or stop it; then it can be removed.',
})
