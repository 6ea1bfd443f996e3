// One job of the generator process: a greedy answer to every question, of the base and of the tuned model.
import { type GeneratedAnswer, type GeneratorJob, generatorEvent } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { runChildJob } from './child-job.ts'
import type { MeasurePorts, MeasureSpec, Question } from './measured-answers.ts'

/** Answers written side by side. */
const sequences = 4

/** Answers by side and question, "base 0:row-1". Throws ProblemError. */
export async function writeAnswers(
  spec: MeasureSpec,
  { launcher, signal, onProgress }: MeasurePorts,
  questions: readonly Question[],
  maxAnswerTokens: number,
): Promise<Map<string, GeneratedAnswer>> {
  const answers = new Map<string, GeneratedAnswer>()
  const job: GeneratorJob = {
    model: spec.model,
    tuned: spec.tuned,
    cacheFolder: spec.cacheFolder,
    threads: spec.threads,
    sequences,
    maxAnswerTokens,
    sides: spec.tuned ? ['base', 'tuned'] : ['base'],
    rows: questions.map(({ id, prompt }) => ({ rowId: id, prompt: [...prompt] })),
  }
  const failure = {
    code: 'generator.failed',
    what: 'The process that writes answers',
    remedy: 'Free some memory and start again; the trained model is untouched.',
  } as const
  const tell = (done: number, total: number) => onProgress?.({ phase: 'answering', done, total })
  tell(0, job.rows.length * job.sides.length)
  const result = await runChildJob(launcher, {
    process: 'generator',
    job,
    eventSchema: generatorEvent,
    onEvent: (event) => {
      if (event.kind !== 'answer') return
      answers.set(`${event.answer.side} ${event.answer.rowId}`, event.answer)
      tell(event.done, event.total)
    },
    signal,
    failure,
  })
  unwrap(result)
  return answers
}
