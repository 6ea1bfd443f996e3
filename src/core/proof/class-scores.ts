// What a new last layer makes of texts, by the scorer process: for the proof, for the check of an export, and for a text
// that somebody brings.
import { type ClassEvent, type ClassJob, type ClassScore, classEvent } from '#shared/class-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { inWorkFolder } from '../system/work-folder.ts'
import { runChildJob } from './child-job.ts'
import type { MeasuredAnswers, MeasurePorts } from './measured-answers.ts'

export interface ClassScoreSpec extends Omit<ClassJob, 'workFolder'> {
  /** The library's cacheFolder. */
  readonly cacheFolder: string
}

export interface ScoredClasses {
  /** By row; not of those that are left out. */
  readonly scores: ReadonlyMap<string, ClassScore>
  readonly leftOut: MeasuredAnswers['leftOut']
  readonly backend: string
}

/** Throws ProblemError: scorer.failed, and what the process says. */
export async function scoreClasses(
  { cacheFolder, ...job }: ClassScoreSpec,
  { launcher, signal, onProgress }: MeasurePorts,
): Promise<ScoredClasses> {
  const scores = new Map<string, ClassScore>()
  let leftOut: MeasuredAnswers['leftOut'] = []
  let backend = ''
  const onEvent = (event: ClassEvent): void => {
    if (event.kind === 'plan') {
      leftOut = event.leftOut
      backend = event.backend
    }
    if (event.kind !== 'classes') return
    for (const row of event.rows) scores.set(row.rowId, row)
    onProgress?.({ phase: 'scoring', done: event.done, total: event.total })
  }
  onProgress?.({ phase: 'loading', done: 0, total: 0 })
  await inWorkFolder(cacheFolder, 'classes', async (workFolder) => {
    const failure = {
      code: 'scorer.failed',
      what: 'The process that reads the texts',
      remedy: 'Free some memory and start again; the trained model is untouched.',
    } as const
    const whole: ClassJob = { ...job, workFolder }
    const reading = {
      process: 'scorer',
      job: whole,
      eventSchema: classEvent,
      onEvent,
      signal,
      failure,
    } as const
    unwrap(await runChildJob(launcher, reading))
  })
  return { scores, leftOut, backend }
}
