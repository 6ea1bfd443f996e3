// One job of the scorer process: the loss of every expected answer, and where there are labels their likelihoods.
import { type RowScore, type ScorerEvent, type ScorerJob, scorerEvent } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { inWorkFolder } from '../system/work-folder.ts'
import { runChildJob } from './child-job.ts'
import type { MeasurePorts, MeasureSpec, Question } from './measured-answers.ts'

export interface Scored {
  readonly scores: ReadonlyMap<string, RowScore>
  readonly leftOut: readonly { readonly id: string; readonly reason: string }[]
  readonly backend: string
}

export type ScoreSpec = Pick<MeasureSpec, 'model' | 'tuned' | 'cacheFolder' | 'threads' | 'maxTokens'>

/** Throws ProblemError. */
export async function scoreRows(
  spec: ScoreSpec,
  { launcher, signal, onProgress }: MeasurePorts,
  questions: readonly Question[],
  labels: readonly string[] | null,
): Promise<Scored> {
  const scores = new Map<string, RowScore>()
  let leftOut: Scored['leftOut'] = []
  let backend = ''
  const onEvent = (event: ScorerEvent): void => {
    if (event.kind === 'plan') {
      backend = event.backend
      leftOut = event.leftOut.map(({ rowId, reason }) => ({ id: rowId, reason }))
    }
    if (event.kind !== 'scores') return
    for (const row of event.rows) scores.set(row.rowId, row)
    onProgress?.({ phase: 'scoring', done: event.done, total: event.total })
  }
  onProgress?.({ phase: 'loading', done: 0, total: 0 })
  await inWorkFolder(spec.cacheFolder, 'proof', async (workFolder) => {
    const job: ScorerJob = {
      modelFolder: spec.model.folder,
      tuned: spec.tuned,
      workFolder,
      threads: spec.threads,
      maxTokens: spec.maxTokens,
      rows: questions.map(({ id, prompt, answer }) => ({ rowId: id, prompt: [...prompt], answer })),
      // With one label there is nothing to choose from: only the loss is measured.
      labels: labels && labels.length > 1 ? [...labels] : null,
    }
    const failure = {
      code: 'scorer.failed',
      what: 'The measuring process',
      remedy: 'Free some memory and start again; the trained model is untouched.',
    } as const
    const eventSchema = scorerEvent
    unwrap(await runChildJob(launcher, { process: 'scorer', job, eventSchema, onEvent, signal, failure }))
  })
  return { scores, leftOut, backend }
}
