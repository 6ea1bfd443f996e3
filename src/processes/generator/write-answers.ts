// The whole job of the generator process: prompts through the model's own chat template to token ids, greedy answers of
// base and tuned by llama.cpp, token ids back to text by the model's own tokenizer.
import { tokenizePrompt } from '#formats/completion-mask.ts'
import type { GeneratorEvent, GeneratorJob, ProofSide } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { readTextSide, type TextSide } from '../scorer/model-folder.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'
import { ggufOfAdapterFolder, ggufOfModelFolder, refusedCopy } from './gguf-cache.ts'
import { type AnswerSession, openAnswerSession } from './llama-session.ts'

/** Throws ProblemError; emits `answer` as each ends, then `finished`. */
export async function writeAnswers(job: GeneratorJob, context: JobContext<GeneratorEvent>): Promise<void> {
  const { emit, signal } = context
  await emit({ kind: 'phase', phase: 'loading' })
  const text = await readTextSide(job.model.folder)
  const paths = await copiesFor(job)
  await throwIfCancelled(signal)
  const session = await openAnswerSession(paths.model, job.threads).catch((error: unknown) => {
    throw refusedCopy(error)
  })
  try {
    await answerSides(job, { session, text, adapterPath: paths.adapter }, context)
  } finally {
    await session.dispose()
  }
  await emit({ kind: 'finished', answers: job.rows.length * job.sides.length })
}

async function copiesFor(job: GeneratorJob): Promise<{ model: string; adapter: string | null }> {
  if (job.sides.includes('tuned') && !job.adapter) throw new Error('tuned answers need an adapter')
  return {
    model: await ggufOfModelFolder(job.model, job.cacheFolder),
    adapter: job.adapter ? await ggufOfAdapterFolder(job.adapter, job.model, job.cacheFolder) : null,
  }
}

interface Answering {
  readonly session: AnswerSession
  readonly text: TextSide
  readonly adapterPath: string | null
}

async function answerSides(
  job: GeneratorJob,
  { session, text, adapterPath }: Answering,
  { emit, signal }: JobContext<GeneratorEvent>,
): Promise<void> {
  await emit({ kind: 'phase', phase: 'preparing' })
  const { tokenizer, template } = text
  const prompts = job.rows.map((row) => [...unwrap(tokenizePrompt(tokenizer, template, row.prompt))])
  const stopIds = new Set(tokenizer.eos ? [tokenizer.eos.id] : [])
  const total = job.rows.length * job.sides.length
  let done = 0
  const answerSide = (side: ProofSide) =>
    session.answer({
      adapterPath: side === 'tuned' ? adapterPath : null,
      prompts,
      maxAnswerTokens: job.maxAnswerTokens,
      stopIds,
      sequences: job.sequences,
      signal,
      onAnswer: async (index, ids, ended) => {
        done += 1
        const answer = {
          rowId: job.rows[index]!.rowId,
          side,
          text: tokenizer.decode(ids, { skipSpecialTokens: true }),
          tokenIds: [...ids],
          ended,
        }
        await emit({ kind: 'answer', answer, done, total })
      },
    })
  await emit({ kind: 'phase', phase: 'working' })
  for (const side of job.sides) await answerSide(side)
}
