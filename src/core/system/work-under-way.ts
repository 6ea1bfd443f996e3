// What runs and long work use at the moment: it must not be taken away from under them.
import { everyRun } from '#shared/journal-commands.ts'
import { activeStatuses, type RunSummary } from '#shared/journal-types.ts'
import { ProblemError, unwrap } from '#shared/result.ts'
import { livingStudies } from '#shared/study.ts'
import type { WorkstationContext } from '../workstation/context.ts'

type WorkContext = Pick<WorkstationContext, 'jobs' | 'reader'>

const usedBy = ({
  id,
  projectId,
  modelId,
  datasetFingerprint,
  beforeFingerprint,
}: RunSummary): (string | null)[] => [id, projectId, modelId, datasetFingerprint, beforeFingerprint]

/** Ids of the projects, runs, models and data sets (their fingerprints) that runs, jobs and studies under way read or write. */
export function idsAtWork({ jobs, reader }: WorkContext): ReadonlySet<string> {
  const active = unwrap(reader.listRuns({ ...everyRun, statuses: [...activeStatuses] })).runs
  const ofJobs = jobs.list().flatMap(({ status, projectId, runId, modelId }) => {
    if (status !== 'running') return []
    const run = runId === null ? null : reader.getRun(runId)
    return [projectId, runId, modelId, ...(run?.ok ? usedBy(run.value) : [])]
  })
  // Between two trials none of a study's runs is under way.
  const ofStudies = unwrap(reader.studies()).flatMap(({ status, projectId, spec: { base } }) => {
    if (!livingStudies.includes(status)) return []
    return [projectId, base.model.id, base.data.fingerprint, base.before?.fingerprint ?? null]
  })
  return new Set([...active.flatMap(usedBy), ...ofJobs, ...ofStudies].filter((id) => id !== null))
}

/** Throws a ProblemError (`run.active`) where it is used; `where` names it for a person. */
export function requireAtRest(context: WorkContext, id: string, where: string): void {
  if (!idsAtWork(context).has(id)) return
  throw new ProblemError({
    code: 'run.active',
    message:
      'It is being used at the moment: a run, a search, a proof, a measurement or an export is under way.',
    where,
    remedy: 'Wait until that is done, or stop it; then it can be removed.',
  })
}
